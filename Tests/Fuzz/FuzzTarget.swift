import Glibc

// libFuzzer calls this with one input after the other. The decoder's sources are compiled into this very module, with
// AddressSanitizer, so that both the Swift and the C halves are watched. FUZZ_FORMAT in the environment says which
// decoder is meant: inputs of the other formats are turned away, so that mutation stays with one of them.

/// Small limits keep a single input fast: the fuzzer lives on the number of inputs.
private let limits = DecodingLimits(
    maxPixels: 1 << 20, maxSide: 4_096, maxFileBytes: 1 << 20, maxChunkBytes: 1 << 20, maxChunks: 100, maxScans: 20)

private let format: PhotoFormat = {
    guard let name = getenv("FUZZ_FORMAT"), let format = PhotoFormat(rawValue: String(cString: name)) else {
        fatalError("FUZZ_FORMAT must be one of \(PhotoFormat.allCases.map(\.rawValue))")
    }
    return format
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzTestOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: start, count: count)
    guard PhotoFormat.sniff(input) == format else { return -1 }
    // The one policy that edits and writes everything: speed is coverage here.
    exercise([UInt8](input), limits: limits, metadata: [.all])
    return 0
}
