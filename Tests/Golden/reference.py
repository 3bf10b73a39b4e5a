"""The networks, losses and training step of the hybrid CycleGAN in plain PyTorch.

The golden files (make_golden.py) and the comparison of speeds (docs/benchmarks/peers.py) stand on this one module.
Layers are numbered as in the original project's nn.Sequential, so state-dict keys are the keys of model files.
"""

import torch
from torch import nn
from torch.nn import functional as F

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def instance_norm(channels):
    return nn.InstanceNorm2d(channels, eps=1e-5, affine=False, track_running_stats=False)


def activation(name):
    """`relu` or `leaky-relu:SLOPE`, as in model files."""
    if name == "relu":
        return nn.ReLU()
    kind, slope = name.split(":")
    assert kind == "leaky-relu", name
    return nn.LeakyReLU(float(slope))


class ResidualBlock(nn.Module):
    def __init__(self, channels, activation_name, dropout=False):
        super().__init__()
        layers = [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), instance_norm(channels),
                  activation(activation_name)]
        if dropout:
            layers.append(nn.Dropout(0.5))
        layers += [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), instance_norm(channels)]
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv_block(x)


class Generator(nn.Module):
    def __init__(self, base_channels=64, residual_blocks=9, activation_name="relu", upsampling="transposed",
                 dropout=False):
        super().__init__()
        b = base_channels
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, b, 7), instance_norm(b), activation(activation_name)]
        for factor in (1, 2):
            layers += [nn.Conv2d(b * factor, 2 * b * factor, 3, stride=2, padding=1), instance_norm(2 * b * factor),
                       activation(activation_name)]
        layers += [ResidualBlock(4 * b, activation_name, dropout) for _ in range(residual_blocks)]
        for factor in (4, 2):
            inputs, outputs = b * factor, b * factor // 2
            if upsampling == "transposed":
                layers.append(nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=1))
            else:
                assert upsampling == "resize", upsampling
                layers += [nn.Upsample(scale_factor=2, mode="nearest"), nn.ReflectionPad2d(1),
                           nn.Conv2d(inputs, outputs, 3)]
            layers += [instance_norm(outputs), activation(activation_name)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(b, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x)


class Discriminator(nn.Module):
    """The PatchGAN of three strided layers (receptive field 70x70); no sigmoid."""

    def __init__(self, base_channels=64):
        super().__init__()
        c = base_channels
        layers = [nn.Conv2d(3, c, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for inputs, outputs, stride in ((c, 2 * c, 2), (2 * c, 4 * c, 2), (4 * c, 8 * c, 1)):
            layers += [nn.Conv2d(inputs, outputs, 4, stride=stride, padding=1), instance_norm(outputs),
                       nn.LeakyReLU(0.2)]
        layers.append(nn.Conv2d(8 * c, 1, 4, stride=1, padding=1))
        self.model = nn.Sequential(*layers)

    def forward(self, x):
        return self.model(x)


class Features(nn.Module):
    """VGG16's layers up to a tap; `channels` lists the convolutions' widths, 0 a 2x2 max pool. Input in [-1, 1]."""

    RELU2_2 = (64, 64, 0, 128, 128)
    RELU3_3 = (64, 64, 0, 128, 128, 0, 256, 256, 256)

    def __init__(self, channels=RELU3_3):
        super().__init__()
        layers, inputs = [], 3
        for outputs in channels:
            if outputs == 0:
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
                inputs = outputs
        self.features = nn.Sequential(*layers)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, x):
        return self.features(((x + 1) / 2 - self.mean) / self.std)


def pad_to_grid(x):
    """Right and bottom to a multiple of 4 and to at least 8: by reflection, or where a side is too short for that by
    repeating the edge."""
    for axis in (3, 2):
        size = x.shape[axis]
        target = max(8, (size + 3) // 4 * 4)
        padding = (0, target - size, 0, 0) if axis == 3 else (0, 0, 0, target - size)
        if target != size:
            x = F.pad(x, padding, mode="reflect" if target - size < size else "replicate")
    return x


def translate(generator, x):
    """The generator on an image of any size: padded to the grid, cropped back."""
    return generator(pad_to_grid(x))[:, :, : x.shape[2], : x.shape[3]]


class HybridTraining:
    """One training step of the hybrid, image pools left out (size 0): G maps x to y, DY judges y; F and DX the reverse."""

    def __init__(self, g, f, dx, dy, features, lambda_cycle=10.0, lambda_identity=0.5, semantic_weight=1.0,
                 learning_rate=2e-4, betas=(0.5, 0.999)):
        self.g, self.f, self.dx, self.dy, self.features = g, f, dx, dy, features
        self.lambda_cycle, self.lambda_identity = lambda_cycle, lambda_identity
        self.semantic_weight = semantic_weight
        self.features.requires_grad_(False)
        self.generator_optimizer = torch.optim.Adam([*g.parameters(), *f.parameters()], lr=learning_rate, betas=betas)
        self.discriminator_optimizer = torch.optim.Adam(
            [*dx.parameters(), *dy.parameters()], lr=learning_rate, betas=betas)

    @staticmethod
    def judged_as(judgement, target):
        return F.mse_loss(judgement, torch.full_like(judgement, target))

    def semantic(self, reconstruction, original):
        with torch.no_grad():
            wanted = self.features(original)
        return F.l1_loss(self.features(reconstruction), wanted)

    def step(self, x, y):
        """Returns the losses before the update, unweighted but for `generators`, which is what is minimised."""
        g, f, dx, dy = self.g, self.f, self.dx, self.dy
        fake_y = g(x)
        cycled_x = f(fake_y)
        fake_x = f(y)
        cycled_y = g(fake_x)

        dx.requires_grad_(False)
        dy.requires_grad_(False)
        losses = {
            "adversarial.G": self.judged_as(dy(fake_y), 1.0),
            "adversarial.F": self.judged_as(dx(fake_x), 1.0),
            "cycle.x": F.l1_loss(cycled_x, x),
            "cycle.y": F.l1_loss(cycled_y, y),
            "identity.x": F.l1_loss(f(x), x),
            "identity.y": F.l1_loss(g(y), y),
            "semantic.x": self.semantic(cycled_x, x),
            "semantic.y": self.semantic(cycled_y, y),
        }
        losses["generators"] = (
            losses["adversarial.G"] + losses["adversarial.F"]
            + self.lambda_cycle * (losses["cycle.x"] + losses["cycle.y"])
            + self.lambda_cycle * self.lambda_identity * (losses["identity.x"] + losses["identity.y"])
            + self.semantic_weight * (losses["semantic.x"] + losses["semantic.y"]))
        self.generator_optimizer.zero_grad()
        losses["generators"].backward()
        self.generator_optimizer.step()

        dx.requires_grad_(True)
        dy.requires_grad_(True)
        self.discriminator_optimizer.zero_grad()
        for key, judge, real, fake in (("discriminator.x", dx, x, fake_x), ("discriminator.y", dy, y, fake_y)):
            losses[key] = 0.5 * (self.judged_as(judge(real), 1.0) + self.judged_as(judge(fake.detach()), 0.0))
            losses[key].backward()
        self.discriminator_optimizer.step()
        return {key: loss.item() for key, loss in losses.items()}
