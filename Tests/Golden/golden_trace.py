"""Ten training steps of a tiny hybrid CycleGAN: first parameters, inputs, the losses of each step, last parameters.

Tensors: `initial.G.KEY` and `final.G.KEY` (and F, DX, DY), `V.KEY` the fixed feature network, `x.N` and `y.N` the inputs of
step N = 0...9, `loss.NAME` the ten values of each loss before its step's update. Biases before a
normalisation have no true gradient: any value of them in the tested code is as good as the one here.
"""

import copy

import numpy
import torch

from golden_generators import image
from reference import Discriminator, Features, Generator, HybridTraining

BASE, BLOCKS, DISCRIMINATOR_CHANNELS, CROP, STEPS = 4, 2, 4, 64, 10
FEATURE_CHANNELS = (4, 4, 0, 8, 8)
ACTIVATION, UPSAMPLING = "leaky-relu:0.01", "resize"


def normal(network, random, scale):
    for key, parameter in network.named_parameters():
        values = numpy.zeros(tuple(parameter.shape))
        if key.endswith(".weight"):
            values = random.standard_normal(values.shape) * (
                scale if scale else (2 / numpy.prod(values.shape[1:])) ** 0.5)
        parameter.data = torch.from_numpy(values.astype(numpy.float32))


def run(networks, features, inputs, dtype):
    networks = {name: copy.deepcopy(network).to(dtype) for name, network in networks.items()}
    training = HybridTraining(networks["G"], networks["F"], networks["DX"], networks["DY"],
                              copy.deepcopy(features).to(dtype))
    losses = [training.step(x.to(dtype), y.to(dtype)) for x, y in inputs]
    return networks, losses


def make(directory, store):
    random = numpy.random.RandomState(42)
    networks = {name: Generator(BASE, BLOCKS, ACTIVATION, UPSAMPLING) for name in ("G", "F")}
    networks |= {name: Discriminator(DISCRIMINATOR_CHANNELS) for name in ("DX", "DY")}
    for network in networks.values():
        normal(network, random, 0.02)
    features = Features(FEATURE_CHANNELS)
    normal(features, random, None)
    inputs = [(image(random, CROP, CROP), image(random, CROP, CROP)) for _ in range(STEPS)]

    trained, losses = run(networks, features, inputs, torch.float64)
    trained32, losses32 = run(networks, features, inputs, torch.float32)
    tensors = {f"V.{key}": value.numpy() for key, value in features.state_dict().items()}
    loss_rounding = max(abs(b[key] / a[key] - 1) for a, b in zip(losses, losses32) for key in a)
    rounding, travel = 0.0, 0.0
    for name, network in networks.items():
        after32 = trained32[name].state_dict()
        for key, value in network.state_dict().items():
            after = trained[name].state_dict()[key]
            tensors[f"initial.{name}.{key}"] = value.numpy()
            tensors[f"final.{name}.{key}"] = after.numpy()
            if key.endswith(".weight"):
                rounding = max(rounding, (after32[key].double() - after).abs().max().item())
                travel = max(travel, (after - value.double()).abs().max().item())
    for step, (x, y) in enumerate(inputs):
        tensors |= {f"x.{step}": x.numpy(), f"y.{step}": y.numpy()}
    for key in losses[0]:
        tensors[f"loss.{key}"] = numpy.array([step[key] for step in losses])
    print(f"trace: float32 differs by {loss_rounding:.1e} in losses (relative), {rounding:.1e} in weights, "
          f"which moved by up to {travel:.1e}")
    store(directory / "trace.safetensors", tensors, {
        "format": "cyclegan-trace/1", "base-channels": str(BASE), "residual-blocks": str(BLOCKS),
        "activation": ACTIVATION, "upsampling": UPSAMPLING, "discriminator-channels": str(DISCRIMINATOR_CHANNELS),
        "features": "VGG16 to relu2_2 with 4, 4, 8, 8 channels; zero padding; input ((t + 1) / 2 - mean) / std of torchvision",
        "semantic-loss": "mean absolute difference of the features of cycled and original image, gradient through the "
                         "cycled one only; the tap is not scaled",
        "semantic-weight": "1", "lambda-cycle": "10", "lambda-identity": "0.5", "learning-rate": "0.0002",
        "betas": "0.5 0.999", "pool-size": "0", "steps": str(STEPS),
        "float32-rounding": f"losses {loss_rounding:.1e} relative, weights {rounding:.1e} of {travel:.1e} moved"})
