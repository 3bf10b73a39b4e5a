"""Trains the same hybrid CycleGAN in PyTorch and in this project's program, from the same weights on the same pairs of images,
and compares the curves of the losses.

    pip install torch pillow numpy safetensors
    python3 docs/benchmarks/training_curve.py pytorch --out DIR --photos DIR --paintings DIR --feature-weights FILE
    python3 docs/benchmarks/training_curve.py ours --out DIR --ours .build/release/cyclegan-style
    python3 docs/benchmarks/training_curve.py compare --out DIR

The first step writes everything that the second one starts from: the initial weights, the data order, the settings. Image pools
are left out on both sides: what they draw is random. Two runs of PyTorch itself drift apart too: `pytorch --again` trains with the
initial weights off by a few float32 roundings, and `compare` shows that drift beside ours.
"""

import argparse
import csv
import json
import pathlib
import random
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "Tests/Golden"))

SCALE_PHOTOS = 8  # of a run's first photos, over which the program takes the mean feature
KEPT_ASIDE = 4


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    steps = parser.add_subparsers(dest="step", required=True)
    step = {name: steps.add_parser(name) for name in ("pytorch", "ours", "compare")}
    for one in step.values():
        one.add_argument("--out", type=pathlib.Path, required=True)
        one.add_argument("--threads", type=int, default=2)
    add = step["pytorch"].add_argument
    for name in ("photos", "paintings", "feature-weights"):
        add(f"--{name}", type=pathlib.Path, required=True)
    add("--iterations", type=int, default=500)
    add("--load-size", type=int, default=143)
    add("--crop-size", type=int, default=128)
    add("--base-channels", type=int, default=32)
    add("--discriminator-channels", type=int, default=64)
    add("--residual-blocks", type=int, default=6)
    add("--upsampling", default="resize", choices=("resize", "transposed"))
    add("--seed", type=int, default=1)
    add("--again", action="store_true", help="with perturbed initial weights, to see how far PyTorch drifts from itself")
    step["ours"].add_argument("--ours", required=True, help="the cyclegan-style program")
    step["compare"].add_argument("--window", type=int, default=20, help="iterations that a smoothed loss is the mean of")
    return parser.parse_args()


def choose_pairs(o):
    """(photo, painting, photo crop, painting crop) for each iteration; a crop is x, y, flip."""
    chance = random.Random(o.seed)
    names = [sorted(p.name for p in folder.iterdir()) for folder in (o.photos, o.paintings)]
    reach = o.load_size - o.crop_size
    crop = lambda: (chance.randint(0, reach), chance.randint(0, reach), chance.randint(0, 1))
    return [(chance.choice(names[0]), chance.choice(names[1]), crop(), crop()) for _ in range(o.iterations)]


def image(path, crop, load_size, crop_size):
    import numpy
    import torch
    from PIL import Image

    x, y, flip = crop
    cut = Image.open(path).convert("RGB").resize((load_size, load_size), Image.BICUBIC).crop((x, y, x + crop_size, y + crop_size))
    if flip:
        cut = cut.transpose(Image.FLIP_LEFT_RIGHT)
    return torch.from_numpy(numpy.asarray(cut, dtype=numpy.float32) / 127.5 - 1).permute(2, 0, 1)[None].contiguous()


def feature_network(path):
    """VGG16 to relu3_3, with the input scaling that the file names, not yet divided by its mean."""
    import torch
    from reference import Features
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        oxford = "123.68" in (file.metadata() or {}).get("input", "")
        network = Features()
        network.load_state_dict({key: file.get_tensor(key) for key in network.state_dict()})
    if oxford:
        network.mean = torch.tensor((123.68, 116.779, 103.939)).view(1, 3, 1, 1) / 255
        network.std = torch.full((1, 3, 1, 1), 1 / 255)
    return network


def divide_by(network, factor):
    """Features are ReLU's outputs: a last convolution divided by a factor divides them."""
    last = network.features[-2]
    last.weight.data /= factor
    last.bias.data /= factor


def train_in_pytorch(o):
    import torch
    from reference import Discriminator, Generator, HybridTraining
    from safetensors.torch import save_file

    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    activation = "leaky-relu:0.01"
    networks = {name: Generator(o.base_channels, o.residual_blocks, activation, o.upsampling) for name in ("G", "F")}
    networks |= {name: Discriminator(o.discriminator_channels) for name in ("DX", "DY")}
    for network in networks.values():
        for key, parameter in network.named_parameters():
            torch.nn.init.normal_(parameter, std=0.02) if key.endswith(".weight") else torch.nn.init.zeros_(parameter)
    pairs = choose_pairs(o)
    o.out.mkdir(parents=True, exist_ok=True)
    if o.again:
        with torch.no_grad():
            for network in networks.values():
                for parameter in network.parameters():
                    parameter *= 1 + 3e-7 * torch.randn_like(parameter)
    else:
        save_file({f"{n}.{k}": p.detach().clone() for n, network in networks.items() for k, p in network.named_parameters()},
                  o.out / "initial.safetensors")
        rows = ("\t".join((a, b, *(",".join(map(str, c)) for c in crops))) for a, b, *crops in pairs)
        (o.out / "pairs.tsv").write_text("".join(row + "\n" for row in rows))
        settings = {k.replace("_", "-"): str(v.resolve() if isinstance(v, pathlib.Path) else v) for k, v in vars(o).items()}
        for key in ("step", "out", "threads", "seed", "again"):
            del settings[key]
        (o.out / "settings.json").write_text(json.dumps(settings, indent=1))

    def load(pair):
        photo, painting, photo_crop, painting_crop = pair
        return (image(o.photos / photo, photo_crop, o.load_size, o.crop_size),
                image(o.paintings / painting, painting_crop, o.load_size, o.crop_size))

    features = feature_network(o.feature_weights)
    with torch.no_grad():
        divide_by(features, sum(features(load(pair)[0]).mean().item() for pair in pairs[:SCALE_PHOTOS]) / SCALE_PHOTOS)
    training = HybridTraining(*networks.values(), features)
    constant = o.iterations // 2
    rows = []
    for number, pair in enumerate(pairs):
        factor = 1 - max(0, number + 1 - constant) / (o.iterations - constant + 1)
        for optimizer in (training.generator_optimizer, training.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = 2e-4 * factor
        start = time.monotonic()
        losses = training.step(*load(pair))
        rows.append({"iteration": number + 1} | losses | {"seconds": time.monotonic() - start})
        if number % 20 == 19:
            print(f"{number + 1}/{o.iterations}  {sum(r['seconds'] for r in rows[-20:]) / 20:.2f} s an iteration", flush=True)
    with open(o.out / ("pytorch-again.csv" if o.again else "pytorch.csv"), "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def copy_images(o, settings):
    """The pixels that PyTorch saw, in files without a colour profile: the program converts profiles, Pillow does not. A few more
    photos are there to be kept aside."""
    from PIL import Image

    pairs = [row.split("\t") for row in (o.out / "pairs.tsv").read_text().splitlines()]
    for column, kind in enumerate(("photos", "paintings")):
        source, used = pathlib.Path(settings[kind]), {pair[column] for pair in pairs}
        spare = [p.name for p in sorted(source.iterdir()) if p.name not in used][:KEPT_ASIDE] if kind == "photos" else []
        settings[kind] = o.out / kind
        settings[kind].mkdir(exist_ok=True)
        for name in [*used, *spare]:
            image = Image.open(source / name).convert("RGB")
            Image.frombytes("RGB", image.size, image.tobytes()).save(settings[kind] / name, "PNG", compress_level=1)


def train_with_ours(o):
    settings = json.loads((o.out / "settings.json").read_text())
    copy_images(o, settings)
    settings |= {"init": o.out / "initial.safetensors", "pairs": o.out / "pairs.tsv", "run": o.out / "run", "variant": "hybrid",
                 "pool-size": 0, "threads": o.threads}
    subprocess.run([o.ours, "train", *(str(part) for k, v in settings.items() for part in (f"--{k}", v))], check=True)


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def compare(o):
    import numpy

    runs = {"ours": read(o.out / "run/losses.csv")}
    if (o.out / "pytorch-again.csv").exists():
        runs["PyTorch, perturbed"] = read(o.out / "pytorch-again.csv")
    reference = read(o.out / "pytorch.csv")
    smooth = lambda values: numpy.convolve(values, numpy.ones(o.window) / o.window, "valid")
    for name, rows in runs.items():
        count = min(len(rows), len(reference))
        seconds = [float(numpy.median([float(r["seconds"]) for r in some])) for some in (rows, reference)]
        print(f"{name} against PyTorch, {count} iterations; medians {seconds[0]:.2f} s and {seconds[1]:.2f} s an iteration; "
              f"losses smoothed over {o.window}:\n")
        print("| loss | difference at first | correlation | mean difference | largest | last quarter's means |")
        print("|---|---|---|---|---|---|")
        for key in [k for k in reference[0] if k not in ("iteration", "seconds")]:
            a, b = (numpy.array([float(r[key]) for r in some[:count]]) for some in (rows, reference))
            apart = numpy.abs(smooth(a) - smooth(b)) / smooth(b)
            last = count - count // 4
            print(f"| {key} | {abs(a[0] / b[0] - 1):.1e} | {numpy.corrcoef(smooth(a), smooth(b))[0, 1]:.4f} | {apart.mean():.1%} "
                  f"| {apart.max():.1%} | {a[last:].mean():.4f}, {b[last:].mean():.4f} |")
        print()


if __name__ == "__main__":
    options = arguments()
    {"pytorch": train_in_pytorch, "ours": train_with_ours, "compare": compare}[options.step](options)
