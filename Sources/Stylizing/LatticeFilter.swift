import Tensors

/// Takes out of a picture what repeats every 8 (4, 2) pixels in step with the pixel grid: the lattice that a generator
/// which doubles twice leaves behind, fixed to the places of its rows and columns. What the photo repeats in the same
/// way stays.
///
/// In windows of 64 x 64 pixels, each half over the next, the mean of each of the 8 x 8 phases is taken, of the picture
/// less its means over 8 pixels (a trend is no lattice); less what goes along with the photo's own phases it is
/// subtracted, with weights that fade from window to window. Rows come in bands of any height and go out in strips of
/// 32.
final class LatticeFilter {
    static let period = 8
    /// Half a window's side.
    static let step = 32

    /// Bytes held for an image: at most five strips of picture and photo, a band of the photo and a strip of the
    /// result.
    static func bytes(width: Int) -> Int { 12 * step * width * 3 * MemoryLayout<Float>.size }

    private let width, height: Int
    private let context: ComputeContext
    private let output: (Range<Int>, UnsafePointer<Float>) -> Void
    private let picture, photo: PhaseSums
    private let readPhoto: (Range<Int>, UnsafeMutablePointer<Float>) -> Void
    private var done = 0

    /// - Parameters:
    ///   - photo: writes rows of the photo, (rows, width, 3), as the network is given them.
    ///   - output: gets rows of the result, from top to bottom, each once.
    init(
        width: Int, height: Int, in context: ComputeContext,
        photo: @escaping (Range<Int>, UnsafeMutablePointer<Float>) -> Void,
        output: @escaping (Range<Int>, UnsafePointer<Float>) -> Void
    ) {
        (self.width, self.height, self.context, readPhoto, self.output) = (width, height, context, photo, output)
        picture = PhaseSums(width: width, height: height, in: context)
        self.photo = PhaseSums(width: width, height: height, in: context)
    }

    /// The next rows of the picture, (rows, width, 3).
    func add(_ rows: Range<Int>, _ values: UnsafePointer<Float>) {
        // Where there is no room for a window there is none for a lattice.
        guard min(width, height) >= 2 * Self.period else { return output(rows, values) }
        // However high the band is, no more than a few strips of it are held.
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: Self.step) {
            addStrip(first..<min(rows.upperBound, first + Self.step), values + (first - rows.lowerBound) * width * 3)
        }
    }

    private func addStrip(_ rows: Range<Int>, _ values: UnsafePointer<Float>) {
        picture.add(rows, values)
        let band = context.buffers.take(rows.count * width * 3)
        readPhoto(rows, band.pointer)
        photo.add(rows, band.pointer)
        // A strip is done when the windows below it are there.
        while done < height, picture.strips * Self.step >= min(height, done + 2 * Self.step) {
            emit(done..<min(height, done + Self.step))
            done += Self.step
            picture.forget(before: done)
            photo.forget(before: done)
        }
    }

    private func emit(_ rows: Range<Int>) {
        let k = rows.lowerBound / Self.step, columns = (width + Self.step - 1) / Self.step + 1
        // Windows begin at multiples of `step`, the first ones half outside. Those above, then those below, side by
        // side.
        let size = Self.period * Self.period * 3, none = [Float](repeating: 0, count: size)
        let windows = [k - 1, k].flatMap { j in (-1..<columns - 1).flatMap { i in lattice(j, i) ?? none } }
        let result = context.buffers.take(rows.count * width * 3), row = width * 3, step = Self.step
        context.threads.forEach(rows.count) { r in
            let y = rows.lowerBound + r, target = result.pointer + r * row
            let below = (Float(y % step) + 0.5) / Float(step), above = 1 - below,
                phase = y % Self.period * Self.period * 3
            target.update(from: self.picture.row(y), count: row)
            windows.withUnsafeBufferPointer { windows in
                for x in 0..<self.width {
                    let right = (Float(x % step) + 0.5) / Float(step), left = 1 - right
                    let first = windows.baseAddress! + x / step * size + phase + x % Self.period * 3
                    let second = first + columns * size
                    for c in 0..<3 {
                        let upper = left * first[c] + right * first[size + c]
                        let lower = left * second[c] + right * second[size + c]
                        target[x * 3 + c] -= above * upper + below * lower
                    }
                }
            }
        }
        output(rows, result.pointer)
    }

    /// What to subtract in a window, (8, 8, 3); nil where it is too small to tell.
    private func lattice(_ j: Int, _ i: Int) -> [Float]? {
        guard var made = picture.deviations(j, i), let given = photo.deviations(j, i) else { return nil }
        // What goes along with the photo's own pattern, in grey, is the photo's: a fence, a page of print.
        var own: [Float] = [], energy: Float = 0
        for k in stride(from: 0, to: given.count, by: 3) {
            let grey: Float = given[k] + given[k + 1] + given[k + 2]
            own.append(grey)
            energy += grey * grey
        }
        guard energy > 0 else { return made }
        for c in 0..<3 {
            var along: Float = 0
            for (k, grey) in own.enumerated() { along += grey * made[3 * k + c] }
            for (k, grey) in own.enumerated() { made[3 * k + c] -= along / energy * grey }
        }
        return made
    }
}
