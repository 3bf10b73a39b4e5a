/// What can happen to one file: both policies for damage, a resize, both formats of output. What the decoder refuses
/// is fine; what it lets through must be whole. `metadata` are the policies to write with.
func exercise(_ bytes: [UInt8], limits: DecodingLimits, metadata: [MetadataPolicy] = MetadataPolicy.allCases) {
    bytes.withUnsafeBytes { _ = try? PhotoEnd.of(ByteStream($0)) }
    for truncated in TruncatedPolicy.allCases {
        var limits = limits
        limits.truncated = truncated
        guard let photo = try? PhotoDecoder.decode(bytes: bytes, limits: limits) else { continue }
        precondition(photo.pixels.count == photo.width * photo.height * 3)
        precondition(photo.alpha == nil || photo.alpha?.count == photo.width * photo.height)
        precondition(photo.width * photo.height <= limits.maxPixels)
        guard let small = try? photo.resized(toWidth: 31, height: 41) else { continue }
        for format in PhotoFormat.written {
            for policy in metadata {
                let options = EncodingOptions(format: format, subsampling: .yuv444, metadata: policy)
                guard let encoded = try? PhotoEncoder.encode(small, options: options),
                    let copy = try? PhotoDecoder.decode(bytes: encoded)
                else { preconditionFailure("what was written cannot be read") }
                precondition(copy.width == small.width && copy.height == small.height)
                precondition(copy.metadata.orientation == 1)
            }
        }
    }
}
