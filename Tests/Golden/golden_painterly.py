"""The operations behind painterly training with their gradients, as golden_operations.py stores them."""

import numpy
import torch
from golden_operations import Collection
from torch.nn import functional as F

# As in Sources/Tensors/Operations/Grain.swift, written once more from its description: a 32-bit hash of a pixel's place, its upper 15
# bits less their middle, through the binomial of nine taps both ways.
TAPS = numpy.array([1, 8, 28, 56, 70, 56, 28, 8, 1], dtype=numpy.int64)


def mixed(x):
    x = (numpy.asarray(x, dtype=numpy.uint64) + 0x9E3779B9) & 0xFFFFFFFF
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & 0xFFFFFFFF
    x = ((x ^ (x >> 15)) * 0x846CA68B) & 0xFFFFFFFF
    return x ^ (x >> 16)


def grain(height, width, deviation, row=0, column=0):
    rows = mixed(numpy.arange(row - 4, row + height + 4) & 0xFFFFFFFF)
    columns = numpy.arange(column - 4, column + width + 4) & 0xFFFFFFFF
    raw = (mixed(columns[None] ^ rows[:, None].astype(numpy.int64)) >> 17).astype(numpy.int64) - 16384
    across = sum(tap * raw[:, k:k + width] for k, tap in enumerate(TAPS))
    both = sum(tap * across[k:k + height] for k, tap in enumerate(TAPS))
    return both / (32768 / 12 ** 0.5 * 12870) * deviation


def phase_deviation(x, period, window):
    h, w = (min(window, side // period * period) for side in x.shape[2:])
    terms = []
    for top in range(0, x.shape[2] - h + 1, h):
        for left in range(0, x.shape[3] - w + 1, w):
            part = x[:, :, top:top + h, left:left + w]
            means = torch.stack([part[:, :, i::period, j::period].mean((2, 3)) for i in range(period) for j in range(period)])
            terms.append((means - means.mean(0)) ** 2)
    return torch.stack(terms).mean()


def make(directory, store):
    out = Collection()
    for channels, height, width, batch in ((1, 1, 1, 1), (9, 5, 7, 2), (130, 3, 4, 1)):
        out.add(f"gram.c{channels}.h{height}w{width}", dict(op="gram", channels=channels, height=height, width=width),
                # Stored as (N, C, H, W): the matrix's columns are channels, its rows stand side by side.
                lambda input: (torch.einsum("nihw,njhw->nji", input, input) / (input.shape[2] * input.shape[3]))[:, :, None],
                input=out.leaf(batch, channels, height, width))
    for channels, height, width in ((1, 2, 2), (3, 9, 7)):
        out.add(f"relative_squared_error.c{channels}.h{height}w{width}", dict(op="relative_squared_error"),
                lambda input, target: ((input - target) ** 2).sum() / (target ** 2).sum(),
                input=out.leaf(1, channels, height, width), target=out.leaf(1, channels, height, width))
    for channels, height, width in ((1, 2, 2), (3, 9, 7)):
        out.add(f"excess_squared_error.c{channels}.h{height}w{width}", dict(op="excess_squared_error", allowed=0.4),
                lambda input, target: (F.relu((input - target).abs() - 0.4) ** 2).mean(),
                input=out.leaf(1, channels, height, width), target=out.leaf(1, channels, height, width))
    out.add("root_compression", dict(op="root_compression", scale=8), lambda input: input / (input + 8).sqrt(),
            input=out.leaf(1, 5, 7, 6))
    for size, height, width in ((4, 8, 11), (16, 5, 7), (3, 9, 9)):
        out.add(f"block_means.s{size}.h{height}w{width}", dict(op="block_means", size=size),
                lambda input, size=size: F.avg_pool2d(input, size, ceil_mode=True, count_include_pad=False),
                input=out.leaf(2, 3, height, width))
    for size, height, width in ((4, 8, 11), (16, 5, 7), (3, 9, 9)):
        out.add(f"bilinear_enlargement.s{size}.h{height}w{width}",
                dict(op="bilinear_enlargement", size=size, height=height, width=width),
                lambda input, size=size, height=height, width=width: F.interpolate(
                    input, scale_factor=size, mode="bilinear", align_corners=False)[:, :, :height, :width],
                input=out.leaf(2, 3, -(-height // size), -(-width // size)))
    for period, window, height, width in ((4, 8, 17, 26), (8, 64, 20, 9), (2, 4, 4, 4)):
        out.add(f"phase_deviation.p{period}w{window}.h{height}w{width}", dict(op="phase_deviation", period=period, window=window),
                lambda input, period=period, window=window: phase_deviation(input, period, window),
                input=out.leaf(2, 3, height, width))
    for height, width, row, column in ((12, 9, 0, 0), (3, 40, -7, 1_000_000)):
        noise = torch.from_numpy(grain(height, width, 0.3, row, column))
        out.add(f"grain.h{height}w{width}", dict(op="grain", deviation=0.3, row=row, column=column),
                lambda input, noise=noise: input + noise, input=out.leaf(1, 3, height, width))
    for inputs, outputs, height, width in ((1, 1, 1, 1), (5, 3, 4, 7), (8, 16, 6, 5), (17, 9, 5, 5), (40, 17, 13, 12)):
        def bilinear(input, weight, bias):
            doubled = F.interpolate(input, scale_factor=2, mode="bilinear", align_corners=False)
            return F.conv2d(F.pad(doubled, (1,) * 4, mode="replicate"), weight, bias)

        out.add(f"bilinear_conv2d.c{inputs}o{outputs}.h{height}w{width}",
                dict(op="bilinear_conv2d", input=inputs, output=outputs), bilinear, input=out.leaf(1, inputs, height, width),
                weight=out.leaf(outputs, inputs, 3, 3, scale=(inputs * 9) ** -0.5), bias=out.leaf(outputs))
    for inputs, outputs, height, width in ((3, 5, 9, 11), (8, 17, 2, 6), (16, 32, 12, 14)):
        out.add(f"conv2d.reflected_stride.c{inputs}o{outputs}.h{height}w{width}",
                dict(op="conv2d", kernel=3, stride=2, padding=1, mode="reflect", input=inputs, output=outputs),
                lambda input, weight, bias: F.conv2d(F.pad(input, (1,) * 4, mode="reflect"), weight, bias, stride=2),
                input=out.leaf(1, inputs, height, width), weight=out.leaf(outputs, inputs, 3, 3, scale=(inputs * 9) ** -0.5),
                bias=out.leaf(outputs))
    store(directory / "painterly.safetensors", out.tensors, out.metadata)
