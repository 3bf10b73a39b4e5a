/// The chunks of a PNG, one after the other (PNG, third edition, chapter 5).
struct PNGChunks {
    struct Chunk {
        /// The four letters as the big-endian number that they are in the file.
        let name: Int
        let length: Int
        /// Where its data begin; they, and the checksum behind, may reach past the end of the file.
        let position: Int

        /// A chunk's type is four letters; anything else is a hole not yet filled, or damage.
        var isNamed: Bool {
            [24, 16, 8, 0].allSatisfy { shift in
                let letter = UInt8(truncatingIfNeeded: name >> shift) | 0x20
                return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter)
            }
        }
    }

    static let signatureBytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    static let header = 0x4948_4452, end = 0x4945_4E44

    private let bytes: ByteStream
    private var position = signatureBytes.count

    init(_ bytes: ByteStream) { self.bytes = bytes }

    /// nil where not even a length and a name are there.
    mutating func next() throws -> Chunk? {
        guard let length = try bytes.uint32(at: position), let name = try bytes.uint32(at: position + 4) else {
            return nil
        }
        let chunk = Chunk(name: name, length: length, position: position + 8)
        position += length + 12
        return chunk
    }
}
