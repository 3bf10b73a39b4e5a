"""The reference generator in the formats of other runtimes, written layer by layer so that no exporter's choices matter."""

import numpy
import onnx
from onnx import helper, numpy_helper
from torch import nn


def steps(generator):
    """The generator as a flat list of (module, kind); a residual block is bracketed by "save" and "add"."""
    for module in generator.model:
        if hasattr(module, "conv_block"):
            yield None, "save"
            for inner in module.conv_block:
                yield inner, type(inner).__name__
            yield None, "add"
        else:
            yield module, type(module).__name__


def slope_of(module):
    return module.negative_slope if isinstance(module, nn.LeakyReLU) else 0.0


def write_onnx(generator, width, height, path):
    nodes, weights, value, saved = [], [], "input", None

    def constant(name, array):
        weights.append(numpy_helper.from_array(array, name))
        return name

    def emit(op, *inputs, **attributes):
        nonlocal value
        value = f"v{len(nodes)}"
        nodes.append(helper.make_node(op, list(inputs), [value], **attributes))

    for module, kind in steps(generator):
        name = f"w{len(nodes)}"
        if kind == "save":
            saved = value
        elif kind == "add":
            emit("Add", saved, value)
        elif kind == "ReflectionPad2d":
            left, right, top, bottom = module.padding
            pads = constant(name, numpy.array([0, 0, top, left, 0, 0, bottom, right], numpy.int64))
            emit("Pad", value, pads, mode="reflect")
        elif kind in ("Conv2d", "ConvTranspose2d"):
            weight = constant(name, module.weight.detach().numpy())
            bias = constant(name + "b", module.bias.detach().numpy())
            attributes = dict(strides=module.stride, pads=[*module.padding, *module.padding], kernel_shape=module.kernel_size)
            if kind == "ConvTranspose2d":
                attributes["output_padding"] = module.output_padding
            emit("Conv" if kind == "Conv2d" else "ConvTranspose", value, weight, bias, **attributes)
        elif kind == "InstanceNorm2d":
            scale = constant(name, numpy.ones(module.num_features, numpy.float32))
            shift = constant(name + "b", numpy.zeros(module.num_features, numpy.float32))
            emit("InstanceNormalization", value, scale, shift, epsilon=module.eps)
        elif kind in ("ReLU", "LeakyReLU"):
            emit("Relu", value) if kind == "ReLU" else emit("LeakyRelu", value, alpha=slope_of(module))
        elif kind == "Upsample":
            scales = constant(name, numpy.array([1, 1, 2, 2], numpy.float32))
            emit("Resize", value, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        else:
            assert kind == "Tanh", kind
            emit("Tanh", value)
    image = lambda name: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3, height, width])
    graph = helper.make_graph(nodes, "generator", [image("input")], [image(value)], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def write_ncnn(generator, directory):
    """generator.param and generator.bin. Weights carry a zero word that says float32; biases do not."""
    layers, value, saved = ["Input input 0 1 input"], "input", None
    blobs = 1
    with open(directory / "generator.bin", "wb") as weights:
        def emit(op, parameters, *inputs):
            nonlocal value, blobs
            inputs = inputs or (value,)
            value = f"v{len(layers)}"
            layers.append(f"{op} l{len(layers)} {len(inputs)} 1 {' '.join(inputs)} {value} {parameters}")
            blobs += 1

        for module, kind in steps(generator):
            if kind == "save":
                # A value that is used twice has to be split.
                layers.append(f"Split l{len(layers)} 1 2 {value} {value}a {value}b")
                blobs += 2
                saved, value = value + "a", value + "b"
            elif kind == "add":
                emit("BinaryOp", "0=0", saved, value)
            elif kind == "ReflectionPad2d":
                left, right, top, bottom = module.padding
                emit("Padding", f"0={top} 1={bottom} 2={left} 3={right} 4=2")
            elif kind in ("Conv2d", "ConvTranspose2d"):
                weight = module.weight.detach().numpy()
                common = f"0={module.out_channels} 1={module.kernel_size[0]} 3={module.stride[0]} 4={module.padding[0]} 5=1 6={weight.size}"
                if kind == "Conv2d":
                    emit("Convolution", common)
                else:
                    weight = weight.transpose(1, 0, 2, 3)
                    emit("Deconvolution", f"{common} 18={module.output_padding[1]} 19={module.output_padding[0]}")
                weights.write(numpy.zeros(1, numpy.uint32).tobytes())
                weights.write(numpy.ascontiguousarray(weight).tobytes())
                weights.write(module.bias.detach().numpy().tobytes())
            elif kind == "InstanceNorm2d":
                emit("InstanceNorm", f"0={module.num_features} 1={module.eps:e} 2=0")
            elif kind in ("ReLU", "LeakyReLU"):
                emit("ReLU", f"0={slope_of(module):e}")
            elif kind == "Upsample":
                emit("Interp", "0=1 1=2.0 2=2.0")
            else:
                assert kind == "Tanh", kind
                emit("TanH", "")
    text = "7767517\n" + f"{len(layers)} {blobs}\n" + "\n".join(layers) + "\n"
    (directory / "generator.param").write_text(text)
    (directory / "output-name").write_text(value)
