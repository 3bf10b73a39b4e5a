/// IPTC's records (Information Interchange Model, version 4): caption, author, keywords, place. In a JPEG they are one
/// of Photoshop's image resources.
enum IPTC {
    /// Photoshop File Formats Specification, image resource blocks.
    private static let resourceSignature = Array("8BIM".utf8), resource = 0x0404

    /// The records in a list of Photoshop's image resources; nil where there are none.
    static func records(inResources bytes: [UInt8]) -> [UInt8]? {
        bytes.withUnsafeBytes { raw in
            let reader = ByteReader(raw)
            var position = 0
            while reader.matches(resourceSignature, at: position), let kind = reader.uint16(at: position + 4),
                let nameLength = reader.byte(at: position + 6)
            {
                // The name has a length byte, and both together an even number of bytes.
                let lengthAt = position + 6 + (Int(nameLength) + 2) / 2 * 2
                guard let length = reader.uint32(at: lengthAt), let data = reader.copy(length, at: lengthAt + 4) else {
                    break
                }
                if kind == resource { return data.isEmpty ? nil : data }
                position = lengthAt + 4 + (length + 1) / 2 * 2
            }
            return nil
        }
    }

    /// A list of image resources that holds the records alone.
    static func resources(_ records: [UInt8]) -> [UInt8] {
        let length = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: records.count >> $0) }
        let padding = [UInt8](repeating: 0, count: records.count % 2)
        return resourceSignature + [UInt8(resource >> 8), UInt8(resource & 0xFF), 0, 0] + length + records + padding
    }

    /// Data sets of record 2 that tell where a photo was taken or what place it shows: location code and name, city,
    /// sublocation, province, country code and name.
    private static let location: Set<UInt8> = [26, 27, 90, 92, 95, 100, 101]

    /// The records without places; what follows damage is left out, for nobody can tell what it is.
    static func withoutLocation(_ records: [UInt8]) -> [UInt8] {
        records.withUnsafeBytes { raw in
            let reader = ByteReader(raw)
            var kept: [UInt8] = []
            var position = 0
            while reader.byte(at: position) == 0x1C, let record = reader.byte(at: position + 1),
                let dataSet = reader.byte(at: position + 2), var length = reader.uint16(at: position + 3)
            {
                var header = 5
                // The highest bit: the rest counts the bytes of the true length, which follow.
                if length & 0x8000 != 0 {
                    let count = length & 0x7FFF
                    guard (1...4).contains(count), let digits = reader.slice(count, at: position + header) else {
                        break
                    }
                    length = digits.reduce(0) { $0 << 8 | Int($1) }
                    header += count
                }
                guard let whole = reader.slice(header + length, at: position) else { break }
                if record != 2 || !location.contains(dataSet) { kept += whole }
                position += whole.count
            }
            return kept
        }
    }
}
