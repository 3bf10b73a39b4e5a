import Foundation
import LinuxFiles
import Logging
import Publishing
import ServiceConfiguration
import ServiceControl
import StyleModels
import Threads

/// Finished photos that are made anew when their style has another model, where their inbox wants that.
struct Restyling: Sendable {
    let ledger: Ledger
    let models: ModelStore
    let pipeline: Pipeline
    let logger: Logger

    /// Works on a thread of its own: there may be very many.
    func begin(_ style: String, _ configuration: Configuration) {
        let inboxes = configuration.inboxes.filter { $0.restyle == .onNewModel && $0.picture.style == style }
        guard !inboxes.isEmpty else { return }
        do {
            try WorkerThread("restyling") { for inbox in inboxes { queue(inbox) } }
        } catch { logger.warning("finished photos of '\(style)' are not made anew: \(error)") }
    }

    /// Photos whose original is still there.
    func queue(_ inbox: InboxConfiguration) {
        do {
            let model = try models.identity(for: inbox.picture.style)
            var count = 0, last: Int64 = 0
            while true {
                let batch = try ledger.finished(inbox.key, notBy: model, after: last, limit: 200)
                guard let end = batch.last else { break }
                last = end.id
                let found = try batch.compactMap { entry -> Ledger.Anew? in
                    let dropped = inbox.inbox.appending(entry.file.path), place = entry.destination ?? dropped
                    guard let identity = try Files.identity(of: place), identity.size == entry.file.identity.size
                    else { return nil }
                    return .init(entry: entry, identity: identity, source: place == dropped ? nil : place)
                }
                try ledger.makeAnew(found)
                count += found.count
                if !found.isEmpty { pipeline.wake() }
            }
            let what = counted(count, "photo")
            if count > 0 {
                logger.notice("inbox \(inbox.key): \(what) are made anew with the new model (restyle: on-new-model)")
            }
        } catch { logger.warning("inbox \(inbox.key): finished photos are not made anew: \(error)") }
    }
}
