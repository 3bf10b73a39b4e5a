"""Generators with random weights, an input and the output: one file a case, keys and metadata as in model files."""

import numpy
import torch

from reference import Generator, translate

# base channels, residual blocks, activation, upsampling, width, height. Every pair of properties occurs.
CASES = [
    (4, 6, "relu", "transposed", 32, 32),
    (4, 6, "leaky-relu:0.01", "resize", 32, 32),
    (4, 9, "relu", "resize", 33, 45),
    (4, 9, "leaky-relu:0.01", "transposed", 33, 45),
    (8, 6, "leaky-relu:0.01", "resize", 33, 45),
    (4, 9, "leaky-relu:0.01", "resize", 64, 20),
    (4, 6, "relu", "transposed", 64, 20),
    (5, 6, "leaky-relu:0.01", "transposed", 64, 20),
    (4, 6, "leaky-relu:0.01", "resize", 5, 3),
    (3, 9, "relu", "transposed", 5, 3),
    (4, 6, "relu", "resize", 1, 1),
    (4, 9, "leaky-relu:0.01", "transposed", 1, 1),
]

# What float32 rounding may do to an output in PyTorch itself; a worse conditioned case tests nothing.
MAX_ROUNDING = 2e-5


def random_weights(generator, random, gain):
    """N(0, gain² / fan-in): a normalised input gives outputs of standard deviation `gain`."""
    for key, parameter in generator.named_parameters():
        if key.endswith(".weight"):
            module = generator.get_submodule(key.removesuffix(".weight"))
            fan_in = module.in_channels * module.kernel_size[0] * module.kernel_size[1]
            scale = gain / fan_in ** 0.5
        else:
            scale = 0.1 * gain
        values = (scale * random.standard_normal(tuple(parameter.shape))).astype(numpy.float32)
        parameter.data = torch.from_numpy(values)


def image(random, height, width):
    """Smooth shapes and some noise in [-1, 1]."""
    rows, columns = numpy.mgrid[0:height, 0:width]
    planes = []
    for _ in range(3):
        a, b, phase = random.uniform(0.05, 0.6, 3)
        planes.append(0.7 * numpy.sin(a * rows + b * columns + 6 * phase) + 0.1 * random.standard_normal((height, width)))
    return torch.from_numpy(numpy.clip(planes, -1, 1).astype(numpy.float32))[None]


def make(directory, store):
    for seed, (base, blocks, activation, upsampling, width, height) in enumerate(CASES):
        random = numpy.random.RandomState(1000 + seed)
        generator = Generator(base, blocks, activation, upsampling)
        # A one-pixel photo is flat, and normalising flat planes multiplies rounding noise by up to 1/sqrt(1e-5) = 316 a
        # layer: with a gain below 1/316 the noise dies out instead of growing to the size of the signal.
        random_weights(generator, random, gain=1.0 if width * height > 1 else 0.002)
        if width * height == 1:
            # The only thing left to see in such an output.
            list(generator.model.children())[-2].bias.data = torch.tensor([0.5, -0.25, 0.1])
        x = image(random, height, width)
        with torch.no_grad():
            single = translate(generator, x)
            double = translate(generator.double(), x.double())
        rounding = (single.double() - double).abs().max().item()
        print(f"float32 rounding {rounding:.1e}, output's standard deviation {double.std(unbiased=False):.2f}")
        assert rounding < MAX_ROUNDING, rounding
        name = f"generator-b{base}-n{blocks}-{activation.replace(':', '')}-{upsampling}-{width}x{height}"
        tensors = {key: value.numpy() for key, value in generator.state_dict().items()}
        tensors |= {"input": x.numpy(), "output": double.numpy()}
        store(directory / f"{name}.safetensors", tensors, {
            "format": "cyclegan-generator/1", "base-channels": str(base), "residual-blocks": str(blocks),
            "activation": activation, "upsampling": upsampling, "float32-rounding": f"{rounding:.1e}"})
