#!/usr/bin/env python3
"""Makes the small files that PhotosTests decodes, and what Pillow makes of them.

    make-golden.py                 writes files/
    make-golden.py --corpus DIR    also writes files/hard-cases.json from DIR/hard-cases

NAME.rgb and NAME.rgba hold the pixels that Pillow decodes from NAME, before any colour conversion; NAME.srgb holds
them after conversion to sRGB. Needs Pillow, numpy and libjpeg-turbo's cjpeg.
"""
import argparse
import io
import json
import math
import pathlib
import struct
import subprocess
import tempfile
import warnings
import zlib

import numpy as np
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

FILES = pathlib.Path(__file__).parent / "files"


def picture(width, height):
    """Smooth colours, edges and some noise, so that every filter has something to do."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(7).integers(-12, 13, (height, width, 3))
    rgb = np.stack(
        [255 * x / width, 255 * y / height, 127 + 120 * np.sin(x / 3.0) * np.cos(y / 5.0)], axis=-1)
    rgb[(x // 8 + y // 8) % 5 == 0] = (250, 20, 30)
    return Image.fromarray(np.clip(rgb + noise, 0, 255).astype("uint8"))


def opacity(width, height):
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.clip(300 - 600 * np.hypot(x / width - 0.5, y / height - 0.5), 0, 255).astype("uint8"))


def keep(name, data):
    (FILES / name).write_bytes(data)


def golden(name, data):
    """Writes a file and what Pillow reads from it."""
    keep(name, data)
    image = Image.open(io.BytesIO(data))
    image.load()
    has_alpha = "A" in image.mode or "transparency" in image.info
    mode = "RGBA" if has_alpha else "RGB"
    if image.mode.startswith("I"):
        # Pillow clips 16-bit grey to 8 bits instead of scaling it.
        levels = np.asarray(image).astype(np.uint32)
        grey = Image.fromarray(((levels * 255 + 32767) // 65535).astype("uint8"))
        if has_alpha:
            grey.putalpha(Image.fromarray(np.where(levels == image.info["transparency"], 0, 255).astype("uint8")))
        image = grey
    keep(f"{name}.{mode.lower()}", image.convert(mode).tobytes())


def encoded(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def s15(value):
    return struct.pack(">i", round(value * 65536))


def xyz(*values):
    return b"XYZ \0\0\0\0" + b"".join(map(s15, values))


def icc_profile(kind, space, connection, tags):
    """An ICC v2 profile."""
    text = b"test: " + space.strip()
    description = b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + b"\0" + bytes(78)
    tags = {b"desc": description, b"cprt": b"text\0\0\0\0none\0", b"wtpt": xyz(0.9642, 1.0, 0.8249)} | tags
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, offset + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = 128 + len(table) + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"test", 0x02100000, kind, space, connection)
    header += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += b"".join(map(s15, (0.9642, 1.0, 0.8249))) + bytes(48)
    return header + table + body


def gamma_curve(value):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


def matrix_profile(padding=0):
    """Adobe RGB (1998)'s primaries and gamma; `padding` bytes make it long."""
    curve = gamma_curve(2.19921875)
    return icc_profile(b"mntr", b"RGB ", b"XYZ ", {
        b"rXYZ": xyz(0.60974, 0.31111, 0.01947), b"gXYZ": xyz(0.20528, 0.62567, 0.06087),
        b"bXYZ": xyz(0.14919, 0.06322, 0.74457), b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
        b"zzzz": b"data\0\0\0\0\0\0\0\1" + bytes(padding),
    })


def grey_profile():
    return icc_profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": gamma_curve(1.4)})


def cmyk_profile():
    """A table with two grid points for each ink, of rough Lab colours."""
    ink = np.array([[55, -37, -50], [48, 74, -3], [89, -5, 93], [16, 0, 0]], float)
    grid = b""
    for index in range(16):
        lab = np.array([100.0, 0, 0])
        for bit in range(4):
            if index >> (3 - bit) & 1:
                lab = np.array([lab[0] * ink[bit][0] / 100, *((lab + ink[bit])[1:] * 0.7)])
        grid += bytes(int(round(v)) for v in (lab[0] * 2.55, *(lab[1:] + 128)))
    ramp = bytes(range(256))
    matrix = b"".join(map(s15, (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + matrix + ramp * 4 + grid + ramp * 3
    return icc_profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


def in_srgb(name, image, profile):
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    target = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(
        image, source, target, renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION)
    keep(f"{name}.srgb", converted.tobytes())


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width, height, depth, colour, rows, before=b"", interlace=0):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(rows, 9))
            + chunk(b"IEND", b""))


def unusual_jpegs(image):
    """What Pillow does not write: arithmetic coding, sampling factors of every kind, a scan for each component."""
    source = encoded(image, "PPM")
    with tempfile.NamedTemporaryFile("w") as scans:
        scans.write("0;1;2;")
        scans.flush()
        for name, *options in (
                ("arithmetic", "-arithmetic"), ("arithmetic-progressive", "-arithmetic", "-progressive"),
                ("sampling-411", "-sample", "4x1"), ("sampling-440", "-sample", "1x2"), ("sampling-410", "-sample", "4x2"),
                ("sampling-mixed", "-sample", "2x2,1x2,2x1"), ("sampling-finer-colour", "-sample", "1x1,2x2,2x2"),
                ("three-scans", "-scans", scans.name)):
            golden(f"{name}.jpg", subprocess.run(
                ["cjpeg", "-quality", "90", *options], input=source, stdout=subprocess.PIPE, check=True).stdout)


def jpegs(image):
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        golden(f"ycbcr-{name}.jpg", encoded(image, "JPEG", quality=90, subsampling=sampling))
    golden("progressive.jpg", encoded(image, "JPEG", quality=90, progressive=True))
    golden("restarts.jpg", encoded(image, "JPEG", quality=90, restart_marker_blocks=2))
    golden("grey.jpg", encoded(image.convert("L"), "JPEG", quality=90))
    golden("rgb.jpg", encoded(image, "JPEG", quality=90, keep_rgb=True))
    cmyk = encoded(image.convert("CMYK"), "JPEG", quality=95)
    golden("cmyk.jpg", cmyk)
    adobe = cmyk.index(b"Adobe")
    golden("ycck.jpg", cmyk[:adobe + 11] + b"\2" + cmyk[adobe + 12:])
    # Without the Adobe segment (16 bytes with its marker): 255 is no ink here too.
    golden("cmyk-plain.jpg", cmyk[:adobe - 4] + cmyk[adobe + 12:])
    golden("trailing-garbage.jpg", encoded(image, "JPEG", quality=90) + b"\xff\xd8\xff\0garbage" * 9)
    profile = matrix_profile(padding=70_000)
    data = encoded(image, "JPEG", quality=100, subsampling=0, icc_profile=profile)
    golden("profile-in-two-segments.jpg", data)
    in_srgb("profile-in-two-segments.jpg", Image.open(io.BytesIO(data)), profile)
    for name, mode, profile in (("grey", "L", grey_profile()), ("cmyk", "CMYK", cmyk_profile())):
        data = encoded(image.convert(mode), "JPEG", quality=95, icc_profile=profile)
        golden(f"profile-{name}.jpg", data)
        in_srgb(f"profile-{name}.jpg", Image.open(io.BytesIO(data)), profile)


def pngs(image, alpha):
    rgba = image.copy()
    rgba.putalpha(alpha)
    golden("rgb.png", encoded(image, "PNG", optimize=True))
    golden("rgba.png", encoded(rgba, "PNG", optimize=True))
    golden("grey.png", encoded(image.convert("L"), "PNG", optimize=True))
    golden("grey-alpha.png", encoded(rgba.convert("LA"), "PNG", optimize=True))
    golden("palette.png", encoded(image.quantize(13), "PNG", bits=4))
    golden("palette-transparent.png", encoded(image.quantize(13), "PNG", bits=4, transparency=3))
    golden("bilevel.png", encoded(image.convert("1"), "PNG"))
    width, height = image.size
    grey = np.asarray(image.convert("L")).astype(">u2") * 257 + np.arange(width).astype(">u2") % 200
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in grey)
    golden("grey16.png", png(width, height, 16, 0, rows))
    golden("grey16-transparent.png", png(width, height, 16, 0, rows, chunk(b"tRNS", grey[9, 9].tobytes())))
    profile = matrix_profile()
    data = encoded(image, "PNG", icc_profile=profile)
    golden("profile.png", data)
    in_srgb("profile.png", image, profile)
    # One row of every grey level under a gamma of 1.0: linear light.
    keep("gamma-linear.png", png(256, 1, 8, 0, b"\0" + bytes(range(256)), chunk(b"gAMA", struct.pack(">I", 100_000))))
    frames = [image, image.transpose(Image.FLIP_LEFT_RIGHT)]
    golden("animated.png", encoded(frames[0], "PNG", save_all=True, append_images=frames[1:]))


def bombs():
    packed = zlib.compress(bytes(20 << 20), 9)
    pixel = b"\0\x80\x80\x80"
    keep("bomb-text.png", png(1, 1, 8, 2, pixel, chunk(b"zTXt", b"Comment\0\0" + packed)))
    keep("bomb-profile.png", png(1, 1, 8, 2, pixel, chunk(b"iCCP", b"p\0\0" + packed)))
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "Caf\u00e9")
    keep("text.png", encoded(Image.new("RGB", (2, 1), (1, 2, 3)), "PNG", pnginfo=text))


def resizes():
    image = picture(61, 47)
    keep("resize-source.rgb", image.tobytes())
    alpha = opacity(61, 47)
    rgba = image.copy()
    rgba.putalpha(alpha)
    keep("resize-source.alpha", alpha.tobytes())
    for name, method in (("lanczos3", Image.LANCZOS), ("bicubic", Image.BICUBIC)):
        for width, height in ((20, 15), (61, 9), (7, 47), (100, 80), (1, 1)):
            keep(f"resize-{name}-{width}x{height}.rgb", image.resize((width, height), method).tobytes())
        keep(f"resize-{name}-23x31.rgba", rgba.resize((23, 31), method).tobytes())


def hard_cases(corpus):
    """Size and the mean colours of a 4 x 4 grid, upright, or null where Pillow refuses."""
    table = {}
    warnings.simplefilter("ignore")
    for path in sorted((pathlib.Path(corpus) / "hard-cases").iterdir()):
        if path.name == "LICENSE":
            continue
        try:
            image = ImageOps.exif_transpose(Image.open(path))
            image.load()
        except Exception:
            table[path.name] = None
            continue
        pixels = np.asarray(image.convert("RGBA").convert("RGB")).astype(float)
        height, width = pixels.shape[:2]
        means = []
        for row in range(4):
            for column in range(4):
                top, left = row * height // 4, column * width // 4
                bottom = max(math.ceil((row + 1) * height / 4), top + 1)
                right = max(math.ceil((column + 1) * width / 4), left + 1)
                means += [round(float(v), 2) for v in pixels[top:bottom, left:right].mean(axis=(0, 1))]
        table[path.name] = {"width": width, "height": height, "means": means}
    lines = ",\n".join(f'"{name}": {json.dumps(value, separators=(",", ":"))}' for name, value in table.items())
    (FILES / "hard-cases.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", help="the folder that holds hard-cases")
    arguments = parser.parse_args()
    FILES.mkdir(exist_ok=True)
    jpegs(picture(37, 29))
    unusual_jpegs(picture(37, 29))
    pngs(picture(37, 29), opacity(37, 29))
    bombs()
    resizes()
    if arguments.corpus:
        hard_cases(arguments.corpus)
