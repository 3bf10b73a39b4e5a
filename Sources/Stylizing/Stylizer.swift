import Networks
import Photos
import Tensors

public enum StylizingError: Error, Sendable, CustomStringConvertible {
    /// The progress callback answered false.
    case abandoned
    /// Not even a picture of 64 pixels fits; the bytes that it would take and those there are.
    case memoryBudgetTooSmall(needed: Int, budget: Int)

    public var description: String {
        switch self {
        case .abandoned: "the translation was abandoned"
        case .memoryBudgetTooSmall(let needed, let budget):
            "the memory budget of \(megabytes(budget)) is too small for this model: at least \(megabytes(needed)) are needed; "
                + "raise `memory`"
        }
    }
}

/// A trained generator applied to whole photos of any size, within a memory budget.
public final class Stylizer: Sendable {
    public let generator: ResNetGenerator
    /// Bytes that activations and pictures may take together; nil for no limit.
    public let memoryBudget: Int?

    public init(generator: ResNetGenerator, memoryBudget: Int? = nil) {
        self.generator = generator
        self.memoryBudget = memoryBudget
    }

    /// Translates a photo. The result has the photo's size, alpha and metadata; a warning says where the memory budget
    /// made the network run on a smaller picture than asked for.
    /// - Parameters:
    ///   - strength: s times the picture plus 1 - s times the photo, 0...1; 0 gives back the photo's own pixels.
    ///   - progress: is told the part done, 0...1; answers false to abandon.
    /// - Throws: `StylizingError`.
    public func stylize(
        _ photo: Photo, strength: Double = 1, render: RenderSize = .original,
        progress: (@Sendable (Double) -> Bool)? = nil
    ) throws -> Photo {
        guard strength > 0 else { return photo }
        let asked = render.applied(width: photo.width, height: photo.height)
        let plan = try plan(asked, pixelsHeld: photo.width * photo.height)
        var picture = photo
        if (plan.width, plan.height) != asked {
            picture.warnings.append(
                "rendered at \(plan.width)x\(plan.height) instead of \(asked.width)x\(asked.height) to stay within `memory` "
                    + "(\(megabytes(memoryBudget ?? 0)))")
        }
        let full = (plan.width, plan.height) == (photo.width, photo.height)
        let rendered = try translate(
            full ? photo : photo.opaque.resized(toWidth: plan.width, height: plan.height), storage: plan.storage, progress: progress)
        // Nothing of the network is needed any more; the pictures may be large.
        BufferPool.shared.trim(above: 64 << 20)
        if full {
            picture.pixels = rendered
        } else {
            picture.pixels = Photo(width: plan.width, height: plan.height, pixels: rendered)
                .resized(toWidth: photo.width, height: photo.height).pixels
        }
        if strength < 1 { blend(&picture.pixels, over: photo.pixels, strength) }
        return picture
    }

    /// What a program takes that does nothing but translate, besides weights, activations, threads and pictures; measured.
    static let programBytes = 64 << 20

    private struct Plan {
        var width, height: Int
        var storage: ResNetGenerator.Storage
    }

    /// The size, at most the one asked for, and the storage that fit the budget.
    private func plan(_ asked: (width: Int, height: Int), pixelsHeld: Int) throws -> Plan {
        func bytes(_ width: Int, _ height: Int, _ storage: ResNetGenerator.Storage) -> Int {
            let (h, w) = (ResNetGenerator.paddedSide(height), ResNetGenerator.paddedSide(width))
            // The program and its threads, the weights, the photo, the rendered picture, and what resampling between them holds.
            return Self.programBytes + generator.scratchBytes + generator.weightBytes
                + generator.activationBytes(height: h, width: w, storage: storage) + 9 * pixelsHeld + 6 * width * height
        }
        func storage(_ width: Int, _ height: Int) -> ResNetGenerator.Storage? {
            let budget = memoryBudget ?? Int.max
            let preferred = generator.preferredStorage(
                height: ResNetGenerator.paddedSide(height), width: ResNetGenerator.paddedSide(width))
            return ResNetGenerator.Storage.allCases.first { $0 >= preferred && bytes(width, height, $0) <= budget }
        }
        if let storage = storage(asked.width, asked.height) { return Plan(width: asked.width, height: asked.height, storage: storage) }
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
        var pixels = [UInt8](repeating: 0, count: row * photo.height)
        do {
            try photo.pixels.withUnsafeBufferPointer { source in
                let source = SharedPixels(pointer: source.baseAddress!)
                try generator.translate(height: photo.height, width: photo.width, storage: storage, progress: progress) { rows, target in
                    let from = source.pointer + rows.lowerBound * row
                    for i in 0..<rows.count * row { target[i] = Float(from[i]) / 127.5 - 1 }
                } output: { rows, values in
                    pixels.withUnsafeMutableBufferPointer { p in
                        let to = p.baseAddress! + rows.lowerBound * row
                        for i in 0..<rows.count * row {
                            to[i] = UInt8(min(255, max(0, ((values[i] + 1) * 127.5).rounded())))
                        }
                    }
                }
            }
        } catch GeneratorError.abandoned {
            throw StylizingError.abandoned
        }
        return pixels
    }
}

/// Read only while the photo that owns the pixels is kept alive.
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
