extension Exif {
    /// The same data for a photo that is upright, in sRGB and of another size, without its thumbnail, without packets
    /// of other kinds, and without the place where it was taken if that is wanted. nil when the structure is too odd to
    /// be cleaned safely.
    func cleaned(for photo: Destination) -> [UInt8]? {
        var copy = self
        return copy.clean(for: photo) ? copy.bytes : nil
    }

    private mutating func clean(for photo: Destination) -> Bool {
        let entries = entries(at: firstDirectory)
        let linkPosition = firstDirectory + 2 + 12 * declaredCount(at: firstDirectory)
        let tags = Set(entries.map(\.tag))
        guard linkPosition + 4 <= bytes.count, tags.count == entries.count else { return false }
        let dropped = photo.dropsLocation ? Tag.packets.union([Tag.gpsDirectory]) : Tag.packets
        // An entry that cannot be read cannot be cleared.
        let unreadable = rawTags(at: firstDirectory).filter { !tags.contains($0) }
        guard dropped.isDisjoint(with: unreadable) else { return false }
        var cleared: [Range<Int>] = []
        var kept = [0..<8, firstDirectory..<linkPosition + 4]
        var exifDirectory: Int?
        for entry in entries {
            switch entry.tag {
            case Tag.orientation: set(entry, to: 1)
            case Tag.imageWidth: set(entry, to: photo.width)
            case Tag.imageHeight: set(entry, to: photo.height)
            case Tag.exifDirectory:
                guard let directory = number(entry) else { return false }
                exifDirectory = directory
                kept.append(directory..<directory + 2 + 12 * declaredCount(at: directory))
            case Tag.gpsDirectory where photo.dropsLocation:
                guard let directory = number(entry), let extent = extent(ofDirectory: directory) else { return false }
                cleared += extent
            case let tag where Tag.packets.contains(tag):
                if entry.value.count > 4 { cleared.append(entry.value) }
            default: break
            }
        }
        // The second directory, and any after it, describe thumbnails.
        var next = uint32(at: linkPosition) ?? 0
        for _ in 0..<8 where next != 0 {
            guard let extent = extent(ofDirectory: next) else { return false }
            cleared += extent
            next = uint32(at: next + 2 + 12 * declaredCount(at: next)) ?? 0
        }
        cleared = merged(cleared.map { $0.clamped(to: 0..<bytes.count) })
        guard !cleared.contains(where: { range in kept.contains { $0.overlaps(range) } }) else { return false }
        for range in cleared { bytes.replaceSubrange(range, with: repeatElement(0, count: range.count)) }
        store(0, width: 4, at: linkPosition)
        if photo.orientation >= 5 { swapResolutions(entries) }
        if let exifDirectory { correct(exifDirectory, for: photo) }
        remove(dropped, from: firstDirectory)
        // What was cleared at the very end need not be carried along.
        if let last = cleared.last, last.upperBound == bytes.count { bytes.removeLast(last.count) }
        return true
    }

    /// Takes entries out of a directory; what they point to stays where it is.
    private mutating func remove(_ tags: Set<Int>, from directory: Int) {
        let end = directory + 2 + 12 * declaredCount(at: directory) + 4
        guard end <= bytes.count else { return }
        // From the last one on, so that the positions of those before stay.
        for entry in entries(at: directory).reversed() where tags.contains(entry.tag) {
            bytes.replaceSubrange(
                entry.position..<end, with: bytes[entry.position + 12..<end] + [UInt8](repeating: 0, count: 12))
            store(declaredCount(at: directory) - 1, width: 2, at: directory)
        }
    }

    /// Both are fractions that lie elsewhere: their places change hands.
    private mutating func swapResolutions(_ entries: [Entry]) {
        let pair = [Tag.resolutionX, Tag.resolutionY].compactMap { tag in
            entries.first { $0.tag == tag && $0.type == 5 && $0.count == 1 }
        }
        guard pair.count == 2 else { return }
        store(pair[1].value.lowerBound, width: 4, at: pair[0].position + 8)
        store(pair[0].value.lowerBound, width: 4, at: pair[1].position + 8)
    }

    /// Makes the EXIF directory, and the one inside it, describe the photo as it is now.
    private mutating func correct(_ directory: Int, for photo: Destination) {
        if isAdobeRGB, let start = interoperability?.value.lowerBound {
            bytes.replaceSubrange(start..<start + Self.sRGB.count, with: Self.sRGB)
        }
        for entry in entries(at: directory) + interoperabilityEntries {
            switch entry.tag {
            case Tag.colourSpace: set(entry, to: 1)
            case Tag.pixelWidth, Tag.relatedWidth: set(entry, to: photo.width)
            case Tag.pixelHeight, Tag.relatedHeight: set(entry, to: photo.height)
            default: break
            }
        }
        if photo.orientation != 1 { remove(Tag.places, from: directory) }
    }

    /// Every stretch of bytes that a directory and its values, thumbnail included, take up; nil when it is too odd.
    private func extent(ofDirectory directory: Int) -> [Range<Int>]? {
        guard directory >= 8, directory < bytes.count else { return [] }
        guard declaredCount(at: directory) <= Self.mostEntries else { return nil }
        var ranges = [directory..<directory + 6 + 12 * declaredCount(at: directory)]
        let entries = entries(at: directory)
        ranges += entries.map(\.value).filter { $0.count > 4 }
        for (offsets, lengths) in [(Tag.thumbnailOffset, Tag.thumbnailLength), (Tag.stripOffsets, Tag.stripLengths)] {
            guard let offsets = entries.first(where: { $0.tag == offsets }),
                let lengths = entries.first(where: { $0.tag == lengths })
            else { continue }
            guard offsets.count <= Self.mostEntries, lengths.count <= Self.mostEntries else { return nil }
            for (offset, length) in zip(numbers(offsets), numbers(lengths)) where offset >= 8 {
                ranges.append(offset..<offset + length)
            }
        }
        return ranges
    }

    /// The same bytes in as few ranges as possible, in order.
    private func merged(_ ranges: [Range<Int>]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where !range.isEmpty {
            if let last = result.last, last.upperBound >= range.lowerBound {
                result[result.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return result
    }
}
