import LinuxFiles

/// Which images an iteration trains on, and which part of each.
package struct TrainingPair: Sendable, Equatable {
    /// A square of the resized image, mirrored or not.
    package struct Crop: Sendable, Equatable {
        /// The corner; with a `shortSide` in 65,536ths of the room that there is.
        package var x, y: Int
        package var isFlipped: Bool
        /// Of the resized image, aspect kept; nil for a square of the load size.
        package var shortSide: Int?

        package init(x: Int, y: Int, isFlipped: Bool, shortSide: Int? = nil) {
            (self.x, self.y, self.isFlipped, self.shortSide) = (x, y, isFlipped, shortSide)
        }
    }

    package enum Image: Sendable, Equatable {
        /// An index in the folder.
        case index(Int)
        /// An index in the folder of older images.
        case replayed(Int)
        /// A path.
        case named(String)
    }

    package var photo, painting: Image
    package var photoCrop, paintingCrop: Crop
}

/// The order of the data, from the seed alone: photos one after the other, shuffled anew for each pass; paintings,
/// crops and flips at random, independently for the two domains (as the original project's unaligned data set).
package struct DataOrder: Sendable {
    let seed: UInt64
    let photos, paintings: Int
    let replayPhotos, replayPaintings: Int
    private let stages: [Stage]
    private var pass = -1
    private var order: [Int] = []

    /// - Parameters:
    ///   - c: says how crops are drawn, stage by stage.
    ///   - photos: how many there are, and so on.
    init(_ c: TrainingConfiguration, photos: Int, paintings: Int, replayPhotos: Int = 0, replayPaintings: Int = 0) {
        (seed, self.photos, self.paintings) = (c.seed, photos, paintings)
        (self.replayPhotos, self.replayPaintings) = (replayPhotos, replayPaintings)
        stages = zip([0] + c.stages.map { $0.start * c.batch }, c.allSettings).map(Stage.init)
    }

    /// How crops are drawn from a pair on.
    private struct Stage: Sendable {
        let firstPair: Int
        let cropRange: Int
        let sizes, photoSizes: [Int]
        let replay: Double

        init(firstPair: Int, _ c: TrainingConfiguration) {
            self.firstPair = firstPair
            cropRange = max(1, c.loadSize - c.cropSize + 1)
            (sizes, photoSizes, replay) = (c.sizes, c.photoSizes, c.replay)
        }
    }

    /// Of a corner's place in the room that there is.
    static let cornerUnit = 65_536

    /// The pair with a number, counted over the whole run from 0.
    package mutating func pair(_ number: Int) -> TrainingPair {
        if number / photos != pass {
            pass = number / photos
            var random = SeededGenerator(seed: seed, purpose: "order of photos", number: pass)
            order = random.permutation(photos)
        }
        var random = SeededGenerator(seed: seed, purpose: "pair", number: number)
        let stage = stages.last { $0.firstPair <= number }!, replay = stage.replay
        func crop(_ sizes: [Int]) -> TrainingPair.Crop {
            let range = sizes.isEmpty ? stage.cropRange : Self.cornerUnit
            return TrainingPair.Crop(
                x: random.below(range), y: random.below(range), isFlipped: random.uniform() < 0.5,
                shortSide: sizes.isEmpty ? nil : sizes[random.below(sizes.count)])
        }
        var pair = TrainingPair(
            photo: .index(order[number % photos]), painting: .index(random.below(paintings)),
            photoCrop: crop(stage.photoSizes),
            paintingCrop: crop(stage.sizes))
        if replay > 0 {
            if random.uniform() < replay, replayPhotos > 0 { pair.photo = .replayed(random.below(replayPhotos)) }
            if random.uniform() < replay, replayPaintings > 0 {
                pair.painting = .replayed(random.below(replayPaintings))
            }
        }
        return pair
    }
}

/// A data order in a file, so that two implementations can be compared step by step. One line a pair, with tabs
/// between: photo, painting, photo crop, painting crop; a crop is `x,y,flip` with flip 0 or 1, paths are relative to
/// the folders. Lines that begin with # are comments. After the last line comes the first again.
package enum PairsFile {
    /// Throws `TrainingError` naming file and line.
    package static func parse(_ text: String, path: String, loadSize: Int, cropSize: Int) throws -> [TrainingPair] {
        var pairs: [TrainingPair] = []
        for (index, line) in text.textLines.enumerated() {
            if line.isEmpty || line.hasPrefix("#") { continue }
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 4, !fields[0].isEmpty, !fields[1].isEmpty,
                let photoCrop = crop(fields[2], loadSize - cropSize),
                let paintingCrop = crop(fields[3], loadSize - cropSize)
            else {
                throw TrainingError(
                    "\(path):\(index + 1): expected photo, painting, x,y,flip and x,y,flip with tabs between, x and y "
                        + "from 0 to "
                        + "\(loadSize - cropSize) (load-size less crop-size), flip 0 or 1")
            }
            pairs.append(
                TrainingPair(
                    photo: .named(fields[0]), painting: .named(fields[1]), photoCrop: photoCrop,
                    paintingCrop: paintingCrop))
        }
        guard !pairs.isEmpty else { throw TrainingError("\(path) has no pair") }
        return pairs
    }

    private static func crop(_ text: String, _ largest: Int) -> TrainingPair.Crop? {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 3, let x = numbers[0], let y = numbers[1], let flip = numbers[2],
            (0...largest).contains(x),
            (0...largest).contains(y), (0...1).contains(flip)
        else { return nil }
        return TrainingPair.Crop(x: x, y: y, isFlipped: flip == 1)
    }
}
