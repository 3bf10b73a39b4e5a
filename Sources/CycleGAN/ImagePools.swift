import Ranks
import Tensors

/// Both domains' pools, of each place in the batch that is this rank's: what an image meets depends on its place and on
/// no rank.
struct ImagePools {
    /// Places of the whole batch, and those of them that are here.
    private let batch: Int
    private let places: Range<Int>
    /// By place, from the first one here.
    private var x, y: [ImagePool]
    /// Images in each pool, at most.
    private let capacity: Int

    /// - Parameter capacity: images of a domain at all places together; at least one a place, unless it is 0.
    init(capacity: Int, batch: Int, places: Range<Int>) {
        (self.batch, self.places) = (batch, places)
        self.capacity = capacity == 0 ? 0 : max(1, capacity / batch)
        x = places.map { [capacity = self.capacity] _ in ImagePool(capacity: capacity) }
        y = x
    }

    /// What the discriminators see in place of what a pair at a place became.
    mutating func exchange(
        _ made: CycleGANModel.Images, place: Int, _ random: inout SeededGenerator
    ) -> CycleGANModel.Images {
        let i = place - places.lowerBound
        return CycleGANModel.Images(
            fakeX: x[i].exchange(made.fakeX, &random), fakeY: y[i].exchange(made.fakeY, &random))
    }

    /// Forgets images that are not squares of a side.
    mutating func keepOnly(side: Int) {
        for i in x.indices {
            x[i].images.removeAll { $0.shape.h != side }
            y[i].images.removeAll { $0.shape.h != side }
        }
    }

    // MARK: Checkpoints

    // The first image of every place, then the second of every place, and so on: one place's are numbered as ever.

    /// Images that fit, of a domain at all places together.
    var mostImages: Int { capacity * batch }

    /// Takes the images of all places, in a checkpoint's order; the other ranks' are left out.
    mutating func fill(x imagesX: [Tensor], y imagesY: [Tensor]) {
        for i in x.indices {
            func own(_ images: [Tensor]) -> [Tensor] {
                Array(
                    stride(from: places.lowerBound + i, to: images.count, by: batch).map { images[$0] }
                        .prefix(capacity))
            }
            x[i].images = own(imagesX)
            y[i].images = own(imagesY)
        }
    }

    /// At rank 0: the images of all places in a checkpoint's order. Called by all ranks; empty at the others.
    /// - Parameter side: of the images, squares all.
    func collected(
        _ group: any RankGroup, side: Int, in context: ComputeContext
    ) -> (x: [Tensor], y: [Tensor]) {
        guard group.count > 1 else { return (ordered(x.map(\.images)), ordered(y.map(\.images))) }
        // Of each place: how many, and their values.
        let own = (x + y).flatMap { pool in [Float(pool.images.count)] + pool.images.flatMap(\.values) }
        var all = (x: [[Tensor]](), y: [[Tensor]]())
        let shape = Shape(1, side, side, 3)
        for values in group.collected(own) {
            var position = 0
            func pool() -> [Tensor] {
                let count = Int(values[position])
                position += 1
                return (0..<count).map { _ in
                    defer { position += shape.count }
                    return Tensor(shape, values: Array(values[position..<position + shape.count]), in: context)
                }
            }
            all.x += places.map { _ in pool() }
            all.y += places.map { _ in pool() }
        }
        return (ordered(all.x), ordered(all.y))
    }

    private func ordered(_ pools: [[Tensor]]) -> [Tensor] {
        let longest = pools.map(\.count).max() ?? 0
        return (0..<longest).flatMap { i in pools.filter { i < $0.count }.map { $0[i] } }
    }
}
