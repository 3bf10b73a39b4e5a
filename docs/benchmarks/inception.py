"""Times a 299x299 image through the Inception network of the FID, whole, in PyTorch and in this project's program.

    pip install torch torchvision pytorch-fid numpy safetensors
    python3 docs/benchmarks/inception.py --threads 2 --ours .build/release/cyclegan-style

Same weights, same input, in turns in processes of their own, after two runs to warm up. The weights are random (those
of Tests/Golden/golden_inception.py), of a size that keeps what flows through the network far from zero: denormal
numbers would make PyTorch forty times as slow. Prints a Markdown table. The error is the largest difference from
PyTorch in double precision, by the largest feature.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "Tests/Golden")]

WARM_UP = 2


def prepare(directory):
    import numpy
    import torch
    import torchvision
    from safetensors.numpy import save_file

    import golden_inception

    network = golden_inception.network(golden_inception.random_state, 3)
    # With the keys of the file, which pytorch-fid's blocks do not have any more.
    whole = torchvision.models.Inception3(num_classes=1008, aux_logits=False, init_weights=False)
    weights = {key: value.numpy() for key, value in golden_inception.random_state(whole).items()}
    save_file(weights, directory / "weights.safetensors")
    x = numpy.random.RandomState(1).uniform(-1, 1, (1, 3, 299, 299)).astype(numpy.float32)
    save_file({"input": numpy.ascontiguousarray(x.transpose(0, 2, 3, 1))}, directory / "input.safetensors")
    numpy.save(directory / "input.npy", x)
    with torch.inference_mode():
        y = network.double()((torch.from_numpy(x).double() + 1) / 2)[3]
    numpy.save(directory / "expected.npy", y.numpy().reshape(-1))
    return {}


def pytorch(directory, threads, repeat):
    import numpy
    import torch

    import golden_inception

    torch.set_num_threads(threads)
    network = golden_inception.network(golden_inception.random_state, 3)
    network.output_blocks, network.resize_input = [3], False
    x = (torch.from_numpy(numpy.load(directory / "input.npy")) + 1) / 2
    seconds = []
    with torch.inference_mode():
        for run in range(WARM_UP + repeat):
            start = time.perf_counter()
            y = network(x)[0]
            if run >= WARM_UP:
                seconds.append(time.perf_counter() - start)
    return {"seconds": seconds, "error": error(directory, y.numpy().reshape(-1)), "version": torch.__version__}


def error(directory, features):
    import numpy

    expected = numpy.load(directory / "expected.npy")
    return float(numpy.abs(features - expected).max() / numpy.abs(expected).max())


def compare(directory):
    from safetensors.numpy import load_file

    return {"error": error(directory, load_file(directory / "ours.safetensors")["output"].reshape(-1))}


def worker(options, name, directory):
    command = [sys.executable, __file__, "--worker", name, "--directory", directory]
    command += ["--threads", str(options.threads), "--repeat", str(options.repeat)]
    environment = os.environ | {"OMP_NUM_THREADS": str(options.threads)}
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment, text=True).stdout
    return json.loads(output.splitlines()[-1])


def ours(options, directory):
    command = [options.ours, "bench", "inception", "--json", "--threads", str(options.threads), "--repeat",
               str(options.repeat), "--features", f"{directory}/weights.safetensors", "--input",
               f"{directory}/input.safetensors", "--output", f"{directory}/ours.safetensors"]
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return result | worker(options, "compare", directory)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=10, help="timed runs in each round")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--ours", help="the cyclegan-style program")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        jobs = {"prepare": lambda: prepare(options.directory), "compare": lambda: compare(options.directory),
                "PyTorch": lambda: pytorch(options.directory, options.threads, options.repeat)}
        print(json.dumps(jobs[options.worker]()))
        return
    rounds = {"PyTorch": [], "cyclegan-style": []}
    with tempfile.TemporaryDirectory() as directory:
        worker(options, "prepare", directory)
        for _ in range(options.rounds):
            rounds["PyTorch"].append(worker(options, "PyTorch", directory))
            rounds["cyclegan-style"].append(ours(options, directory))
    print("PyTorch", rounds["PyTorch"][0]["version"])
    seconds = {name: [s for one in results for s in one["seconds"]] for name, results in rounds.items()}
    best, median = ({name: f(values) for name, values in seconds.items()} for f in (min, statistics.median))
    print("| runtime | best, ms | median, ms | best against PyTorch | median against PyTorch | error |")
    print("|---|---|---|---|---|---|")
    for name in rounds:
        print(f"| {name} | {best[name] * 1000:.1f} | {median[name] * 1000:.1f} | {best['PyTorch'] / best[name]:.2f} | "
              f"{median['PyTorch'] / median[name]:.2f} | {max(one['error'] for one in rounds[name]):.1e} |")


if __name__ == "__main__":
    main()
