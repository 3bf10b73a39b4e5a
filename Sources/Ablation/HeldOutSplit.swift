import CycleGAN
import Evaluation
import Foundation
import Glibc

/// Folders of links into the two data folders: what is trained on, and what is kept for the evaluation. Made once, so
/// that a run that is gone on with has the same images, whatever has come to the data since.
struct HeldOutSplit {
    let trainingPhotos, trainingPaintings, photos, paintings: String

    init(_ directory: String) {
        let root = directory + "/data"
        (trainingPhotos, trainingPaintings) = (root + "/photos", root + "/paintings")
        (photos, paintings) = (root + "/held-out-photos", root + "/held-out-paintings")
    }

    /// Throws `TrainingError` where a folder cannot be read or has too few images.
    static func make(_ plan: AblationPlan, in directory: String) throws -> HeldOutSplit {
        let split = HeldOutSplit(directory), root = directory + "/data"
        if FileManager.default.fileExists(atPath: root) { return split }
        // What a killed process left is not whole.
        let unfinished = directory + "/data.unfinished"
        try? FileManager.default.removeItem(atPath: unfinished)
        let working = HeldOutSplit(directory, root: unfinished)
        try divide(plan.photos, plan.heldOut, "photos", working.trainingPhotos, working.photos)
        try divide(plan.paintings, plan.heldOut, "paintings", working.trainingPaintings, working.paintings)
        guard rename(unfinished, root) == 0 else {
            throw TrainingError("\(root) cannot be made: \(String(cString: strerror(errno)))")
        }
        return split
    }

    private init(_ directory: String, root: String) {
        (trainingPhotos, trainingPaintings) = (root + "/photos", root + "/paintings")
        (photos, paintings) = (root + "/held-out-photos", root + "/held-out-paintings")
    }

    private static func divide(
        _ path: String, _ part: Double, _ what: String, _ training: String, _ heldOut: String
    ) throws {
        let folder = try ImageFolder(path), count = folder.names.count
        let kept = Int((Double(count) * part).rounded())
        guard kept >= 2, count - kept >= 1 else {
            throw TrainingError(
                "\(path): \(part * 100) % of \(count) images are \(kept), and an evaluation needs two or more; put "
                    + "more \(what) there, or keep a larger part aside with --held-out")
        }
        var random = EvaluationRandom(seed: 1, purpose: "held out " + what)
        let chosen = Set(random.chosen(kept, of: count))
        for folder in [training, heldOut] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        for (i, name) in folder.names.enumerated() {
            let number = String(i), last = Array(name.split(separator: UInt8(ascii: "/")).last!)
            let link =
                (chosen.contains(i) ? heldOut : training) + "/"
                + String(repeating: "0", count: max(0, 6 - number.count)) + number + "-"
            // A long name loses its beginning: the ending says what it is.
            let target = Array(path.utf8) + [UInt8(ascii: "/")] + name + [0],
                place = Array(link.utf8) + last.suffix(200) + [0]
            let failed = target.withUnsafeBytes { target in
                place.withUnsafeBytes { place in
                    symlink(
                        target.bindMemory(to: CChar.self).baseAddress!, place.bindMemory(to: CChar.self).baseAddress!)
                }
            }
            guard failed == 0 else {
                throw TrainingError("\(link)... cannot be made: \(String(cString: strerror(errno)))")
            }
        }
    }
}
