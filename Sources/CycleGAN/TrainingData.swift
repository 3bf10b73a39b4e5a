import Foundation
import LinuxFiles
import Photos
import Synchronization
import Tensors

/// The images of both domains: which ones are trained on and which kept aside, and how a pair becomes tensors.
package final class TrainingData: Sendable {
    package let photos, paintings: ImageFolder
    /// Kept aside for the sample sheets; training photos where there are too few.
    package let samples: ImageFolder
    let replayPhotos, replayPaintings: ImageFolder?
    private let configuration: TrainingConfiguration
    private let context: ComputeContext
    /// Crop and load size of each stage.
    private let sides: [(load: Int, crop: Int)]
    private let pairs: [TrainingPair]?
    private let order: Mutex<DataOrder>
    private let notice: @Sendable (String) -> Void
    private struct Skipped {
        var lines: [String] = []
        var paths: Set<String> = []
    }
    private let skipped = Mutex(Skipped())

    /// Throws `TrainingError` where a folder cannot be read or is empty, or a line of the data order is wrong.
    /// - Parameters:
    ///   - run: the run's directory: what it holds are no photos, also where it lies among them.
    ///   - context: where the images' tensors are made.
    ///   - notice: is told how many images there are, and of files that cannot be read, once each.
    package init(
        _ c: TrainingConfiguration, run: String? = nil, in context: ComputeContext = .default,
        notice: @escaping @Sendable (String) -> Void
    ) throws {
        self.context = context
        let runs = run.map { [$0] } ?? []
        if let run, let folder = [c.photos, c.paintings].first(where: { BytePath($0).isSameFile(as: BytePath(run)) }) {
            throw TrainingError(
                "\(folder) holds the images and cannot be the run's directory; name another one with --run")
        }
        let all = try ImageFolder(c.photos, excluding: runs + [c.paintings])
        pairs = try c.pairs.map { path in
            guard let data = FileManager.default.contents(atPath: path) else {
                throw TrainingError("\(path) cannot be read")
            }
            return try PairsFile.parse(
                String(decoding: data, as: UTF8.self), path: path, loadSize: c.loadSize, cropSize: c.cropSize)
        }
        // A photo that the data order trains on is none that was kept aside.
        let trainedOn = Set((pairs ?? []).compactMap { pair in all.relativeName(pair.photo) })
        let others = all.names.indices.filter { !trainedOn.contains(all.names[$0]) }
        var random = SeededGenerator(seed: c.seed, purpose: "held-out photos")
        let chosen = random.permutation(others.count).prefix(min(c.heldOut, all.names.count / 5)).map { others[$0] }
        let divided = all.divided(chosen.sorted())
        photos = divided.rest
        samples =
            chosen.isEmpty ? ImageFolder(path: all.path, names: Array(all.names.prefix(c.heldOut))) : divided.chosen
        paintings = try ImageFolder(c.paintings, excluding: runs + [c.photos])
        replayPhotos = try c.replayPhotos.map { try ImageFolder($0) }
        replayPaintings = try c.replayPaintings.map { try ImageFolder($0) }
        (configuration, sides, self.notice) = (c, c.allSettings.map { ($0.loadSize, $0.cropSize) }, notice)
        order = Mutex(
            DataOrder(
                c, photos: photos.names.count, paintings: paintings.names.count,
                replayPhotos: replayPhotos?.names.count ?? 0, replayPaintings: replayPaintings?.names.count ?? 0))
        for folder in all.unreadable + paintings.unreadable { notice("skipped: \(folder)") }
        for folder in all.passedOver + paintings.passedOver {
            notice("passed over: \(folder) (a run, or the other folder of images)")
        }
        notice(
            "found \(Self.count(all.names.count, "photo")) in "
                + "\(c.photos)\(chosen.isEmpty ? "" : ", \(chosen.count) of them kept aside,") "
                + "and \(Self.count(paintings.names.count, "painting")) in \(c.paintings)")
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    /// Pairs that make an epoch: as many as the larger domain has images.
    package var epochLength: Int { pairs?.count ?? max(photos.names.count, paintings.names.count) }

    /// Changes where the files do.
    package var fingerprint: String {
        "\(photos.names.count) photos \(photos.fingerprint), \(paintings.names.count) paintings "
            + "\(paintings.fingerprint)"
    }

    /// Files that could not be read so far, with the reason.
    package var skippedFiles: [String] { skipped.withLock { $0.lines } }

    package func pair(_ number: Int) -> TrainingPair {
        if let pairs { return pairs[number % pairs.count] }
        return order.withLock { $0.pair(number) }
    }

    /// Photo and painting of the pair with a number, (1, crop, crop, 3) in [-1, 1], by the settings of its stage.
    package func load(_ number: Int) throws -> (x: Tensor, y: Tensor) {
        try load(pair(number), sides[configuration.stage(at: number / configuration.batch)])
    }

    /// As `load`, of any pair, by the settings that a run starts with.
    package func load(_ pair: TrainingPair) throws -> (x: Tensor, y: Tensor) { try load(pair, sides[0]) }

    /// For a file that cannot be read, the next in the folder stands in; a file that a data order names must be
    /// readable.
    private func load(_ pair: TrainingPair, _ sides: (load: Int, crop: Int)) throws -> (x: Tensor, y: Tensor) {
        (
            try crop(image(pair.photo, photos, replayPhotos), pair.photoCrop, sides),
            try crop(image(pair.painting, paintings, replayPaintings), pair.paintingCrop, sides)
        )
    }

    private func image(_ image: TrainingPair.Image, _ folder: ImageFolder, _ older: ImageFolder?) throws -> Photo {
        switch image {
        case .named(let name):
            do { return try folder.photo(named: name) } catch let error as PhotoError {
                throw TrainingError("\(folder.path)/\(name): \(error); the data order names it")
            }
        case .index(let index): return try readable(folder, index)
        case .replayed(let index): return try readable(older!, index)
        }
    }

    private func readable(_ folder: ImageFolder, _ index: Int) throws -> Photo {
        for step in folder.names.indices {
            let candidate = (index + step) % folder.names.count, path = "\(folder.path)/\(folder.name(candidate))"
            if skipped.withLock({ $0.paths.contains(path) }) { continue }
            do { return try folder.photo(candidate) } catch let error as PhotoError { skip(path, error) }
        }
        throw TrainingError("none of the \(folder.names.count) images in \(folder.path) can be read")
    }

    private func skip(_ path: String, _ error: PhotoError) {
        let line = "\(path): \(error)"
        let isNew = skipped.withLock { skipped in
            guard skipped.paths.insert(path).inserted else { return false }
            skipped.lines.append(line)
            return true
        }
        if isNew { notice("skipped: \(line)") }
    }

    /// Resized (bicubic, antialiased), cut, mirrored.
    private func crop(_ photo: Photo, _ crop: TrainingPair.Crop, _ sides: (load: Int, crop: Int)) throws -> Tensor {
        let size = Self.resized(photo, crop.shortSide, sides)
        let photo = try photo.resized(toWidth: size.width, height: size.height, filter: .bicubic)
        let side = sides.crop, tensor = Tensor(Shape(1, side, side, 3), in: context)
        func corner(_ place: Int, _ length: Int) -> Int {
            crop.shortSide == nil ? place : place * (length - side + 1) / DataOrder.cornerUnit
        }
        let (left, top) = (corner(crop.x, size.width), corner(crop.y, size.height))
        for y in 0..<side {
            for x in 0..<side {
                let source = ((top + y) * size.width + left + (crop.isFlipped ? side - 1 - x : x)) * 3
                for c in 0..<3 { tensor.pointer[(y * side + x) * 3 + c] = Float(photo.pixels[source + c]) / 127.5 - 1 }
            }
        }
        return tensor
    }

    /// A square of the load size whatever the aspect, as the original project does; or by the short side, aspect kept,
    /// enlarging by a tenth at most, and never too small for the crop.
    static func resized(_ photo: Photo, _ shortSide: Int?, _ sides: (load: Int, crop: Int)) -> (width: Int, height: Int)
    {
        guard let shortSide else { return (sides.load, sides.load) }
        let short = min(photo.width, photo.height)
        let target = max(sides.crop, min(shortSide, short + short / 10)), scale = Double(target) / Double(short)
        func scaled(_ length: Int) -> Int { max(target, Int((Double(length) * scale).rounded())) }
        return (scaled(photo.width), scaled(photo.height))
    }

    /// The photos of the sample sheets that can be read, with at most `side` pixels on the longer side.
    package func samplePhotos(side: Int) -> [Photo] {
        samples.names.indices.compactMap { index in
            do {
                let photo = try samples.photo(index), longer = Double(max(photo.width, photo.height))
                let scale = Double(side) / longer
                return try photo.resized(
                    toWidth: max(1, Int((Double(photo.width) * scale).rounded())),
                    height: max(1, Int((Double(photo.height) * scale).rounded())), filter: .bicubic)
            } catch let error as PhotoError {
                skip("\(samples.path)/\(samples.name(index))", error)
                return nil
            } catch { return nil }
        }
    }
}

extension Tensor {
    /// (1, H, W, 3) in [-1, 1].
    convenience init(_ photo: Photo, in context: ComputeContext) {
        self.init(Shape(1, photo.height, photo.width, 3), in: context)
        for i in 0..<shape.count { pointer[i] = Float(photo.pixels[i]) / 127.5 - 1 }
    }

    /// The first image of a batch, rounded to 8 bits.
    var photo: Photo {
        let count = shape.h * shape.w * 3
        let pixels = (0..<count).map { UInt8(min(max(((pointer[$0] + 1) * 127.5).rounded(), 0), 255)) }
        return Photo(width: shape.w, height: shape.h, pixels: pixels, format: .png)
    }
}
