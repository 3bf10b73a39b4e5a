import Glibc

/// Memory that may be short: Swift's arrays end the process where they cannot be allocated, so it is asked for first.
enum Memory {
    /// - Parameter what: as in "memory is short for ...".
    /// - Throws: `PhotoError` of kind `outOfMemory`.
    static func require(_ bytes: Int, for what: @autoclosure () -> String) throws {
        guard bytes != 0 else { return }
        // By the kernel itself: an optimiser leaves out an allocation that is let go at once.
        let probe =
            bytes < 0 ? MAP_FAILED : mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard probe != MAP_FAILED else { throw PhotoError(kind: .outOfMemory, reason: "memory is short for \(what())") }
        munmap(probe, bytes)
    }

    /// width * height * bytesPerPixel.
    static func require(width: Int, height: Int, bytesPerPixel: Int) throws {
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        let (bytes, bytesOverflow) = pixels.multipliedReportingOverflow(by: bytesPerPixel)
        try require(overflow || bytesOverflow ? Int.min : bytes, for: "a photo of \(width) x \(height) pixels")
    }
}
