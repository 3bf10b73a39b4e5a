"""Times the generator, or a training step, in other runtimes and in this project's program: same weights, same input.

    pip install torch onnx onnxruntime openvino ncnn MNN numpy safetensors
    python3 docs/benchmarks/peers.py --size 256x256 --threads 2 --ours .build/release/cyclegan-style
    python3 docs/benchmarks/peers.py --training --base-channels 32 --residual-blocks 6 --upsampling resize --size 128x128

Every runtime runs in a process of its own (peak memory is that process's, Python included), after two warm-up runs, in
several rounds that alternate between the runtimes, so that a busy minute of the machine does not hit one of them alone.
Prints JSON, then a Markdown table. The error is the largest difference from PyTorch in double precision, on [-1, 1].
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "Tests/Golden")]

WARM_UP = 2


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--base-channels", type=int, default=64)
    parser.add_argument("--residual-blocks", type=int, default=9)
    parser.add_argument("--upsampling", choices=("transposed", "resize"), default="transposed")
    parser.add_argument("--activation", default="leaky-relu:0.01")
    parser.add_argument("--size", default="256x256", help="width x height, multiples of 4; of the crops with --training")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5, help="timed runs in each round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--runtimes", help="a comma-separated choice; all by default")
    parser.add_argument("--ours", help="the cyclegan-style program, timed with its own `bench`")
    parser.add_argument("--training", action="store_true", help="a full training step of the hybrid instead of inference")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=pathlib.Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def size_of(options):
    width, height = map(int, options.size.split("x"))
    return width, height


def peak_bytes():
    """The kernel's high-water mark of this program; getrusage would count the parent's before exec."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def prepare(options):
    import numpy
    import torch
    from safetensors.numpy import save_file

    import peer_models
    from reference import Generator

    width, height = size_of(options)
    torch.manual_seed(1)
    generator = Generator(options.base_channels, options.residual_blocks, options.activation, options.upsampling)
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, 0, 0.02)
    image = numpy.random.RandomState(1).uniform(-1, 1, (1, 3, height, width)).astype(numpy.float32)
    directory = options.directory
    torch.save(generator.state_dict(), directory / "generator.pth")
    numpy.save(directory / "input.npy", image)
    save_file({"input": image}, directory / "input.safetensors")
    save_file({key: value.numpy() for key, value in generator.state_dict().items()}, directory / "generator.safetensors", {
        "format": "cyclegan-generator/1", "base-channels": str(options.base_channels),
        "residual-blocks": str(options.residual_blocks), "activation": options.activation,
        "upsampling": options.upsampling})
    (directory / "settings.json").write_text(json.dumps(vars(options), default=str))
    peer_models.write_onnx(generator, width, height, directory / "generator.onnx")
    peer_models.write_ncnn(generator, directory)
    with torch.no_grad():
        numpy.save(directory / "expected.npy", generator.double()(torch.from_numpy(image).double())[0].numpy())
    convert_to_mnn(directory)
    return {}


def convert_to_mnn(directory):
    """Calls the converter itself: its program `mnnconvert` installs a package for usage statistics with pip when it starts."""
    import MNN  # noqa: F401: loads the libraries that the converter needs
    import _tools

    # The converter reports on the standard output, which is for the result.
    quiet, stdout = os.open(os.devnull, os.O_WRONLY), os.dup(1)
    os.dup2(quiet, 1)
    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", str(directory / "generator.onnx"), "--MNNModel",
                       str(directory / "generator.mnn"), "--bizCode", "x"])
    os.dup2(stdout, 1)
    assert (directory / "generator.mnn").exists()


def timed(run, repeat):
    for _ in range(WARM_UP):
        output = run()
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        output = run()
        seconds.append(time.perf_counter() - start)
    return seconds, output


def infer(options):
    import numpy

    from peer_runtimes import RUNTIMES

    seconds, output = timed(RUNTIMES[options.worker](options.directory, options.threads), options.repeat)
    peak = peak_bytes()
    error = float(numpy.abs(output - numpy.load(options.directory / "expected.npy")).max())
    return {"seconds": seconds, "peak-rss-bytes": peak, "maximum-error": error}


def train(options):
    """Both generators, discriminators of 64 channels, cycle, identity and semantic loss at relu3_3, Adam."""
    import torch

    from reference import Discriminator, Features, Generator, HybridTraining

    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    width, height = size_of(options)
    generators = [Generator(options.base_channels, options.residual_blocks, options.activation, options.upsampling)
                  for _ in range(2)]
    training = HybridTraining(*generators, Discriminator(64), Discriminator(64), Features(Features.RELU3_3))
    x, y = (torch.rand(1, 3, height, width) * 2 - 1 for _ in range(2))
    seconds, _ = timed(lambda: training.step(x, y), options.repeat)
    return {"seconds": seconds, "peak-rss-bytes": peak_bytes()}


def worker(options, name, directory):
    command = [sys.executable, __file__, "--worker", name, "--directory", directory, "--activation", options.activation]
    for key in ("base_channels", "residual_blocks", "upsampling", "size", "threads", "repeat"):
        command += ["--" + key.replace("_", "-"), str(getattr(options, key))]
    if options.training:
        command.append("--training")
    environment = os.environ | {"OMP_NUM_THREADS": str(options.threads)}
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment, text=True).stdout
    return json.loads(output.splitlines()[-1])


def ours(options, directory):
    command = [options.ours, "bench", "training" if options.training else "inference"]
    for key in ("threads", "repeat"):
        command += ["--" + key, str(getattr(options, key))]
    if options.training:
        for key in ("base_channels", "residual_blocks", "upsampling"):
            command += ["--" + key.replace("_", "-"), str(getattr(options, key))]
        command += ["--crop-size", str(size_of(options)[0])]
    else:
        command += ["--model", f"{directory}/generator.safetensors", "--input", f"{directory}/input.safetensors",
                    "--output", f"{directory}/ours.safetensors"]
    result = json.loads(subprocess.run([*command, "--json"], check=True, stdout=subprocess.PIPE, text=True).stdout)
    result = {"seconds": [result["best-seconds"], result["median-seconds"]], "median": result["median-seconds"],
              "peak-rss-bytes": result["peak-rss-bytes"], "kernels": result["kernels"]}
    if not options.training:
        # In a process of its own, as this one imports nothing that a peer could profit from.
        result |= worker(options, "compare", directory)
    return result


def compare(options):
    import numpy
    from safetensors.numpy import load_file

    output = load_file(options.directory / "ours.safetensors")["output"][0]
    return {"maximum-error": float(numpy.abs(output - numpy.load(options.directory / "expected.npy")).max())}


def summary(rounds):
    seconds = [value for one in rounds for value in one["seconds"]]
    medians = [one["median"] for one in rounds if "median" in one]
    result = {"best-seconds": min(seconds), "median-seconds": statistics.median(medians or seconds),
              "peak-rss-bytes": max(one["peak-rss-bytes"] for one in rounds)}
    for key in ("maximum-error", "kernels"):
        if key in rounds[0]:
            result[key] = rounds[0][key]
    return result


def processor():
    with open("/proc/cpuinfo") as info:
        return next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), platform.machine())


def versions(names):
    from importlib.metadata import version

    packages = {"PyTorch": "torch", "ONNX Runtime": "onnxruntime", "OpenVINO": "openvino", "ncnn": "ncnn", "MNN": "MNN"}
    return {name: version(packages[name]) for name in names if name in packages}


def table(results):
    fastest_peer = min(one["best-seconds"] for name, one in results.items() if name != "cyclegan-style")
    lines = ["| runtime | best, s | median, s | against the fastest peer | peak memory, MB | maximum error |",
             "|---|---|---|---|---|---|"]
    for name, one in results.items():
        error = f"{one['maximum-error']:.1e}" if "maximum-error" in one else ""
        lines.append(f"| {name} | {one['best-seconds']:.3f} | {one['median-seconds']:.3f} | "
                     f"{fastest_peer / one['best-seconds']:.2f} | {one['peak-rss-bytes'] / 1e6:.0f} | {error} |")
    return "\n".join(lines)


def main():
    options = arguments()
    if options.worker:
        jobs = {"prepare": prepare, "compare": compare}
        result = jobs.get(options.worker, train if options.training else infer)(options)
        print(json.dumps(result))
        return
    names = ["PyTorch"] if options.training else ["PyTorch", "ONNX Runtime", "OpenVINO", "ncnn", "MNN"]
    if options.runtimes:
        names = options.runtimes.split(",")
    rounds = {name: [] for name in names + (["cyclegan-style"] if options.ours else [])}
    with tempfile.TemporaryDirectory() as directory:
        if not options.training:
            worker(options, "prepare", directory)
        for _ in range(options.rounds):
            for name in rounds:
                rounds[name].append(ours(options, directory) if name == "cyclegan-style" else worker(options, name, directory))
    results = {name: summary(one) for name, one in rounds.items()}
    keys = ("base_channels", "residual_blocks", "upsampling", "activation", "size", "threads", "repeat", "rounds")
    print(json.dumps({
        "what": "training" if options.training else "inference",
        **{key.replace("_", "-"): getattr(options, key) for key in keys},
        "processor": processor(), "versions": versions(names), "results": results}, indent=2))
    print(table(results))


if __name__ == "__main__":
    main()
