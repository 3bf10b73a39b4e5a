/// Where the weight of (tap row, tap column, input channel, output channel) stands in a parameter.
struct WeightLayout: Sendable {
    /// Of the kernel.
    let height, width: Int
    let inputStride, outputStride: Int
    /// Turn the taps by 180 degrees.
    var flipped = false

    var tapCount: Int { height * width }

    /// (output, input, height, width): PyTorch's Conv2d.
    static func outputInput(_ ci: Int, _ co: Int, height: Int, width: Int) -> Self {
        Self(height: height, width: width, inputStride: height * width, outputStride: ci * height * width)
    }

    /// (input, output, height, width): PyTorch's ConvTranspose2d.
    static func inputOutput(_ ci: Int, _ co: Int, height: Int, width: Int) -> Self {
        Self(height: height, width: width, inputStride: co * height * width, outputStride: height * width)
    }

    /// The same weights with the roles of the channels exchanged.
    var exchanged: Self {
        Self(height: height, width: width, inputStride: outputStride, outputStride: inputStride, flipped: flipped)
    }

    func offset(_ y: Int, _ x: Int, _ input: Int, _ output: Int) -> Int {
        let tap = y * width + x
        return input * inputStride + output * outputStride + (flipped ? tapCount - 1 - tap : tap)
    }
}
