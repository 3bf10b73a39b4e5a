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

/// The second thread: the network, with all processors.
extension Pipeline {
    func translateLoop() {
        while true {
            let next = state.wait(
                for: { $0.decoded != nil || $0.hasEnded(.taking) },
                then: { state -> WorkItem? in
                    defer { state.decoded = nil }
                    return state.decoded
                })
            guard var item = next else { break }
            if state.read(\.isStopping) {
                release(item.entry)
                continue
            }
            do {
                item.translated = Date()
                if case .decoded(let photo) = item.content {
                    item.content = .translated(try translate(photo, item))
                    try FailurePoint.reached(.translated)
                }
                state.wait(
                    for: { $0.translated == nil },
                    then: { state in
                        state.translated = item
                        state.inWork[item.entry.id]?.stage = .waiting
                    })
            } catch {
                settle(item.entry, item.inbox, error)
                leave(item.entry.id)
                statusChanged()
            }
        }
        state.change { $0.ended = .translating }
    }

    private func translate(_ photo: Photo, _ item: WorkItem) throws -> Photo {
        let id = item.entry.id, began = Date(), picture = item.inbox.picture
        let work = try translator.work(width: photo.width, height: photo.height, model: item.model, settings: picture)
        state.change { state in
            state.inWork[id]?.stage = .translating
            state.inWork[id]?.stageStarted = began
            state.inWork[id]?.expected = state.pace.seconds(model: item.model, pixels: work)
        }
        statusChanged()
        watchdog.begin("translating")
        defer { watchdog.end("translating") }
        let result = try translator.translate(photo, model: item.model, settings: picture) {
            [state, watchdog] progress in
            watchdog.beat("translating")
            return state.change { state in
                state.inWork[id]?.progress = progress
                return state.phase != .abandoning && !state.lostLeases.contains(id)
            }
        }
        if picture.strength > 0 {
            let seconds = Date().timeIntervalSince(began)
            state.change { state in
                state.pace.translated(model: item.model, pixels: work, seconds: seconds)
                state.tally.translated(seconds: seconds)
            }
        }
        return result
    }
}
