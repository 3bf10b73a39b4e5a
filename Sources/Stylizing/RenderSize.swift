/// The size at which a photo goes through the network.
package enum RenderSize: Sendable, Hashable, CustomStringConvertible {
    /// Every pixel.
    case original
    /// At most so many pixels on the long side; smaller photos are not enlarged.
    case fit(Int)
    /// As many pixels as give brush strokes this size; smaller photos are not enlarged.
    case strokes(StrokeSize)

    /// Where a model does not say at which size its strokes are right: at most so many pixels on the long side.
    package static let longSideOfOtherModels = 1600

    /// The pixels that `fit` takes in a configuration and on the command line.
    package static let sides = 16...65_535

    /// From `strokes` (of medium size), `original`, `fit:PX` or `fit PX`; nil for anything else.
    package init?(_ text: String) {
        let words = text.split(whereSeparator: { $0 == ":" || $0 == " " })
        if text == "original" {
            self = .original
        } else if text == "strokes" {
            self = .strokes(.medium)
        } else if words.count == 2, words[0] == "fit", let side = Int(words[1]), side > 0 {
            self = .fit(side)
        } else {
            return nil
        }
    }

    package var description: String {
        switch self {
        case .original: "original"
        case .fit(let side): "fit \(side)"
        case .strokes: "strokes"
        }
    }

    /// Pixels that the network works on for a width x height photo, in one pass or two.
    package func work(width: Int, height: Int, workingSize: Int?) -> Int {
        let working = applied(width: width, height: height, workingSize: workingSize)
        let detail = addsDetail ? StrokeDetail.size(photo: (width, height), working: working) : nil
        return working.width * working.height + (detail.map { $0.width * $0.height } ?? 0)
    }

    /// Whether a picture that is to be enlarged takes detail from a second, larger one: who asks for pixels gets those.
    var addsDetail: Bool {
        if case .strokes = self { true } else { false }
    }

    /// The render size of a width x height photo.
    /// - Parameter workingSize: pixels of the short side at which the model's strokes are of its own size; nil where it
    ///   does not say.
    package func applied(width: Int, height: Int, workingSize: Int? = nil) -> (width: Int, height: Int) {
        let long = max(width, height), short = min(width, height)
        switch self {
        case .original: return (width, height)
        case .fit(let side): return fitted(width: width, height: height, longSide: side)
        case .strokes(let size):
            guard let workingSize else {
                let side = (Double(Self.longSideOfOtherModels) / size.factor).rounded()
                return fitted(width: width, height: height, longSide: Int(side))
            }
            let target = Double(workingSize) / size.factor
            guard Double(short) > target else { return (width, height) }
            return fitted(
                width: width, height: height, longSide: Int((Double(long) * target / Double(short)).rounded()))
        }
    }
}

/// width x height made smaller, if need be, so that its long side has at most `longSide` pixels; never below 1x1.
func fitted(width: Int, height: Int, longSide: Int) -> (width: Int, height: Int) {
    let long = max(width, height)
    guard long > longSide else { return (width, height) }
    func scaled(_ n: Int) -> Int { max(1, Int((Double(n) * Double(longSide) / Double(long)).rounded())) }
    return (scaled(width), scaled(height))
}
