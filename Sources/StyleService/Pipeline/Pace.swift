import Foundation
import LinuxFiles
import Publishing
import StyleModels

/// How fast the service is, as measured: what a photo will take, and when the queue will be done.
struct Pace: Sendable {
    /// Seconds of a translation for each pixel that the network sees, by the model's hash and name.
    private var secondsPerPixel: [String: Double] = [:]
    /// Seconds from one picture to the next while there is work.
    private(set) var secondsPerPhoto: Double?
    private var lastPublication: Date?
    private var noted: String?
    /// So much does the latest photo count beside those before it.
    private static let weight = 0.25

    /// Seconds that a picture of so many pixels takes; nil where the model was never seen at work.
    func seconds(model: ModelIdentity, pixels: Int) -> Double? {
        secondsPerPixel[Self.key(model)].map { $0 * Double(pixels) }
    }

    mutating func translated(model: ModelIdentity, pixels: Int, seconds: Double) {
        guard pixels > 0, seconds > 0 else { return }
        let measured = seconds / Double(pixels), key = Self.key(model)
        secondsPerPixel[key] = secondsPerPixel[key].map { $0 + Self.weight * (measured - $0) } ?? measured
    }

    /// A picture was published whose photo was begun at `began`. Photos overlap on their way: what counts is the time
    /// since the last picture, or since the photo was begun where the service had been idle.
    mutating func published(began: Date, now: Date = Date()) {
        let seconds = max(0, now.timeIntervalSince(max(began, lastPublication ?? began)))
        secondsPerPhoto = secondsPerPhoto.map { $0 + Self.weight * (seconds - $0) } ?? seconds
        lastPublication = now
    }

    private static func key(_ model: ModelIdentity) -> String { "\(model.name) \(model.hash)" }
}

extension Pace {
    /// The ledger's note with what was measured: a restart begins with that.
    static let noteName = "pace"

    init(note: String?) {
        guard let note, let known = try? JSONDecoder().decode([String: Double].self, from: Data(note.utf8)) else {
            return
        }
        secondsPerPixel = known.filter { $0.value.isFinite && $0.value > 0 }
        noted = note
    }

    /// The note's new text, where it has changed by more than a twentieth or so since the last one.
    mutating func takeNews() -> String? {
        let rounded = secondsPerPixel.mapValues { Double(String(format: "%.1e", $0)) ?? $0 }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let note = (try? encoder.encode(rounded)).map({ String(decoding: $0, as: UTF8.self) }), note != noted
        else { return nil }
        noted = note
        return note
    }
}
