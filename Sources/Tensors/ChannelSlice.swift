/// Some of a tensor's channels: where one of several branches writes its part of a concatenation.
package struct ChannelSlice {
    package let tensor: Tensor
    package let channels: Range<Int>

    package init(_ tensor: Tensor, channels: Range<Int>) {
        precondition(channels.lowerBound >= 0 && channels.upperBound <= tensor.shape.c && tensor.reading == nil)
        (self.tensor, self.channels) = (tensor, channels)
    }

    /// All channels.
    package init(_ tensor: Tensor) { self.init(tensor, channels: 0..<tensor.shape.c) }

    /// The slice's first channel of pixel (y, x) of image n; the next pixel's stands `tensor.shape.c` floats behind.
    func pointer(_ n: Int, _ y: Int, _ x: Int) -> UnsafeMutablePointer<Float> {
        let s = tensor.shape
        return tensor.pointer + ((n * s.h + y) * s.w + x) * s.c + channels.lowerBound
    }
}
