import Networks
import Photos
import Tensors

package enum StylizingError: Error, Sendable, CustomStringConvertible {
    /// The progress callback answered false.
    case abandoned
    /// Not even a picture of 64 pixels fits; the bytes that it would take and those there are.
    case memoryBudgetTooSmall(needed: Int, budget: Int)
    /// So many of the values that the network gave are no finite numbers: there is no picture in them.
    case notFinite(Int, of: Int)

    package var description: String {
        switch self {
        case .abandoned: "the translation was abandoned"
        case .memoryBudgetTooSmall(let needed, let budget):
            "the memory budget of \(megabytes(budget)) is too small for this model: at least \(megabytes(needed)) are "
                + "needed; "
                + "raise `memory`"
        case .notFinite(let count, let all):
            "the model gave \(count) of \(all) values that are no finite numbers (NaN or infinity): there is no "
                + "picture in them; "
                + "the model, or this machine's memory or processor, is faulty"
        }
    }
}

/// A trained generator applied to whole photos of any size, within a memory budget.
package final class Stylizer: Sendable {
    package let generator: ResNetGenerator
    /// Bytes that activations and pictures may take together; nil for no limit.
    package let memoryBudget: Int?

    package init(generator: ResNetGenerator, memoryBudget: Int? = nil) {
        self.generator = generator
        self.memoryBudget = memoryBudget
    }

    /// Translates a photo. The result has the photo's size, alpha and metadata; a warning says where the memory budget
    /// made the network run on a smaller picture than asked for.
    /// - Parameters:
    ///   - strength: s times the picture plus 1 - s times the photo, 0...1; 0 gives back the photo's own pixels.
    ///   - progress: is told the part done, 0...1; answers false to abandon.
    /// - Throws: `StylizingError`; no picture ever has values in it that were no finite numbers.
    package func stylize(
        _ photo: Photo, strength: Double = 1, render: RenderSize = .original,
        progress: (@Sendable (Double) -> Bool)? = nil
    ) throws -> Photo {
        guard strength > 0 else { return photo }
        let asked = render.applied(
            width: photo.width, height: photo.height, workingSize: generator.description.workingSize)
        let plan = try plan(asked, pixelsHeld: photo.width * photo.height)
        var picture = photo
        if (plan.width, plan.height) != asked {
            picture.warnings.append(
                "rendered at \(plan.width)x\(plan.height) instead of \(asked.width)x\(asked.height) to stay within "
                    + "`memory` "
                    + "(\(megabytes(memoryBudget ?? 0)))")
        }
        let rendered = try rendered(photo, plan, hasDetail: render.addsDetail, progress: progress)
        // Nothing of the network is needed any more; the pictures may be large.
        generator.context.buffers.trim(above: 64 << 20)
        picture.pixels =
            (rendered.width, rendered.height) == (photo.width, photo.height)
            ? rendered.pixels : try rendered.resized(toWidth: photo.width, height: photo.height).pixels
        if strength < 1 { blend(&picture.pixels, over: photo.pixels, strength) }
        return picture
    }

    /// The picture at the plan's size, or larger where a second one lends it detail.
    private func rendered(
        _ photo: Photo, _ plan: Plan, hasDetail: Bool, progress: (@Sendable (Double) -> Bool)?
    ) throws -> Photo {
        func picture(_ plan: Plan, _ progress: (@Sendable (Double) -> Bool)?) throws -> Photo {
            let isFull = (plan.width, plan.height) == (photo.width, photo.height)
            let source = isFull ? photo : try photo.opaque.resized(toWidth: plan.width, height: plan.height)
            return Photo(
                width: plan.width, height: plan.height,
                pixels: try translate(source, storage: plan.storage, progress: progress))
        }
        guard hasDetail,
            let size = StrokeDetail.size(photo: (photo.width, photo.height), working: (plan.width, plan.height)),
            // A second picture that does not fit in memory is no reason to have none.
            let finePlan = try? self.plan(size, pixelsHeld: photo.width * photo.height),
            (finePlan.width, finePlan.height) == size
        else { return try picture(plan, progress) }
        let part = Double(plan.width * plan.height) / Double(plan.width * plan.height + size.width * size.height)
        /// The progress of a part of the work, from `start` on.
        func share(_ start: Double, _ part: Double) -> (@Sendable (Double) -> Bool)? {
            guard let progress else { return nil }
            return { done in progress(start + done * part) }
        }
        let coarse = try picture(plan, share(0, part)), fine = try picture(finePlan, share(part, 1 - part))
        return try StrokeDetail.combined(coarse, fine)
    }

    /// What a program takes that does nothing but translate, besides weights, activations, threads and pictures;
    /// measured.
    static let programBytes = 64 << 20

    private struct Plan {
        var width, height: Int
        var storage: ResNetGenerator.Storage
    }

    /// The size, at most the one asked for, and the storage that fit the budget.
    private func plan(_ asked: (width: Int, height: Int), pixelsHeld: Int) throws -> Plan {
        func bytes(_ width: Int, _ height: Int, _ storage: ResNetGenerator.Storage) -> Int {
            let (h, w) = (ResNetGenerator.paddedSide(height), ResNetGenerator.paddedSide(width))
            // The program and its threads, the weights, the photo, the rendered picture, and what resampling between
            // them holds.
            return Self.programBytes + generator.scratchBytes + generator.weightBytes
                + generator.activationBytes(height: h, width: w, storage: storage) + 9 * pixelsHeld + 6 * width * height
                + LatticeFilter.bytes(width: width)
        }
        func storage(_ width: Int, _ height: Int) -> ResNetGenerator.Storage? {
            let budget = memoryBudget ?? Int.max
            let preferred = generator.preferredStorage(
                height: ResNetGenerator.paddedSide(height), width: ResNetGenerator.paddedSide(width))
            return ResNetGenerator.Storage.allCases.first { $0 >= preferred && bytes(width, height, $0) <= budget }
        }
        if let storage = storage(asked.width, asked.height) {
            return Plan(width: asked.width, height: asked.height, storage: storage)
        }
        // Bisect for the largest long side that fits.
        var (low, high) = (0, max(asked.width, asked.height))
        while high - low > 1 {
            let middle = (low + high) / 2
            let size = fitted(width: asked.width, height: asked.height, longSide: middle)
            if storage(size.width, size.height) != nil { low = middle } else { high = middle }
        }
        let size = fitted(width: asked.width, height: asked.height, longSide: max(1, low))
        guard low >= min(64, max(asked.width, asked.height)), let storage = storage(size.width, size.height) else {
            let least = fitted(width: asked.width, height: asked.height, longSide: 64)
            throw StylizingError.memoryBudgetTooSmall(
                needed: bytes(least.width, least.height, .quarterResolution), budget: memoryBudget ?? 0)
        }
        return Plan(width: size.width, height: size.height, storage: storage)
    }

    private func translate(
        _ photo: Photo, storage: ResNetGenerator.Storage, progress: (@Sendable (Double) -> Bool)?
    ) throws -> [UInt8] {
        let row = photo.width * 3
        var pixels = [UInt8](repeating: 0, count: row * photo.height), strange = 0
        do {
            try photo.pixels.withUnsafeBufferPointer { source in
                let source = SharedPixels(pointer: source.baseAddress!)
                @Sendable func read(_ rows: Range<Int>, _ target: UnsafeMutablePointer<Float>) {
                    let from = source.pointer + rows.lowerBound * row
                    for i in 0..<rows.count * row { target[i] = Float(from[i]) / 127.5 - 1 }
                }
                try pixels.withUnsafeMutableBufferPointer { pixels in
                    let target = pixels.baseAddress!
                    let filter = LatticeFilter(
                        width: photo.width, height: photo.height, in: generator.context, photo: read
                    ) { rows, values in
                        strange += Self.bytes(values, into: target + rows.lowerBound * row, count: rows.count * row)
                    }
                    try generator.translate(
                        height: photo.height, width: photo.width, storage: storage, progress: progress, input: read,
                        output: filter.add)
                }
            }
        } catch GeneratorError.abandoned {
            throw StylizingError.abandoned
        }
        guard strange == 0 else { throw StylizingError.notFinite(strange, of: pixels.count) }
        return pixels
    }

    /// Turns -1...1 into 0...255.
    /// - Returns: how many values are no finite numbers. What becomes of those must never be shown.
    static func bytes(_ values: UnsafePointer<Float>, into pixels: UnsafeMutablePointer<UInt8>, count: Int) -> Int {
        var strange = 0
        for i in 0..<count {
            let value = values[i]
            strange += value.isFinite ? 0 : 1
            // The comparison that a NaN fails comes first, and a NaN is 0.
            let scaled = ((value + 1) * 127.5).rounded()
            pixels[i] = scaled > 0 ? UInt8(min(255, scaled)) : 0
        }
        return strange
    }
}

/// Pixels of a photo.
/// Safe to share: they are only read, while the photo that owns them is kept alive.
private struct SharedPixels: @unchecked Sendable {
    let pointer: UnsafePointer<UInt8>
}

extension Photo {
    /// Without its alpha: the network sees the colour under it, also where it is transparent.
    fileprivate var opaque: Photo {
        var photo = self
        photo.alpha = nil
        return photo
    }
}

/// strength * picture + (1 - strength) * photo, rounded.
private func blend(_ picture: inout [UInt8], over photo: [UInt8], _ strength: Double) {
    let s = Float(strength)
    photo.withUnsafeBufferPointer { photo in
        picture.withUnsafeMutableBufferPointer { picture in
            for i in 0..<picture.count {
                picture[i] = UInt8((s * Float(picture[i]) + (1 - s) * Float(photo[i])).rounded())
            }
        }
    }
}

private func megabytes(_ bytes: Int) -> String { "\((bytes + (1 << 20) - 1) >> 20) MiB" }
