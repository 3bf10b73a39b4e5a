import Glibc
import Photos

/// Regular patterns of 2, 4 and 8 pixels, which transposed convolutions and strides leave in pictures: the peaks of the
/// mean power spectrum there, over the median of their surroundings.
///
/// Of each image the top left 256x256 pixels (a smaller one is taken as far as it goes), the mean of the channels less
/// its mean, under a Hann window. Around each of the twelve frequencies stand 19x19 others.
package struct PeriodicPatterns: Sendable, Equatable {
    /// The strongest of them. Images without any have about 3 and less.
    package let strongest: Double
    /// The strongest of each period.
    package let byPeriod: [Int: Double]
    /// How much of the images' power is in such patterns, 0 to 1: photos and paintings have two thousandths.
    package let share: Double

    private static let side = 256, reach = 9, most = 1e12

    package init(_ images: [Photo]) {
        let n = Self.side
        var power = [Double](repeating: 0, count: n * n)
        for image in images {
            let spectrum = Self.spectrum(image)
            for i in power.indices { power[i] += spectrum[i] }
        }
        let places = Dictionary(
            uniqueKeysWithValues: [2, 4, 8].map { period in
                let f = n / period
                return (period, [(f, 0), (0, f), (f, f), (f, n - f)])
            })
        byPeriod = places.mapValues { $0.map { Self.peak(power, $0.0, $0.1) }.max()! }
        strongest = byPeriod.values.max()!
        var bins: Set<Int> = []
        for (y, x) in places.values.joined() {
            // The window spreads a frequency over its neighbours; its negative is as strong.
            for i in -1...1 {
                for j in -1...1 {
                    bins.insert((y + i + n) % n * n + (x + j + n) % n)
                    bins.insert((2 * n - y - i) % n * n + (2 * n - x - j) % n)
                }
            }
        }
        let all = power.reduce(0, +)
        share = all > 0 ? bins.sorted().reduce(0) { $0 + power[$1] } / all : 0
    }

    private static func peak(_ power: [Double], _ y: Int, _ x: Int) -> Double {
        let n = side
        var around: [Double] = []
        for i in -reach...reach {
            for j in -reach...reach where i != 0 || j != 0 {
                around.append(power[(y + i + n) % n * n + (x + j + n) % n])
            }
        }
        around.sort()
        let median = (around[around.count / 2 - 1] + around[around.count / 2]) / 2
        let height = power[y % n * n + x % n]
        // A flat picture has neither; one of a pattern alone has no surroundings.
        return height > 0 ? min(height / max(median, .leastNormalMagnitude), most) : 0
    }

    /// Squared magnitudes, row after row.
    private static func spectrum(_ image: Photo) -> [Double] {
        let n = side, (w, h) = (min(n, image.width), min(n, image.height))
        var real = [Double](repeating: 0, count: n * n), imaginary = real
        var sum = 0.0
        for y in 0..<h {
            for x in 0..<w {
                let i = (y * image.width + x) * 3
                let grey = (Double(image.pixels[i]) + Double(image.pixels[i + 1]) + Double(image.pixels[i + 2])) / 3
                real[y * n + x] = grey
                sum += grey
            }
        }
        let mean = sum / Double(w * h)
        func hann(_ i: Int, _ count: Int) -> Double {
            count > 1 ? 0.5 - 0.5 * cos(2 * .pi * Double(i) / Double(count - 1)) : 1
        }
        for y in 0..<h { for x in 0..<w { real[y * n + x] = (real[y * n + x] - mean) * hann(y, h) * hann(x, w) } }
        for y in 0..<n { transform(&real, &imaginary, start: y * n, step: 1) }
        for x in 0..<n { transform(&real, &imaginary, start: x, step: n) }
        return zip(real, imaginary).map { $0 * $0 + $1 * $1 }
    }

    /// The discrete Fourier transform of 256 values, `step` apart, in place (Cooley and Tukey 1965).
    private static func transform(_ real: inout [Double], _ imaginary: inout [Double], start: Int, step: Int) {
        let n = side
        var j = 0
        for i in 1..<n {
            var bit = n >> 1
            while j & bit != 0 {
                j ^= bit
                bit >>= 1
            }
            j |= bit
            if i < j {
                real.swapAt(start + i * step, start + j * step)
                imaginary.swapAt(start + i * step, start + j * step)
            }
        }
        var length = 2
        while length <= n {
            for k in 0..<length / 2 {
                let (c, s) = twiddles[k * (n / length)]
                for i in stride(from: k, to: n, by: length) {
                    let (a, b) = (start + i * step, start + (i + length / 2) * step)
                    let (r, m) = (real[b] * c - imaginary[b] * s, real[b] * s + imaginary[b] * c)
                    (real[b], imaginary[b]) = (real[a] - r, imaginary[a] - m)
                    real[a] += r
                    imaginary[a] += m
                }
            }
            length *= 2
        }
    }

    private static let twiddles: [(Double, Double)] = (0..<side / 2).map {
        let angle = -2 * Double.pi * Double($0) / Double(side)
        return (cos(angle), sin(angle))
    }
}
