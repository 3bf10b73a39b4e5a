import Tensors

/// DiffAugment (Zhao et al. 2020): the same kinds of random, differentiable changes to everything that a discriminator
/// sees, real or generated, so that it cannot learn a small set by heart.
package struct Augmentation {
    package enum Policy: String, Sendable, CaseIterable {
        /// Brightness by up to 0.5 of [-1, 1], saturation times 0 to 2, contrast times 0.5 to 1.5.
        case color
        /// By up to an eighth of each side.
        case translation
        /// A square of half the side.
        case cutout
    }

    let policies: Set<Policy>
    var random: SeededGenerator

    /// The image changed, with new random amounts at each call.
    mutating func apply(_ image: Tensor, _ tape: Tape) -> Tensor {
        var image = image
        let shape = image.shape
        if policies.contains(.color) {
            let amounts = (0..<shape.n).map { _ in
                ColourJitter.Amounts(
                    brightness: random.uniform() - 0.5, saturation: 2 * random.uniform(),
                    contrast: 0.5 + random.uniform())
            }
            image = tape.apply(ColourJitter(amounts), image)
        }
        if policies.contains(.translation) {
            let (reachX, reachY) = ((shape.w + 4) / 8, (shape.h + 4) / 8)
            let offsets = (0..<shape.n).map { _ in
                (x: random.below(2 * reachX + 1) - reachX, y: random.below(2 * reachY + 1) - reachY)
            }
            image = tape.apply(Translation(offsets), image)
        }
        if policies.contains(.cutout) {
            let rectangles = (0..<shape.n).map { _ in
                let (x, y) = (random.below(shape.w + 1) - shape.w / 4, random.below(shape.h + 1) - shape.h / 4)
                return (x: x..<x + shape.w / 2, y: y..<y + shape.h / 2)
            }
            image = tape.apply(Cutout(rectangles), image)
        }
        return image
    }
}
