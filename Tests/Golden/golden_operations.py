"""Single operations with their gradients, NCHW: tensors `CASE/input`, `/output`, `/doutput`, `/dinput` and so on.

The metadata has one entry a case: `key=value` pairs separated by spaces that say what was computed.
"""

import itertools

import numpy
import torch
from torch.nn import functional as F


class Collection:
    def __init__(self):
        self.tensors, self.metadata = {}, {}
        self.random = numpy.random.RandomState(7)

    def leaf(self, *shape, scale=1.0):
        """Random float32 values, in double precision for the computation."""
        values = numpy.asarray(scale * self.random.standard_normal(shape), dtype=numpy.float32)
        return torch.from_numpy(values).double().requires_grad_()

    def add(self, name, description, operation, **leaves):
        """Stores the leaves, `operation(**leaves)`, a random gradient of it and the leaves' gradients."""
        assert name not in self.metadata, name
        output = operation(**leaves)
        doutput = self.leaf(*output.shape).detach()
        output.backward(doutput)
        stored = {"output": output, "doutput": doutput}
        for key, leaf in leaves.items():
            stored |= {key: leaf, f"d{key}": leaf.grad}
        self.tensors |= {f"{name}/{key}": value.detach().numpy() for key, value in stored.items()}
        self.metadata[name] = " ".join(f"{key}={value}" for key, value in description.items())


def convolutions(out):
    def conv(kernel, stride, padding, mode, inputs, outputs, height, width, batch=1):
        def operation(input, weight, bias):
            if mode == "reflect":
                input = F.pad(input, (padding,) * 4, mode="reflect")
            return F.conv2d(input, weight, bias, stride=stride, padding=padding if mode == "zero" else 0)

        name = f"conv2d.k{kernel}s{stride}p{padding}{mode}.c{inputs}o{outputs}.h{height}w{width}"
        out.add(
            name if batch == 1 else f"{name}.n{batch}",
            dict(op="conv2d", kernel=kernel, stride=stride, padding=padding, mode=mode, input=inputs, output=outputs,
                 height=height, width=width, batch=batch),
            operation, input=out.leaf(batch, inputs, height, width),
            weight=out.leaf(outputs, inputs, kernel, kernel, scale=(inputs * kernel * kernel) ** -0.5),
            bias=out.leaf(outputs))

    for mode in ("reflect", "zero"):
        conv(3, 1, 1, mode, 5, 7, 9, 11)
        conv(3, 1, 1, mode, 1, 1, 2, 2)
        conv(3, 1, 1, mode, 17, 8, 4, 13)
        conv(3, 1, 1, mode, 40, 17, 7, 6)
        conv(3, 1, 1, mode, 8, 40, 16, 17)
        conv(3, 1, 1, mode, 3, 5, 5, 3, batch=2)
    conv(3, 1, 1, "zero", 3, 8, 1, 1)
    for inputs, outputs, height, width in ((1, 3, 2, 2), (3, 5, 9, 11), (5, 8, 8, 12), (8, 17, 1, 6), (17, 40, 7, 7)):
        conv(3, 2, 1, "zero", inputs, outputs, height, width)
    conv(3, 2, 1, "zero", 8, 5, 6, 7, batch=2)
    for inputs, outputs, height, width in ((3, 8, 4, 4), (3, 5, 11, 9), (3, 40, 12, 10), (8, 3, 7, 13), (17, 3, 5, 8),
                                           (1, 1, 6, 5)):
        conv(7, 1, 3, "reflect", inputs, outputs, height, width)
    conv(7, 1, 3, "reflect", 3, 8, 6, 5, batch=2)
    for stride in (1, 2):
        for inputs, outputs, height, width in ((3, 5, 9, 12), (1, 8, 2, 2), (8, 17, 7, 6), (17, 1, 10, 9), (40, 3, 4, 5)):
            conv(4, stride, 1, "zero", inputs, outputs, height, width)
        conv(4, stride, 1, "zero", 3, 8, 5, 6, batch=2)

    def upsampling(op, inputs, outputs, height, width, batch=1):
        if op == "conv_transpose2d":
            label, weight_shape = "k3s2p1op1", (inputs, outputs, 3, 3)
            def operation(input, weight, bias):
                return F.conv_transpose2d(input, weight, bias, stride=2, padding=1, output_padding=1)
        else:
            label, weight_shape = "k3p1reflect", (outputs, inputs, 3, 3)
            def operation(input, weight, bias):
                enlarged = F.interpolate(input, scale_factor=2, mode="nearest")
                return F.conv2d(F.pad(enlarged, (1,) * 4, mode="reflect"), weight, bias)

        name = f"{op}.{label}.c{inputs}o{outputs}.h{height}w{width}"
        out.add(
            name if batch == 1 else f"{name}.n{batch}",
            dict(op=op, kernel=3, input=inputs, output=outputs, height=height, width=width, batch=batch), operation,
            input=out.leaf(batch, inputs, height, width),
            weight=out.leaf(*weight_shape, scale=(inputs * 9) ** -0.5), bias=out.leaf(outputs))

    for op in ("conv_transpose2d", "resize_conv2d"):
        for inputs, outputs, height, width in ((1, 1, 1, 1), (5, 3, 4, 7), (8, 5, 1, 3), (17, 8, 5, 5), (40, 17, 3, 6)):
            upsampling(op, inputs, outputs, height, width)
        upsampling(op, 3, 8, 3, 4, batch=2)


def pointwise(out):
    for (name, slope), (channels, height, width, batch) in itertools.product(
            (("relu", 0.0), ("leaky-relu:0.01", 0.01), ("leaky-relu:0.2", 0.2), ("none", 1.0)),
            ((1, 3, 2, 1), (5, 9, 11, 1), (17, 8, 7, 1), (40, 2, 2, 1), (3, 6, 5, 2))):
        size = f"c{channels}.h{height}w{width}" + (f".n{batch}" if batch > 1 else "")
        description = dict(eps=1e-5, activation=name, slope=slope, channels=channels, height=height, width=width,
                           batch=batch)

        def normalised(input):
            return F.leaky_relu(F.instance_norm(input, eps=1e-5), slope)

        out.add(f"instance_norm.{name}.{size}", dict(op="instance_norm", **description), normalised,
                input=(out.leaf(batch, channels, height, width, scale=2).detach() + 3).float().double().requires_grad_())
        if name == "none":
            out.add(f"instance_norm_add.{size}", dict(op="instance_norm_add", **description),
                    lambda input, skip: skip + F.instance_norm(input, eps=1e-5),
                    input=out.leaf(batch, channels, height, width), skip=out.leaf(batch, channels, height, width))
    for channels, height, width in ((1, 1, 1), (3, 7, 5), (17, 4, 9)):
        size = f"c{channels}.h{height}w{width}"
        description = dict(channels=channels, height=height, width=width)
        out.add(f"tanh.{size}", dict(op="tanh", **description), torch.tanh,
                input=out.leaf(1, channels, height, width, scale=2))
        for slope in (0.0, 0.01, 0.2):
            out.add(f"leaky_relu.{slope}.{size}", dict(op="leaky_relu", slope=slope, **description),
                    lambda input, slope=slope: F.leaky_relu(input, slope), input=out.leaf(1, channels, height, width))
    for channels, height, width in ((1, 2, 2), (3, 7, 5), (8, 6, 8), (17, 3, 9)):
        out.add(f"max_pool2d.k2s2.c{channels}.h{height}w{width}",
                dict(op="max_pool2d", kernel=2, stride=2, channels=channels, height=height, width=width),
                lambda input: F.max_pool2d(input, 2), input=out.leaf(1, channels, height, width))


def losses(out):
    """Means over all elements; doutput is the scalar's gradient."""
    for op, function in (("l1_loss", F.l1_loss), ("mse_loss", F.mse_loss)):
        for channels, height, width in ((1, 1, 1), (3, 9, 7), (17, 5, 4)):
            predictions, targets = (out.leaf(1, channels, height, width) for _ in range(2))
            if channels == 3:
                # Where both agree the absolute value's gradient is taken as 0.
                targets.data[0, 1] = predictions.data[0, 1]
            out.add(f"{op}.c{channels}.h{height}w{width}",
                    dict(op=op, reduction="mean", channels=channels, height=height, width=width),
                    function, input=predictions, target=targets)


def adam(out):
    learning_rate, betas, steps = 2e-4, (0.5, 0.999), 5
    for size in (1, 17, 67):
        parameter = out.leaf(size, scale=0.02)
        name = f"adam.n{size}"
        out.tensors[f"{name}/parameter0"] = parameter.detach().clone().numpy()
        optimizer = torch.optim.Adam([parameter], lr=learning_rate, betas=betas)
        for step in range(1, steps + 1):
            # Gradients of very different sizes, zero among them.
            gradient = out.leaf(size).detach() * torch.from_numpy(10.0 ** -out.random.randint(0, 7, size))
            gradient[::5] = 0
            parameter.grad = gradient.float().double()
            optimizer.step()
            out.tensors[f"{name}/gradient{step}"] = parameter.grad.numpy()
            out.tensors[f"{name}/parameter{step}"] = parameter.detach().clone().numpy()
        out.metadata[name] = (f"op=adam learning-rate={learning_rate} beta1={betas[0]} beta2={betas[1]} eps=1e-08 "
                              f"steps={steps} size={size}")


def make(directory, store):
    out = Collection()
    for part in (convolutions, pointwise, losses, adam):
        part(out)
    store(directory / "ops.safetensors", out.tensors, out.metadata)
