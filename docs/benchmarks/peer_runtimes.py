"""One function a runtime: from a prepared directory and a thread count to a callable that translates the input once.

The callable returns the output as a numpy array of shape (3, H, W); everything that can be done once is done before.
"""

import json

import numpy


def settings(directory):
    return json.loads((directory / "settings.json").read_text())


def picture(directory):
    return numpy.load(directory / "input.npy")


def pytorch(directory, threads):
    import torch
    from reference import Generator

    torch.set_num_threads(threads)
    s = settings(directory)
    generator = Generator(s["base_channels"], s["residual_blocks"], s["activation"], s["upsampling"]).eval()
    generator.load_state_dict(torch.load(directory / "generator.pth", weights_only=True))
    image = torch.from_numpy(picture(directory))

    def run():
        with torch.inference_mode():
            return generator(image)[0].numpy()

    return run


def onnxruntime(directory, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(directory / "generator.onnx", options, providers=["CPUExecutionProvider"])
    image = picture(directory)
    return lambda: session.run(None, {"input": image})[0][0]


def openvino(directory, threads):
    import openvino

    compiled = openvino.Core().compile_model(
        openvino.Core().read_model(directory / "generator.onnx"), "CPU",
        {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    image = picture(directory)
    return lambda: request.infer([image])[0][0]


def ncnn(directory, threads):
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = threads
    assert net.load_param(str(directory / "generator.param")) == 0
    assert net.load_model(str(directory / "generator.bin")) == 0
    borrowed = picture(directory)[0]  # a Mat borrows the array's memory, so the array must live as long
    image = ncnn.Mat(borrowed)
    output = (directory / "output-name").read_text()

    def run():
        extractor = net.create_extractor()
        extractor.input("input", image)
        result, mat = extractor.extract(output)
        assert result == 0 and borrowed is not None
        return numpy.array(mat)

    return run


def mnn(directory, threads):
    import MNN

    interpreter = MNN.Interpreter(str(directory / "generator.mnn"))
    session = interpreter.createSession({"backend": "CPU", "numThread": threads})
    image = picture(directory)
    feed = MNN.Tensor(image.shape, MNN.Halide_Type_Float, image, MNN.Tensor_DimensionType_Caffe)
    shape = (1, *image.shape[1:])

    def run():
        interpreter.getSessionInput(session).copyFrom(feed)
        interpreter.runSession(session)
        result = MNN.Tensor(shape, MNN.Halide_Type_Float, numpy.zeros(shape, numpy.float32), MNN.Tensor_DimensionType_Caffe)
        interpreter.getSessionOutput(session).copyToHostTensor(result)
        return numpy.array(result.getNumpyData()).reshape(shape)[0]

    return run


RUNTIMES = {"PyTorch": pytorch, "ONNX Runtime": onnxruntime, "OpenVINO": openvino, "ncnn": ncnn, "MNN": mnn}
