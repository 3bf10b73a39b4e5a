import Photos

/// Fine strokes on coarse ones: a picture that was painted at a working size smaller than the photo is enlarged, and
/// what is lost by that, all that is finer than its pixels, is taken from a second picture, painted at a larger size.
///
/// Only luminance is added: the palette is the first picture's.
enum StrokeDetail {
    /// Of the second picture's detail that is added; all of it is a little restless on coarse strokes.
    private static let part: Float = 0.7
    /// Below this ratio of the two sizes an enlarged picture is not seen to be soft.
    static let leastRatio = 1.25
    /// The larger size at most, beside the working size, and on the long side: beyond, time grows and nobody looks that
    /// close.
    private static let mostRatio = 2.5, mostPixels = 1920

    /// The size of the second picture; nil where the first is large enough.
    static func size(
        photo: (width: Int, height: Int), working: (width: Int, height: Int)
    ) -> (width: Int, height: Int)? {
        let long = max(working.width, working.height)
        let most = min(max(photo.width, photo.height), mostPixels, Int(Double(long) * mostRatio))
        guard Double(most) >= leastRatio * Double(long) else { return nil }
        return fitted(width: photo.width, height: photo.height, longSide: most)
    }

    /// The first picture at the second's size, with its detail.
    /// - Throws: `PhotoError` where there is no memory.
    static func combined(_ coarse: Photo, _ fine: Photo) throws -> Photo {
        var picture = try coarse.resized(toWidth: fine.width, height: fine.height)
        // What the coarse picture can hold of the fine one is the coarse picture's.
        let held = try fine.resized(toWidth: coarse.width, height: coarse.height).resized(
            toWidth: fine.width, height: fine.height)
        let pixels = fine.width * fine.height
        picture.pixels.withUnsafeMutableBufferPointer { target in
            fine.pixels.withUnsafeBufferPointer { fine in
                held.pixels.withUnsafeBufferPointer { held in
                    for i in 0..<pixels {
                        let detail = part * (luminance(fine, 3 * i) - luminance(held, 3 * i))
                        for c in 3 * i..<3 * i + 3 {
                            target[c] = UInt8(min(255, max(0, (Float(target[c]) + detail).rounded())))
                        }
                    }
                }
            }
        }
        return picture
    }

    /// Rec. 601, of the coded values.
    private static func luminance(_ pixels: UnsafeBufferPointer<UInt8>, _ i: Int) -> Float {
        0.299 * Float(pixels[i]) + 0.587 * Float(pixels[i + 1]) + 0.114 * Float(pixels[i + 2])
    }
}
