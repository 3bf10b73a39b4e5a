"""PyTorch checkpoints as torch itself saves them, each beside a safetensors file with the values it must be read as."""

import collections
import zipfile
from unittest import mock

import numpy
import torch
from torch import nn

from reference import Generator

BASE, BLOCKS = 2, 6


def filled(network, seed):
    random = numpy.random.RandomState(seed)
    for parameter in network.parameters():
        parameter.data = torch.from_numpy((0.02 * random.standard_normal(tuple(parameter.shape))).astype(numpy.float32))
    return network


def with_running_statistics(network):
    """As generators were saved before statistics were switched off: buffers in every normalisation."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.InstanceNorm2d):
                setattr(module, name, nn.InstanceNorm2d(child.num_features, track_running_stats=True))
    return network


def odd_tensors():
    """Number formats, strides, shared storages, scalars, empty tensors, parameters."""
    random = numpy.random.RandomState(3)
    base = torch.from_numpy(random.standard_normal((4, 6)).astype(numpy.float32))
    return collections.OrderedDict([
        ("float32", base), ("transposed", base.t()), ("slice", base[1:3, 2:5]), ("step", base[::2, ::3]),
        ("parameter", nn.Parameter(base * 2)), ("float16", base.half()), ("bfloat16", base.bfloat16()),
        ("float64", base.double() / 3), ("int64", torch.tensor([1, -2, 1 << 30])), ("int32", torch.tensor([7, -8]).int()),
        ("int16", torch.tensor([300]).short()), ("int8", torch.tensor([-1]).char()), ("uint8", torch.tensor([255]).byte()),
        ("bool", torch.tensor([True, False])), ("scalar", torch.tensor(1.5)), ("empty", torch.zeros(0, 3)),
        ("channels_last", base.view(1, 2, 3, 4).contiguous(memory_format=torch.channels_last)),
    ])


class Pipe:
    """A file that cannot seek back: zipfile then writes data descriptors."""

    def __init__(self, file):
        self.write, self.flush = file.write, file.flush


def repack(source, target, **options):
    """The entries of a zip file again, as another program would write them."""
    with zipfile.ZipFile(source) as old, open(target, "wb") as file, zipfile.ZipFile(Pipe(file), "w", **options) as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))


def make(directory, store):
    def save(name, what, expected, legacy=False):
        torch.save(what, directory / name, _use_new_zipfile_serialization=not legacy)
        print(f"{name}: {(directory / name).stat().st_size / 1024:.0f} KiB")
        if expected is not None:
            store(directory / f"{name}.safetensors", {key: value.detach().double().numpy() for key, value in expected.items()}, {})

    directory.mkdir(parents=True, exist_ok=True)
    generator = filled(Generator(BASE, BLOCKS), 1)
    state = generator.state_dict()
    save("current.pth", state, state)
    legacy = with_running_statistics(generator).state_dict()
    save("legacy_running_stats.pth", legacy, None, legacy=True)
    save("data_parallel.pth", {"epoch": 3, "name": "net", "best": 0.5, "done": True, "nothing": None, "list": [1, (2, -70000)],
                               "state_dict": {f"module.{key}": value for key, value in state.items()}}, None)
    dropout = filled(Generator(BASE, BLOCKS, dropout=True), 1)
    save("dropout.pth", dropout.state_dict(), None)
    save("resize.pth", filled(Generator(BASE, BLOCKS, "leaky-relu:0.01", "resize"), 2).state_dict(), None)
    odd = odd_tensors()
    save("odd_zip.pth", odd, odd)
    save("odd_legacy.pth", odd, odd, legacy=True)
    save("whole_module.pth", nn.Linear(2, 2), None)
    # Every number of the directory in its zip64 form, as beyond 4 GiB.
    with mock.patch("zipfile.ZIP64_LIMIT", 0), mock.patch("zipfile.ZIP_FILECOUNT_LIMIT", 1):
        repack(directory / "odd_zip.pth", directory / "odd_zip64.pth")
    repack(directory / "odd_zip.pth", directory / "compressed.pth", compression=zipfile.ZIP_DEFLATED)
    for name in ("odd_zip64.pth", "compressed.pth"):
        assert torch.load(directory / name, weights_only=True).keys() == odd.keys()
