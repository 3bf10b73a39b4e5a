import Digests
import Foundation
import LinuxFiles
import Logging
import Photos
import Publishing
import ServiceConfiguration
import StyleModels
import Synchronization
import SystemdKit
import Threads

/// The third thread: writes pictures, and tries again what could not be written.
extension Pipeline {
    func publishLoop() {
        var retries = Retries()
        while true {
            let isWaiting = state.read(\.isWaitingForRoom)
            state.wait(
                seconds: isWaiting ? retries.wait : .infinity,
                for: { state in
                    state.translated != nil || state.hasEnded(.translating) || !isWaiting && state.isWaitingForRoom
                })
            let (next, hasEnded) = state.change { state in
                defer { state.translated = nil }
                return (state.translated, state.hasEnded(.translating))
            }
            if let item = next {
                state.change { $0.inWork[item.entry.id]?.stage = .writing }
                write(item)
            } else if hasEnded {
                break
            } else if isWaiting {
                retryParked()
                if retries.areOriginalsDue { retries.noteOriginals(wereMoved: retryOriginals()) }
            }
        }
        for item in state.change({ state in
            defer { (state.parked, state.blockedInboxes) = ([], [:]) }
            return state.parked
        }) { release(item.entry) }
        state.change { $0.ended = .publishing }
    }

    /// Takes a photo to its end, or parks it where its outbox cannot be written now.
    private func write(_ item: WorkItem) {
        watchdog.begin("writing")
        defer { watchdog.end("writing") }
        var item = item
        do { try publish(&item) } catch {
            if case .blocked(let reason, isLedger: false) = Failure(error) { return park(item, reason) }
            settle(item.entry, item.inbox, error)
        }
        leave(item.entry.id)
        statusChanged()
    }

    private func retryParked() {
        for item in state.change({ state in
            defer { state.parked = [] }
            return state.parked
        }) { write(item) }
        let open = state.change { state in
            let open = state.blockedInboxes.keys.filter { key in !state.parked.contains { $0.inbox.key == key } }
            for key in open { state.blockedInboxes[key] = nil }
            if !open.isEmpty { state.generation += 1 }
            return open
        }
        for key in open { logger.notice("writing goes on in the inbox \(key)", metadata: .event(.outputResumed)) }
        if !open.isEmpty { statusChanged() }
    }

    /// The disk of this inbox's outbox is full, the quota used up, or the file system read-only. The picture is kept
    /// until it can be written, and no further photo of this inbox is begun; other inboxes go on.
    private func park(_ item: WorkItem, _ reason: String) {
        let key = item.inbox.key
        var item = item
        item.wasParked = true
        let isNew = state.change { state in
            state.parked.append(item)
            state.inWork[item.entry.id]?.stage = .blocked
            return state.blockedInboxes.updateValue(reason, forKey: key) == nil
        }
        guard isNew else { return }
        logger.error(
            """
            writing pauses in the inbox \(key): \(reason). Nothing is lost; it goes on by itself as soon as there is \
            room.
            """,
            metadata: .event(.outputPaused, reason: reason))
        statusChanged()
    }

    /// When the writing thread tries again what could not be done.
    private struct Retries {
        /// Seconds between two looks at outboxes that took no picture.
        let wait = 2.0
        private static let longest = 60.0
        private var originalsWait = 2.0
        private var originalsDue = ContinuousClock.now

        var areOriginalsDue: Bool { .now >= originalsDue }

        /// Looking at originals that cannot be moved costs a little for each: less and less often where none can.
        mutating func noteOriginals(wereMoved: Bool) {
            originalsWait = wereMoved ? wait : min(originalsWait * 2, Self.longest)
            originalsDue = .now + .seconds(originalsWait)
        }
    }
}
