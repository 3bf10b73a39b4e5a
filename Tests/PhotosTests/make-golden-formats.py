#!/usr/bin/env python3
"""Makes the HEIC, AVIF, WebP and TIFF files that PhotosTests decodes, and what other programs make of them.

NAME.rgb and NAME.rgba hold the pixels before any colour conversion: those that went into a file that loses nothing, else what
Pillow (with pillow-heif) decodes. Needs Pillow, pillow-heif, numpy, tifffile, imagecodecs and webpmux.
"""
import importlib
import io
import pathlib
import struct
import subprocess
import tempfile

import numpy as np
import pillow_heif
import tifffile
from PIL import Image, ImageOps, TiffImagePlugin

import heif_writer as heif

base = importlib.import_module("make-golden")
pillow_heif.register_heif_opener()
WIDTH, HEIGHT = 37, 29


def keep_truth(name, data, truth):
    """Writes a file and the pixels it holds, height x width x 3 or 4."""
    base.keep(name, data)
    base.keep(f"{name}.{'rgb' if truth.shape[2] == 3 else 'rgba'}", np.ascontiguousarray(truth.astype("uint8")).tobytes())


def keep_seen(name, data):
    """Writes a file and the pixels that Pillow sees, upright."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    image = image if image.mode in ("RGB", "RGBA") else image.convert("RGB")
    keep_truth(name, data, np.asarray(image))


def tiff(array, **options):
    out = io.BytesIO()
    big = options.pop("bigtiff", False)
    order = options.pop("byteorder", "<")
    with tifffile.TiffWriter(out, bigtiff=big, byteorder=order) as writer:
        writer.write(array, metadata=None, **options)
    return out.getvalue()


def tiffs(image, alpha):
    rgb, opacity = np.asarray(image), np.asarray(alpha)
    rgba = np.dstack([rgb, opacity])
    grey = np.asarray(image.convert("L"))
    greys = np.dstack([grey] * 3)
    one = dict(photometric="rgb")
    keep_truth("plain.tif", tiff(rgb, **one), rgb)
    keep_truth("lzw.tif", tiff(rgb, compression="lzw", predictor=True, rowsperstrip=8, **one), rgb)
    keep_truth("tiled.tif", tiff(rgb, compression="deflate", tile=(16, 16), **one), rgb)
    keep_truth("planar.tif", tiff(rgb.transpose(2, 0, 1), planarconfig="separate", rowsperstrip=7, **one), rgb)
    keep_truth("planar-tiled.tif", tiff(
        rgba.transpose(2, 0, 1), planarconfig="separate", tile=(16, 32), extrasamples=["unassalpha"], **one), rgba)
    keep_truth("big.tif", tiff(rgb, bigtiff=True, byteorder=">", compression="packbits", **one), rgb)
    keep_truth("rgba.tif", tiff(rgba, extrasamples=["unassalpha"], **one), rgba)
    keep_truth("unnamed-alpha.tif", tiff(rgba, extrasamples=["unspecified"], **one), rgb)
    # Opaque enough that dividing gives back what was multiplied.
    solid = np.maximum(opacity, 200)
    premultiplied = np.round(rgb * (solid[..., None] / 255)).astype("uint8")
    restored = np.clip(np.round(premultiplied.astype(float) * 255 / solid[..., None]), 0, 255)
    keep_truth("premultiplied.tif", tiff(
        np.dstack([premultiplied, solid]), extrasamples=["assocalpha"], **one), np.dstack([restored, solid]))
    keep_truth("grey.tif", tiff(grey, photometric="minisblack"), greys)
    keep_truth("grey-inverted.tif", tiff(255 - grey, photometric="miniswhite"), greys)
    keep_truth("grey-alpha.tif", tiff(
        np.dstack([grey, opacity]), photometric="minisblack", extrasamples=["unassalpha"], planarconfig="contig"),
        np.dstack([greys, opacity]))
    fine = rgb.astype("uint16") * 257 + np.arange(WIDTH, dtype="uint16")[None, :, None] % 100
    scaled = np.round(fine.astype(float) * 255 / 65535)
    keep_truth("rgb16.tif", tiff(fine, **one), scaled)
    keep_truth("rgb16-big-endian.tif", tiff(fine, byteorder=">", compression="deflate", predictor=True, **one), scaled)
    keep_truth("rgb32.tif", tiff(rgb.astype("uint32") * 16843009, **one), rgb)
    keep_truth("signed16.tif", tiff(grey.astype("int16") * 128, photometric="minisblack"), np.round(greys.astype(float) * 128 * 255 / 32767))
    keep_truth("grey12.tif", tiff(
        grey.astype("uint16") * 16, photometric="minisblack", bitspersample=12), np.round(greys.astype(float) * 16 * 255 / 4095))
    for bits in (16, 32, 64):
        samples = (rgb / 255).astype(f"float{bits}")
        keep_truth(f"float{bits}.tif", tiff(samples, **one), np.round(samples.astype(float) * 255))
    bright = (rgb / 100).astype("float32")
    keep_truth("float-bright.tif", tiff(bright, **one), np.clip(np.round(bright.astype(float) * 255), 0, 255))
    cmyk = np.dstack([255 - rgb, grey // 4])
    seen = (255.0 - cmyk[..., :3]) * (255 - cmyk[..., 3:]) / 255
    keep_truth("cmyk.tif", tiff(cmyk, photometric="separated"), np.round(seen))
    keep_truth("cmyk16.tif", tiff(cmyk.astype("uint16") * 257, photometric="separated"), np.round(seen))
    keep_truth("bilevel.tif", base.encoded(image.convert("1"), "TIFF", compression="group4"),
               np.asarray(image.convert("1").convert("RGB")))
    palette = image.quantize(13)
    keep_truth("palette.tif", base.encoded(palette, "TIFF", compression="tiff_lzw"), np.asarray(palette.convert("RGB")))
    keep_seen("jpeg.tif", base.encoded(image, "TIFF", compression="jpeg", quality=90))
    keep_seen("ycbcr.tif", base.encoded(image.convert("YCbCr"), "TIFF"))
    out = io.BytesIO()
    pages = [Image.fromarray(rgb[::-1]), image]
    image.save(out, "TIFF", save_all=True, append_images=pages)
    keep_truth("pages.tif", out.getvalue(), rgb)
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[0x0112], tags[0x0110], tags[0x011A], tags[0x011B], tags[0x0128] = 6, "Cam 1000", 300.0, 200.0, 2
    tags[0x8769], tags[0x8825] = {0x9003: "2020:01:02 03:04:05"}, {1: "N"}
    base.keep("described.tif", base.encoded(image, "TIFF", tiffinfo=tags, icc_profile=base.matrix_profile()))


def webps(image, alpha):
    rgba = image.copy()
    rgba.putalpha(alpha)
    lossless = dict(lossless=True, exact=True)
    keep_seen("lossy.webp", base.encoded(image, "WEBP", quality=90))
    keep_seen("lossy-alpha.webp", base.encoded(rgba, "WEBP", quality=90))
    keep_truth("lossless.webp", base.encoded(image, "WEBP", **lossless), np.asarray(image))
    keep_truth("lossless-alpha.webp", base.encoded(rgba, "WEBP", **lossless), np.asarray(rgba))
    tags = Image.Exif()
    tags[0x0112], tags[0x0110] = 6, "Cam 1000"
    base.keep("described.webp", base.encoded(
        image, "WEBP", exif=tags, icc_profile=base.matrix_profile(), xmp=b"<x/>", **lossless))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        small, whole = image.crop((0, 0, 20, 16)), Image.fromarray(np.asarray(image)[::-1])
        for name, frame in (("a", small), ("b", whole)):
            (folder / f"{name}.webp").write_bytes(base.encoded(frame, "WEBP", **lossless))
        subprocess.run(
            ["webpmux", "-frame", "b.webp", "+100", "-frame", "a.webp", "+100+4+6", "-o", "whole-first.webp"],
            cwd=folder, check=True)
        subprocess.run(
            ["webpmux", "-frame", "a.webp", "+100+4+6", "-frame", "b.webp", "+100", "-o", "part-first.webp"],
            cwd=folder, check=True)
        keep_truth("animated.webp", (folder / "whole-first.webp").read_bytes(), np.asarray(whole))
        canvas = np.zeros((HEIGHT, WIDTH, 4), "uint8")
        canvas[6:22, 4:24] = np.dstack([np.asarray(small), np.full((16, 20), 255)])
        keep_truth("animated-part.webp", (folder / "part-first.webp").read_bytes(), canvas)


def coded(image, kind, **options):
    options.setdefault("quality", 90)
    if kind == "AVIF":
        return heif.Coded(base.encoded(image, "AVIF", subsampling="4:4:4", **options))
    return heif.Coded(base.encoded(image, "HEIF", chroma=444, **options))


def heifs(image, alpha):
    whole = image.resize((64, 64))
    opacity = alpha.resize((64, 64))
    p3 = heif.coding(12, 13)
    for extension, kind, brand in (("heic", "HEIF", b"heic"), ("avif", "AVIF", b"avif")):
        main = coded(whole, kind)
        keep_seen(f"encoded.{extension}", base.encoded(
            image, kind, quality=90, **(dict(subsampling="4:4:4") if kind == "AVIF" else {})))
        keep_seen(f"plain.{extension}", heif.write(brand, [heif.picture(main, 64, 64)]))
        # A picture of unequal sides, so that turns show in its size.
        oblong = coded(image.resize((96, 64)), kind)
        for quarters in (1, 2, 3):
            keep_seen(f"turned{quarters}.{extension}", heif.write(
                brand, [heif.picture(oblong, 96, 64, heif.turn(quarters))]))
        keep_seen(f"mirrored.{extension}", heif.write(brand, [heif.picture(oblong, 96, 64, heif.mirror(1))]))
        keep_seen(f"turned-mirrored.{extension}", heif.write(
            brand, [heif.picture(oblong, 96, 64, heif.turn(1), heif.mirror(0))]))
        tags = Image.Exif()
        tags[0x0112], tags[0x0110] = 6, "Cam 1000"
        described = tags.tobytes().removeprefix(b"Exif\0\0")
        keep_seen(f"turned-described.{extension}", heif.write(
            brand, [heif.picture(oblong, 96, 64, heif.turn(3)), heif.exif(described), heif.xmp(b"<x/>")]))
        tiles = [coded(whole.crop(area).resize((64, 64)), kind) for area in
                 ((0, 0, 32, 32), (32, 0, 64, 32), (0, 32, 32, 64), (32, 32, 64, 64))]
        keep_seen(f"grid.{extension}", heif.write(
            brand, [heif.grid(2, 2, 120, 100, tiles=[2, 3, 4, 5]), *(heif.picture(tile, 64, 64) for tile in tiles)]))
        veil = coded(opacity.convert("RGB").convert("L").convert("RGB"), kind)
        hidden = heif.picture(veil, 64, 64, heif.ALPHA)
        hidden.references = [(b"auxl", [1])]
        keep_seen(f"alpha.{extension}", heif.write(brand, [heif.picture(main, 64, 64), hidden]))
        base.keep(f"display-p3.{extension}", heif.write(brand, [heif.picture(main, 64, 64, p3)]))
        base.keep(f"profile.{extension}", heif.write(
            brand, [heif.picture(main, 64, 64, heif.profile(base.matrix_profile()))]))
        base.keep(f"pq.{extension}", heif.write(brand, [heif.picture(main, 64, 64, heif.coding(9, 16, 9))]))
        # The picture's own size, but the file says another.
        base.keep(f"liar.{extension}", heif.write(brand, [heif.picture(main, 48, 40)]))
        # Every tile of a small picture is the same, far larger one.
        base.keep(f"repeated.{extension}", heif.write(
            brand, [heif.grid(4, 4, 250, 250, tiles=[2] * 16), heif.picture(main, 64, 64)]))
        base.keep(f"bomb.{extension}", heif.write(brand, [heif.picture(main, 30_000, 30_000)]))
    deep = Image.fromarray(np.asarray(whole))
    samples = np.asarray(deep).astype("uint16") * 257
    heic = pillow_heif.from_bytes(mode="RGB;16", size=(64, 64), data=samples.tobytes())
    out = io.BytesIO()
    pillow_heif.options.SAVE_HDR_TO_12_BIT = False
    heic.save(out, quality=95, chroma=444)
    base.keep("deep.heic", out.getvalue())
    seen = pillow_heif.open_heif(io.BytesIO(out.getvalue()), convert_hdr_to_8bit=True)
    base.keep("deep.heic.rgb", np.asarray(seen.to_pillow().convert("RGB")).tobytes())


if __name__ == "__main__":
    tiffs(base.picture(WIDTH, HEIGHT), base.opacity(WIDTH, HEIGHT))
    webps(base.picture(WIDTH, HEIGHT), base.opacity(WIDTH, HEIGHT))
    heifs(base.picture(WIDTH, HEIGHT), base.opacity(WIDTH, HEIGHT))
