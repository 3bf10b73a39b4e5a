"""The network and the distances of pytorch-fid and clean-fid on pictures and weights that both sides make from numbers.

    CYCLEGAN_STYLED_CORPUS=FOLDER python3 Tests/Golden/make_golden.py inception

Needs pytorch-fid and clean-fid too. FOLDER holds `weights/inception-2015-12-05-to-mixed_6e.safetensors`, `photos` and
`paintings`; without it, only the file of the random weights is written.

Pictures, and the weights of a network of full size, come from SplitMix64 by integers alone
(`InceptionGoldenInputs.swift` has the same), so that no large file is needed: value i of a seed is
mix(seed + (i + 1) * golden ratio).

`inception-random.safetensors`: weights from numbers, all four dimensions. `inception-real.safetensors`: the real
weights, up to Mixed_6e. Tensors: `MODE.features.DIMS` of the first pictures, `MODE.SET.fid.DIMS` and
`MODE.SET.kid.DIMS`, where MODE is `pytorch-fid` or `clean-fid`, and SET is `made` (pictures from numbers) or `corpus`
(the first photos and paintings of FOLDER, by name).
"""

import os
import pathlib
import warnings

import numpy
import torch

GOLDEN = 0x9E3779B97F4A7C15
PICTURES = 80     # of each side
DESCRIBED = 3     # whose features are stored
RANDOM_PICTURES = 24
DIMS = {64: 0, 192: 1, 768: 2, 2048: 3}


def mix(z):
    z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return z ^ (z >> numpy.uint64(31))


def numbers(seed, index):
    """Value i of a seed, for an array (or one) of i."""
    with numpy.errstate(over="ignore"):
        index = numpy.asarray(index).astype(numpy.uint64)
        return mix(numpy.uint64(seed) + (index + numpy.uint64(1)) * numpy.uint64(GOLDEN))


def fingerprint(text):
    """FNV-1a."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def picture(collection, number):
    """(H, W, 3), 8 bits: ramps, tiles and grain; sides of 96 to 159. Collection 1 or 2."""
    seed = numbers(collection, number)
    p = [int(v) for v in numbers(seed, numpy.arange(16))]
    height, width, size = 96 + p[9] % 64, 96 + p[10] % 64, 4 + p[11] % 13
    y, x = numpy.mgrid[0:height, 0:width]
    tiles = numbers(seed, 1000 + y // size * 64 + x // size)
    grain = numbers(seed, 100_000 + y * width + x)
    planes = []
    for c in range(3):
        ramp = (p[c] & 255) + (((p[3 + c] % 32 - 16) * x + (p[6 + c] % 32 - 16) * y) >> 3)
        shift = numpy.uint64(8 * c)
        tile, speck = ((source >> shift).astype(numpy.int64) for source in (tiles, grain))
        planes.append(ramp + (tile & 127) - 64 + (speck & 15))
    values = numpy.clip(numpy.stack(planes, 2), 0, 255)
    # The second collection has less contrast: two collections of one kind have a KID of about 0, which tests nothing.
    return (values if collection == 1 else values * 3 // 8 + 90).astype(numpy.uint8)


def random_state(network):
    """Weights that keep the size of what flows through."""
    state = {}
    for key, tensor in network.state_dict().items():
        if key.endswith("num_batches_tracked") or key.startswith("fc."):
            continue
        shape = tuple(tensor.shape)
        drawn = numbers(fingerprint(key), numpy.arange(tensor.numel())) >> numpy.uint64(40)
        u = drawn.astype(numpy.float64) * 2 ** -23 - 1
        if key.endswith("conv.weight"):
            values = u * (6 / numpy.prod(shape[1:])) ** 0.5
        elif key.endswith("bn.weight"):
            values = 1 + 0.25 * u
        elif key.endswith("running_var"):
            values = 1 + 0.5 * u
        else:
            values = 0.1 * u
        state[key] = torch.from_numpy(values.astype(numpy.float32).reshape(shape))
    return state


def network(state, deepest):
    """pytorch-fid's own network with these weights instead of the downloaded ones."""
    import torchvision
    from pytorch_fid import inception

    made = []
    inception.load_state_dict_from_url = lambda *arguments, **named: {}
    original = torchvision.models.Inception3.load_state_dict

    def load(self, _):
        values = state(self) if callable(state) else state
        result = original(self, {**{k: v for k, v in self.state_dict().items() if k not in values}, **values})
        made.append(len(values))
        return result

    torchvision.models.Inception3.load_state_dict = load
    try:
        net = inception.InceptionV3([block for block in DIMS.values() if block <= deepest])
    finally:
        torchvision.models.Inception3.load_state_dict = original
    print(f"{made[0]} tensors set")
    return net.eval()


def prepared(image, mode):
    """As the packages read a file: (3, 299, 299) for clean-fid, in [0, 1] of any size for pytorch-fid."""
    if mode == "pytorch-fid":
        return torch.from_numpy(image.astype(numpy.float32).transpose(2, 0, 1)) / 255
    from cleanfid.resize import build_resizer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.from_numpy(build_resizer("clean")(image).transpose(2, 0, 1))


def features(net, images, mode):
    """For each dimension (N, D), float64 from float32, as pytorch-fid's `get_activations` keeps them."""
    result = {dims: [] for dims, block in DIMS.items() if block in net.output_blocks}
    with torch.inference_mode():
        for image in images:
            x = prepared(image, mode)[None]
            if mode == "clean-fid":
                # What clean-fid's network takes is (x - 128) / 128; ours scales [0, 1] to [-1, 1] first.
                x = ((x - 128) / 128 + 1) / 2
            for dims, maps in zip(result, net(x)):
                pooled = torch.nn.functional.adaptive_avg_pool2d(maps, (1, 1)) if maps.shape[2] != 1 else maps
                result[dims].append(pooled[0, :, 0, 0].numpy().astype(numpy.float64))
    return {dims: numpy.stack(rows) for dims, rows in result.items()}


def frechet(a, b):
    from pytorch_fid.fid_score import calculate_frechet_distance

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = calculate_frechet_distance(
            a.mean(0), numpy.cov(a, rowvar=False), b.mean(0), numpy.cov(b, rowvar=False))
    A, B = ((v - v.mean(0)) / (len(v) - 1) ** 0.5 for v in (a, b))
    root = numpy.linalg.svd(A @ B.T, compute_uv=False).sum()
    return theirs, ((a.mean(0) - b.mean(0)) ** 2).sum() + (A ** 2).sum() + (B ** 2).sum() - 2 * root


def distances(out, net, mode, name, left, right):
    from cleanfid.fid import kernel_distance

    a, b = features(net, left, mode), features(net, right, mode)
    for dims in a:
        fid, exact = frechet(a[dims], b[dims])
        # All pictures in each subset: the subsets do not differ.
        kid = kernel_distance(a[dims], b[dims], num_subsets=1)
        print(f"{mode} {name} {dims}: FID {fid:.6f} (nuclear norm: off by {abs(fid / exact - 1):.1e}), KID {kid:.6f}")
        out |= {f"{mode}.{name}.fid.{dims}": fid, f"{mode}.{name}.kid.{dims}": kid}
        if name == "made":
            out[f"{mode}.features.{dims}"] = a[dims][:DESCRIBED]


def corpus():
    return pathlib.Path(os.environ["CYCLEGAN_STYLED_CORPUS"]) if "CYCLEGAN_STYLED_CORPUS" in os.environ else None


def files(folder):
    from PIL import Image

    names = sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png"))[:PICTURES]
    return [numpy.asarray(Image.open(path).convert("RGB")) for path in names]


def make(directory, store):
    torch.set_num_threads(2)
    left, right = ([picture(side, i) for i in range(PICTURES)] for side in (1, 2))
    out, net = {}, network(random_state, 3)
    for mode in ("pytorch-fid", "clean-fid"):
        distances(out, net, mode, "made", left[:RANDOM_PICTURES], right[:RANDOM_PICTURES])
    about = {"pictures": str(RANDOM_PICTURES), "corpus-pictures": str(PICTURES)}
    store(directory / "inception-random.safetensors", out, about)
    folder = corpus()
    if folder is None:
        print("CYCLEGAN_STYLED_CORPUS is not set: inception-real.safetensors is not written")
        return
    from safetensors.torch import load_file

    out, net = {}, network(load_file(folder / "weights/inception-2015-12-05-to-mixed_6e.safetensors"), 2)
    for mode in ("pytorch-fid", "clean-fid"):
        distances(out, net, mode, "made", left[:RANDOM_PICTURES], right[:RANDOM_PICTURES])
        distances(out, net, mode, "corpus", files(folder / "photos"), files(folder / "paintings"))
    store(directory / "inception-real.safetensors", out, about)
