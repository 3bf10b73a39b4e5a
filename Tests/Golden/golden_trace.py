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

BASE, BLOCKS, DISCRIMINATOR_CHANNELS, CROP, STEPS = 4, 2, 4, 32, 10
FEATURE_CHANNELS = (4, 4, 0, 8, 8)
ACTIVATION, UPSAMPLING = "leaky-relu:0.01", "resize"
MARGIN = 6e-5  # of the inputs from the networks' kinks, see choose_inputs


def normal(network, random, scale):
    for key, parameter in network.named_parameters():
        values = numpy.zeros(tuple(parameter.shape))
        if key.endswith(".weight"):
            values = random.standard_normal(values.shape) * (
                scale if scale else (2 / numpy.prod(values.shape[1:])) ** 0.5)
        parameter.data = torch.from_numpy(values.astype(numpy.float32))


class Kinks:
    """How near any value comes to where a derivative jumps, in standard deviations of its tensor: at the activations, the
    max pools (first against second of a window) and the absolute values of the L1 losses."""

    def __init__(self, training):
        self.training, self.smallest = training, float("inf")
        for network in (training.g, training.f, training.dx, training.dy, training.features):
            for module in network.modules():
                if isinstance(module, (torch.nn.ReLU, torch.nn.LeakyReLU)):
                    module.register_forward_pre_hook(lambda module, inputs: self.note(inputs[0]))
                elif isinstance(module, torch.nn.MaxPool2d):
                    module.register_forward_pre_hook(lambda module, inputs: self.note_pool(inputs[0]))

    def note(self, values, scale=None):
        if values.numel():
            self.smallest = min(self.smallest, (values.abs().min() / (values if scale is None else scale).std()).item())

    def note_pool(self, values):
        windows = values.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4).sort(-1, descending=True).values
        active = windows[windows[..., 0] > 0]
        self.note(active[:, 0] - active[:, 1], scale=values)

    @torch.no_grad()
    def margin(self, x, y):
        """For one step on `x` and `y` from the present parameters."""
        self.smallest = float("inf")
        t = self.training
        fake_y, fake_x = t.g(x), t.f(y)
        cycles = ((t.f(fake_y), x), (t.g(fake_x), y))
        for output, target in (*cycles, (t.f(x), x), (t.g(y), y)):
            self.note(output - target)
        for judge, image in ((t.dx, x), (t.dx, fake_x), (t.dy, y), (t.dy, fake_y)):
            judge(image)
        seen = [t.features(cycled) for cycled, _ in cycles]
        smallest = self.smallest
        # The originals' features have no gradient, so only the differences count, where the cycled image's pass one on.
        for features, (_, original) in zip(seen, cycles):
            wanted = t.features(original)
            self.smallest = smallest
            self.note((features - wanted)[features > 0], scale=features)
            smallest = self.smallest
        return smallest


def training_in(dtype, networks, features):
    networks = {name: copy.deepcopy(network).to(dtype) for name, network in networks.items()}
    return networks, HybridTraining(networks["G"], networks["F"], networks["DX"], networks["DY"],
                                    copy.deepcopy(features).to(dtype))


def choose_inputs(networks, features, random):
    """Pairs that keep a distance from every kink.

    One activation on the other side of its kink changes a tiny network's gradient by percents, and Adam turns that into whole
    steps of single parameters: with arbitrary inputs no two float32 implementations agree after ten steps.
    """
    _, training = training_in(torch.float64, networks, features)
    kinks = Kinks(training)
    inputs = []
    for step in range(STEPS):
        for attempt in range(30000):
            x, y = image(random, CROP, CROP), image(random, CROP, CROP)
            margin = kinks.margin(x.double(), y.double())
            if margin > MARGIN:
                break
        assert margin > MARGIN, f"step {step}: no pair found"
        print(f"step {step}: pair {attempt + 1} has the margin {margin:.1e}", flush=True)
        inputs.append((x, y))
        training.step(x.double(), y.double())
    return inputs


def run(networks, features, inputs, dtype):
    networks, training = training_in(dtype, networks, features)
    losses = [training.step(x.to(dtype), y.to(dtype)) for x, y in inputs]
    return networks, losses


def perturbed(network, seed):
    """Off by a few float32 roundings in every weight, as another order of summation would be in every product."""
    copied = copy.deepcopy(network)
    random = torch.Generator().manual_seed(seed)
    for parameter in copied.parameters():
        parameter.data *= 1 + 3e-7 * torch.randn(parameter.shape, generator=random)
    return copied


def make(directory, store):
    random = numpy.random.RandomState(42)
    networks = {name: Generator(BASE, BLOCKS, ACTIVATION, UPSAMPLING) for name in ("G", "F")}
    networks |= {name: Discriminator(DISCRIMINATOR_CHANNELS) for name in ("DX", "DY")}
    for network in networks.values():
        normal(network, random, 0.02)
    features = Features(FEATURE_CHANNELS)
    normal(features, random, None)
    inputs = choose_inputs(networks, features, random)

    trained, losses = run(networks, features, inputs, torch.float64)
    loss_rounding, rounding, travel = 0.0, 0.0, 0.0
    for seed in range(5):
        others = {name: perturbed(network, seed) for name, network in networks.items()} if seed else networks
        trained32, losses32 = run(others, features, inputs, torch.float32)
        loss_rounding = max(loss_rounding, max(abs(b[key] / a[key] - 1) for a, b in zip(losses, losses32) for key in a))
        for name, network in networks.items():
            before, after, after32 = (n.state_dict() for n in (network, trained[name], trained32[name]))
            for key in before:
                if key.endswith(".weight"):
                    rounding = max(rounding, (after32[key].double() - after[key]).abs().max().item())
                    travel = max(travel, (after[key] - before[key].double()).abs().max().item())
    print(f"trace: float32 differs by {loss_rounding:.1e} in losses (relative), {rounding:.1e} in weights, "
          f"which moved by up to {travel:.1e}")
    assert loss_rounding < 5e-5 and rounding < 1e-4
    tensors = {f"V.{key}": value.numpy() for key, value in features.state_dict().items()}
    for name, network in networks.items():
        tensors |= {f"initial.{name}.{key}": value.numpy() for key, value in network.state_dict().items()}
        tensors |= {f"final.{name}.{key}": value.numpy() for key, value in trained[name].state_dict().items()}
    for step, (x, y) in enumerate(inputs):
        tensors |= {f"x.{step}": x.numpy(), f"y.{step}": y.numpy()}
    for key in losses[0]:
        tensors[f"loss.{key}"] = numpy.array([step[key] for step in losses])
    store(directory / "trace.safetensors", tensors, {
        "format": "cyclegan-trace/1", "base-channels": str(BASE), "residual-blocks": str(BLOCKS),
        "activation": ACTIVATION, "upsampling": UPSAMPLING, "discriminator-channels": str(DISCRIMINATOR_CHANNELS),
        "features": "VGG16 to relu2_2 with 4, 4, 8, 8 channels; zero padding; input ((t + 1) / 2 - mean) / std of torchvision",
        "semantic-loss": "mean absolute difference of the features of cycled and original image, gradient through the "
                         "cycled one only; the tap is not scaled",
        "semantic-weight": "1", "lambda-cycle": "10", "lambda-identity": "0.5", "learning-rate": "0.0002",
        "betas": "0.5 0.999", "pool-size": "0", "steps": str(STEPS),
        "float32-rounding": f"losses {loss_rounding:.1e} relative, weights {rounding:.1e} of {travel:.1e} moved"})
