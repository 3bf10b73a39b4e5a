"""The shipped VGG16: Oxford's float32 weights as float16, and features by the float32 ones to hold it against.

The originals are not part of the project: $CYCLEGAN_STYLED_CORPUS/weights/vgg16-oxford-to-conv3_3.safetensors.
"""

import os
import pathlib

import numpy
import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from torch.nn import functional

NAME = "vgg16-oxford-to-conv3_3.safetensors"
STAGES = ((0, 2), (5, 7), (10, 12, 14))
MEAN = (123.68, 116.779, 103.939)
NOTICE = {
    "layers": "VGG16 to conv3_3",
    "authors": "Karen Simonyan and Andrew Zisserman, Visual Geometry Group, University of Oxford",
    "licence": "Creative Commons Attribution 4.0 International (CC BY 4.0)",
    "changes": "layers after conv3_3 left out; float32 rounded to float16",
}


def features(weights, x):
    """Of x (N, 3, H, W), RGB 0 to 255 less the mean: relu1_2, relu2_2 and relu3_3."""
    taps = []
    for stage in STAGES:
        if taps:
            x = functional.max_pool2d(x, 2)
        for layer in stage:
            x = functional.relu(functional.conv2d(
                x, weights[f"features.{layer}.weight"], weights[f"features.{layer}.bias"], padding=1))
        taps.append(x)
    return taps


def make(golden, shipped, store):
    corpus = os.environ.get("CYCLEGAN_STYLED_CORPUS")
    if not corpus:
        print("vgg16: left out, CYCLEGAN_STYLED_CORPUS is not set")
        return
    with safe_open(pathlib.Path(corpus) / "weights" / NAME, "numpy") as file:
        weights = {name: file.get_tensor(name) for name in sorted(file.keys())}
        metadata = {**file.metadata(), **NOTICE}
    shipped.mkdir(parents=True, exist_ok=True)
    half = {name: value.astype(numpy.float16) for name, value in weights.items()}
    save_file(half, shipped / NAME, metadata=metadata)
    (shipped / NAME).chmod(0o644)

    # Soft blobs of colour: smooth as photos are, with a little noise.
    random = numpy.random.RandomState(16)
    coarse = torch.tensor(random.uniform(0, 255, (1, 3, 5, 5)))
    image = functional.interpolate(coarse, (16, 16), mode="bicubic", align_corners=True)
    image = (image + torch.tensor(random.normal(0, 6, (1, 3, 16, 16)))).clamp(0, 255).round()
    x = image - torch.tensor(MEAN, dtype=torch.float64).view(1, 3, 1, 1)
    double = lambda values: {name: torch.tensor(value.astype(numpy.float64)) for name, value in values.items()}
    full, rounded = features(double(weights), x), features(double(half), x)
    for tap, a, b in zip(("relu1_2", "relu2_2", "relu3_3"), full, rounded):
        error = float((a - b).norm() / a.norm())
        print(f"vgg16 {tap}: float16 is off by {error:.1e}")
        assert error < 1e-3
    names = ("relu1_2", "relu2_2", "relu3_3")
    store(golden / "vgg16-oxford.safetensors",
          {"image": image.numpy(), **{name: value.numpy() for name, value in zip(names, full)}},
          {"source": "features by the float32 weights", "image": "RGB, 0 to 255"})
