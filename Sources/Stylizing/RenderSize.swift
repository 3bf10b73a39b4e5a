/// The size at which a photo goes through the network.
public enum RenderSize: Sendable, Hashable, CustomStringConvertible {
    /// Every pixel.
    case original
    /// At most so many pixels on the long side; smaller photos are not enlarged.
    case fit(Int)

    /// From `original`, `fit:PX` or `fit PX`; nil for anything else.
    public init?(_ text: String) {
        let words = text.split(whereSeparator: { $0 == ":" || $0 == " " })
        if text == "original" {
            self = .original
        } else if words.count == 2, words[0] == "fit", let side = Int(words[1]), side > 0 {
            self = .fit(side)
        } else {
            return nil
        }
    }

    public var description: String {
        switch self {
        case .original: "original"
        case .fit(let side): "fit \(side)"
        }
    }

    /// The render size of a width x height photo.
    public func applied(width: Int, height: Int) -> (width: Int, height: Int) {
        guard case .fit(let side) = self else { return (width, height) }
        return fitted(width: width, height: height, longSide: side)
    }
}

/// width x height made smaller, if need be, so that its long side has at most `longSide` pixels; never below 1x1.
func fitted(width: Int, height: Int, longSide: Int) -> (width: Int, height: Int) {
    let long = max(width, height)
    guard long > longSide else { return (width, height) }
    func scaled(_ n: Int) -> Int { max(1, Int((Double(n) * Double(longSide) / Double(long)).rounded())) }
    return (scaled(width), scaled(height))
}
