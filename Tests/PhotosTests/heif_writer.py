"""Puts HEIC and AVIF files together box by box (ISO/IEC 14496-12 and 23008-12), so that tests have properties that encoders do
not write: turns and mirrorings, grids, sizes that lie, code points of colours."""
import struct


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind, version, flags, *parts):
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def boxes(data, start=0, end=None):
    """(kind, payload start, payload end) of each box."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, kind = struct.unpack(">I4s", data[start:start + 8])
        yield kind, start + 8, start + size
        start += size


def find(data, *path):
    start, end = 0, len(data)
    for kind in path:
        start, end = next((s, e) for k, s, e in boxes(data, start, end) if k == kind)
        if kind == b"meta":
            start += 4
    return start, end


class Coded:
    """The coded picture of a file that an encoder wrote: its data and the configuration of its decoder."""

    def __init__(self, data):
        start, end = find(data, b"meta", b"iprp", b"ipco")
        self.configuration = next(data[s - 8:e] for k, s, e in boxes(data, start, end) if k in (b"hvcC", b"av1C"))
        self.kind = {b"hvcC": b"hvc1", b"av1C": b"av01"}[self.configuration[4:8]]
        start, end = find(data, b"mdat")
        location, _ = find(data, b"meta", b"iloc")
        version, sizes = data[location], struct.unpack(">H", data[location + 4:location + 6])[0]
        assert version in (0, 1) and sizes >> 8 == 0x44, "four bytes each"
        item = location + 8 + 2 + (2 if version else 0) + 2
        base = 0
        if sizes >> 4 & 15:
            base, item = struct.unpack(">I", data[item:item + 4])[0], item + 4
        offset, length = struct.unpack(">II", data[item + 2:item + 10])
        self.data = data[base + offset:base + offset + length]


def size(width, height):
    return full(b"ispe", 0, 0, struct.pack(">II", width, height))


def turn(quarters):
    """Counter-clockwise."""
    return box(b"irot", bytes([quarters]))


def mirror(axis):
    """0: top and bottom change places, 1: left and right."""
    return box(b"imir", bytes([axis]))


def coding(primaries, transfer, matrix=6, is_full=True):
    return box(b"colr", b"nclx", struct.pack(">HHHB", primaries, transfer, matrix, 0x80 * is_full))


def profile(data):
    return box(b"colr", b"prof", data)


ALPHA = full(b"auxC", 0, 0, b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")


class Item:
    def __init__(self, kind, data, properties=(), references=(), content_type=None):
        self.kind, self.data, self.properties = kind, data, list(properties)
        self.references, self.content_type = list(references), content_type


def picture(coded, width, height, *properties):
    return Item(coded.kind, coded.data, [coded.configuration, size(width, height), *properties])


def grid(columns, rows, width, height, *properties, tiles):
    data = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    return Item(b"grid", data, [size(width, height), *properties], [(b"dimg", tiles)])


def exif(tiff, of=1):
    return Item(b"Exif", struct.pack(">I", 0) + tiff, (), [(b"cdsc", [of])])


def xmp(packet, of=1):
    return Item(b"mime", packet, (), [(b"cdsc", [of])], b"application/rdf+xml")


def write(brand, items, primary=1):
    """Items are numbered from 1."""
    properties, associations = [], []
    for item in items:
        indices = []
        for entry in item.properties:
            if entry not in properties:
                properties.append(entry)
            essential = 0x80 if entry[4:8] in (b"hvcC", b"av1C", b"irot", b"imir") else 0
            indices.append(essential | properties.index(entry) + 1)
        associations.append(bytes(indices))
    entries = b"".join(
        full(b"infe", 2, 0, struct.pack(">HH4s", number, 0, item.kind), b"\0",
             item.content_type + b"\0" if item.content_type else b"")
        for number, item in enumerate(items, 1))
    references = b"".join(
        box(kind, struct.pack(">HH", number, len(targets)), struct.pack(f">{len(targets)}H", *targets))
        for number, item in enumerate(items, 1) for kind, targets in item.references)
    described = [(number, a) for number, a in enumerate(associations, 1) if a]
    association = full(b"ipma", 0, 0, struct.pack(">I", len(described)), b"".join(
        struct.pack(">HB", number, len(a)) + a for number, a in described))

    def meta(first):
        locations, position = b"", first
        for number, item in enumerate(items, 1):
            locations += struct.pack(">HHHII", number, 0, 1, position, len(item.data))
            position += len(item.data)
        return full(
            b"meta", 0, 0, full(b"hdlr", 0, 0, bytes(4), b"pict", bytes(13)),
            full(b"pitm", 0, 0, struct.pack(">H", primary)),
            full(b"iloc", 0, 0, struct.pack(">HH", 0x4400, len(items)), locations),
            full(b"iinf", 0, 0, struct.pack(">H", len(items)), entries),
            full(b"iref", 0, 0, references) if references else b"",
            box(b"iprp", box(b"ipco", *properties), association))

    head = box(b"ftyp", brand, bytes(4), brand, b"mif1")
    first = len(head) + len(meta(0)) + 8
    return head + meta(first) + box(b"mdat", b"".join(item.data for item in items))
