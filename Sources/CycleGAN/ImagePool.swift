import Tensors

/// The buffer of generated images that the discriminators see (Shrivastava et al. 2017; Zhu et al. 2017, section 4),
/// with the semantics of the original project: until it is full, an image is stored and returned; then, for every
/// second image on average, a random older one is returned and replaced by the new one.
package struct ImagePool {
    /// 0 passes everything through.
    package let capacity: Int
    /// (1, H, W, 3) each.
    package internal(set) var images: [Tensor] = []

    package init(capacity: Int = 50) { self.capacity = capacity }

    /// What the discriminator sees in place of one image (1, H, W, 3).
    package mutating func exchange(_ image: Tensor, _ random: inout SeededGenerator) -> Tensor {
        guard capacity > 0 else { return image }
        if images.count < capacity {
            images.append(image)
            return image
        }
        guard random.uniform() > 0.5 else { return image }
        let chosen = random.below(capacity)
        defer { images[chosen] = image }
        return images[chosen]
    }
}

extension Tensor {
    /// One batch of images (1, H, W, C) of the same size.
    static func stacked(_ images: [Tensor]) -> Tensor {
        if images.count == 1 { return images[0] }
        let single = images[0].shape
        let batch = Tensor(Shape(images.count, single.h, single.w, single.c), in: images[0].context)
        for (n, image) in images.enumerated() {
            precondition(image.shape == single && image.reading == nil)
            (batch.pointer + n * single.count).update(from: image.pointer, count: single.count)
        }
        return batch
    }
}
