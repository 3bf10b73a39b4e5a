"""Writes the golden files that the tests hold the Swift code against. Needs torch, numpy and safetensors:

    python3 Tests/Golden/make_golden.py

Everything is computed in double precision from float32 weights and inputs and then stored as float32, so that the files
hold the true values; for networks the script checks that float32 arithmetic comes close enough to be tested at all.
Random numbers come from numpy's legacy generator with fixed seeds: the inputs do not depend on PyTorch's version.
"""

import pathlib
import sys

import numpy
import torch
from safetensors.numpy import save_file

sys.dont_write_bytecode = True
import golden_checkpoints
import golden_generators
import golden_inception
import golden_operations
import golden_painterly
import golden_trace
import golden_vgg16

TESTS = pathlib.Path(__file__).resolve().parent.parent


def store(path, tensors, metadata):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: numpy.array(value, dtype=numpy.float32, order="C") for name, value in tensors.items()},
              path, metadata={"torch": torch.__version__, **metadata})
    path.chmod(0o644)
    print(f"{path.relative_to(TESTS)}: {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    print("PyTorch", torch.__version__)
    torch.set_num_threads(1)
    parts = {
        "generators": lambda: golden_generators.make(TESTS / "NetworksTests/golden", store),
        "operations": lambda: golden_operations.make(TESTS / "TensorsTests/golden", store),
        "painterly": lambda: golden_painterly.make(TESTS / "TensorsTests/golden", store),
        "trace": lambda: golden_trace.make(TESTS / "CycleGANTests/golden", store),
        "inception": lambda: golden_inception.make(TESTS / "EvaluationTests/golden", store),
        "checkpoints": lambda: golden_checkpoints.make(TESTS / "WeightsTests/files", store),
        "vgg16": lambda: golden_vgg16.make(
            TESTS / "NetworksTests/golden", TESTS.parent / "Sources/Installation/shipped", store),
    }
    for name in sys.argv[1:] or parts:
        parts[name]()
