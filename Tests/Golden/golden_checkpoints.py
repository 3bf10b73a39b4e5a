"""PyTorch checkpoints as torch itself saves them, each beside a safetensors file with the values it must be read as."""

import collections
import zipfile
from unittest import mock

import numpy
import torch
from torch import nn

from reference import Discriminator, Generator

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


class BatchNormGenerator(nn.Module):
    """The original project's generator with --norm batch: convolutions without biases, normalisations with weights."""

    def __init__(self):
        super().__init__()
        layers = list(Generator(1, 1).model)
        for index, layer in enumerate(layers):
            if isinstance(layer, nn.InstanceNorm2d):
                layers[index] = nn.BatchNorm2d(layer.num_features)
            elif isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)) and index + 1 < len(layers) - 1:
                layer.bias = None
        self.model = nn.Sequential(*layers)


def foreign(save):
    """What people hand to an importer instead of a bare generator."""
    def small(seed):
        return filled(Generator(1, 1), seed)

    def prefixed(prefix, state):
        return {prefix + key: value for key, value in state.items()}

    one, two = small(5).state_dict(), small(6).state_dict()
    discriminator = filled(Discriminator(1), 7).state_dict()
    network = small(5)
    optimizer = torch.optim.Adam(network.parameters())
    sum(parameter.sum() for parameter in network.parameters()).backward()
    optimizer.step()
    save("two_generators.pth", {"netG_A": one, "netG_B": two, "netD_A": discriminator, "epoch": 7}, None)
    save("training.pth", {"epoch": 7, "generator": one, "discriminator": discriminator, "optimizer": optimizer.state_dict()}, one)
    save("compiled.pth", prefixed("_orig_mod.", one), None)
    save("compiled_parallel.pth", prefixed("module._orig_mod.", one), None)
    save("lightning.ckpt", {
        "epoch": 3, "global_step": 12, "pytorch-lightning_version": "2.1.0", "loops": {"fit_loop": {"state_dict": {}}},
        "state_dict": {**prefixed("generator.", one), **prefixed("discriminator.", discriminator)},
        "hyper_parameters": {"lr": 0.0002}}, None)
    save("sequential.pth", network.model.state_dict(), None)
    save("batch_norm.pth", BatchNormGenerator().state_dict(), None)
    save("discriminator.pth", discriminator, None)
    broken = collections.OrderedDict((key, value.clone()) for key, value in one.items())
    broken["model.4.weight"].view(-1)[:3] = float("nan")
    broken["model.4.weight"].view(-1)[5] = float("-inf")
    save("not_finite.pth", broken, None)


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
    foreign(save)
