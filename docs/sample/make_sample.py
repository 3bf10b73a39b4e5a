"""Renders the sample photo that `make demo` translates: landscape.jpg, a lake between hills. Needs numpy and Pillow.

Everything is drawn from fixed seeds: no photograph went into it.
"""

import math
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 1200, 800
HORIZON = 398
SUN = (880, 300)
OVERSAMPLING = 2  # of what is drawn with shapes: the trees and the grass

random = np.random.RandomState(1888)
ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)


def resized(values, width, height, filter=Image.Resampling.BICUBIC):
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize((width, height), filter), np.float64)


def fractal(width, height, cell, octaves=6, gain=0.5, stretch=1.0):
    """Smooth noise of standard deviation 1: random grids of ever smaller cells, `stretch` times as wide as high."""
    total = np.zeros((height, width))
    for octave in range(octaves):
        size = max(cell / 2**octave, 1.0)
        grid = random.standard_normal((int(height / size) + 4, int(width / (size * stretch)) + 4))
        whole = resized(grid, int(grid.shape[1] * size * stretch), int(grid.shape[0] * size))
        total += gain**octave * whole[:height, :width]
    return (total - total.mean()) / total.std()


def colour(*rgb):
    """sRGB bytes to linear light: everything is mixed in linear light."""
    return (np.array(rgb, float) / 255) ** 2.2


def mix(a, b, amount):
    return a + (b - a) * np.asarray(amount)[..., None]


def smooth(low, high, values):
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def sky():
    height = np.clip(1 - ROWS / HORIZON, 0, 1)
    base = mix(colour(238, 222, 196), colour(168, 200, 226), smooth(0.0, 0.35, height))
    base = mix(base, colour(58, 112, 178), smooth(0.25, 1.1, height))
    distance = np.hypot(COLUMNS - SUN[0], (ROWS - SUN[1]) * 1.3)
    base = base + colour(255, 214, 150) * (0.55 * np.exp(-distance / 150))[..., None]

    # Clouds lie on a plane: towards the horizon they grow flat and small.
    depth = 1 / (height + 0.16)
    flat = fractal(2400, 2400, 460, octaves=9, gain=0.58)

    def on_plane(shift):
        u = ((COLUMNS - 600) * depth * 0.42 + 1200 + shift) % 2399
        v = (depth * 330 + shift * 0.4) % 2399
        return flat[v.astype(int), u.astype(int)]

    density = on_plane(0)
    cover = smooth(0.15, 1.3, density) * smooth(0.02, 0.2, height)
    # Thinner towards the sun: lit there, grey-blue on the other side.
    lit = smooth(-0.5, 0.7, density - on_plane(26)) * 0.55 + 0.45 * (1 - smooth(0.6, 2.4, density))
    cloud = mix(colour(150, 160, 182), colour(255, 250, 240), lit)
    cloud = mix(cloud, colour(255, 226, 188), 0.5 * np.exp(-distance / 320))
    return mix(base, cloud, 0.93 * cover)


def ridge(base, relief, cell, roughness, fringe):
    """A skyline: row of the hill's edge for every column; `fringe` pixels of tree tops stand on it."""
    line = base - relief * fractal(WIDTH, 8, cell, octaves=7, gain=roughness)[3]
    tops = np.abs(random.standard_normal(WIDTH))
    tops = np.convolve(tops, [0.25, 0.5, 0.25], mode="same")
    return line - fringe * tops


def hills(image):
    haze = colour(196, 208, 222)
    layers = [
        # base row, relief, cell, roughness, fringe, haze, colour in shade, colour in light
        (312, 44, 420, 0.42, 0.0, 0.60, colour(70, 88, 110), colour(128, 138, 140)),
        (340, 30, 330, 0.45, 0.4, 0.42, colour(52, 78, 84), colour(120, 140, 118)),
        (364, 20, 260, 0.45, 1.2, 0.25, colour(40, 70, 56), colour(116, 142, 84)),
        (383, 12, 210, 0.45, 2.5, 0.10, colour(30, 58, 34), colour(110, 138, 58)),
    ]
    for base, relief, cell, roughness, fringe, hazy, shade, light in layers:
        line = ridge(base, relief, cell, roughness, fringe)
        below = ROWS - line[None, :]
        folds = fractal(WIDTH, HEIGHT, 60, octaves=7, gain=0.62, stretch=1.8)
        slope = np.gradient(np.convolve(line, np.ones(25) / 25, mode="same"))
        lit = smooth(-1.3, 1.6, folds - 1.6 * slope[None, :])
        surface = mix(shade, light, lit)
        if fringe > 1:  # woods: dark speckles that thin out down the slope
            woods = fractal(WIDTH, HEIGHT, 7, octaves=3, gain=0.7)
            wooded = smooth(0.1, 0.7, fractal(WIDTH, HEIGHT, 90, octaves=4, stretch=2.5) + 0.3)
            surface = surface * (1 - 0.55 * wooded * smooth(-0.6, 1.2, woods))[..., None]
        # The air thickens towards the valley.
        veil = hazy + 0.12 * smooth(0, 60, below)
        glow = np.exp(-np.hypot(COLUMNS - SUN[0], ROWS - SUN[1]) / 330)
        air = mix(haze, colour(255, 226, 180), 0.55 * glow)
        surface = mix(surface, air, np.clip(veil, 0, 0.95))
        image = mix(image, surface, smooth(-0.7, 0.7, below))
    return image


def far_shore(image):
    """Meadow and a hedge of trees along the far bank of the lake."""
    edge = HORIZON + 2 + 1.5 * fractal(WIDTH, 8, 160, octaves=3)[3]
    meadow = mix(colour(96, 124, 44), colour(176, 176, 84), smooth(-1, 1.4, fractal(WIDTH, HEIGHT, 18, 5, 0.6, 6)))
    image = mix(image, meadow, smooth(-1, 1, ROWS - (edge - 9)[None, :]))
    for _ in range(130):
        x = random.uniform(-20, WIDTH + 20)
        if 520 < x < 700 and random.uniform() < 0.8:
            continue
        size = random.uniform(7, 20) * (1.5 if x < 330 or x > 1010 else 1)
        y = edge[int(np.clip(x, 0, WIDTH - 1))] - size * 0.62
        wide = size * random.uniform(0.55, 0.95)
        left, right = int(max(0, x - 2 * wide)), int(min(WIDTH, x + 2 * wide))
        top, bottom = int(y - 2 * size), int(y + size)
        if right - left < 4:
            continue
        area = np.s_[top:bottom, left:right]
        dx, dy = (COLUMNS[area] - x) / wide, (ROWS[area] - y) / (size * 0.75)
        rough = fractal(right - left, bottom - top, 6, 3, 0.7)
        inside = smooth(1.1, 0.8, np.hypot(dx, dy) + 0.16 * rough)
        lit = smooth(-0.9, 1.1, 0.75 * dx - 0.8 * dy + 0.45 * rough)
        green = mix(colour(24, 44, 26), colour(random.uniform(92, 150), 132, 48), lit)
        image[area] = mix(image[area], mix(green, colour(200, 210, 210), np.full_like(lit, 0.10)), inside)
    return image


def lake(image, edge=HORIZON + 4):
    """Mirrors what is above; ripples grow towards the viewer."""
    depth = np.clip((ROWS - edge) / (HEIGHT - edge), 0, 1)
    # One pattern on the water's plane, seen in perspective.
    pattern = fractal(2400, 2400, 34, octaves=6, gain=0.62, stretch=2.2)
    distance = 1 / (depth + 0.035)
    u = ((COLUMNS - 600) * distance * 0.35 + 1200) % 2399
    v = (distance * 210) % 2399
    wave = pattern[v.astype(int), u.astype(int)]
    calm = smooth(0.2, 1.2, fractal(WIDTH, HEIGHT, 70, octaves=4, gain=0.5, stretch=7))
    strength = (0.35 + 0.65 * calm) * (0.6 + 15 * depth)
    mirrored = 2 * edge - ROWS - 2 - wave * strength
    source = np.clip(mirrored, 0, edge - 1)
    sideways = np.clip(COLUMNS + 0.35 * wave * strength, 0, WIDTH - 1)
    reflection = image[source.astype(int), sideways.astype(int)]
    reflectance = 0.88 - 0.45 * smooth(0, 1, depth)
    water = mix(np.broadcast_to(colour(24, 54, 66), image.shape), reflection, reflectance)
    # Where a ripple tilts towards the sun it glitters.
    track = np.exp(-(((COLUMNS - SUN[0]) / (45 + 260 * depth)) ** 2))
    glitter = smooth(1.2, 3.2, wave) * track * (1 - smooth(0.15, 0.75, depth)) * 0.7
    water = water + colour(255, 226, 176) * glitter[..., None]
    return mix(image, water, smooth(-0.6, 0.6, ROWS - edge))


class Drawing:
    """A transparent layer drawn with shapes in sRGB at OVERSAMPLING times the size."""

    def __init__(self):
        self.image = Image.new("RGBA", (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING), (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)

    def line(self, points, width, rgb):
        self.draw.line([(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points], fill=tuple(int(v) for v in rgb) + (255,),
                       width=max(1, round(width * OVERSAMPLING)), joint="curve")

    def leaf(self, x, y, length, angle, rgb):
        along = np.array([math.cos(angle), math.sin(angle)]) * length * OVERSAMPLING
        across = np.array([-along[1], along[0]]) * 0.36
        centre = np.array([x, y]) * OVERSAMPLING
        corners = [centre - along, centre + across, centre + along, centre - across]
        self.draw.polygon([tuple(corner) for corner in corners], fill=tuple(int(np.clip(v, 0, 255)) for v in rgb) + (255,))

    def over(self, image):
        small = np.asarray(self.image.resize((WIDTH, HEIGHT), Image.Resampling.BOX), np.float64) / 255
        alpha = small[..., 3:]
        return image * (1 - alpha) + (np.where(alpha > 0, small[..., :3], 0) ** 2.2) * alpha


def bank_line():
    """Row of the near bank for every column: high at the left under the trees, open towards the right."""
    x = np.arange(WIDTH)
    return 800 - 178 * smooth(640, 60, x) - 92 * smooth(760, 1180, x) - 40 + 5 * fractal(WIDTH, 8, 120, 5)[3]


def bank(image, line):
    below = ROWS - line[None, :]
    patches = fractal(WIDTH, HEIGHT, 120, 6, 0.6, 2)
    soil = mix(colour(52, 62, 22), colour(112, 126, 44), smooth(-1.2, 1.4, patches))
    soil = soil * (0.55 + 0.45 * smooth(0, 26, below))[..., None]
    return mix(image, soil, smooth(-1, 2, below))


def grass(drawing, line, count=26000):
    blades = []
    for _ in range(count):
        x = random.uniform(0, WIDTH)
        start = line[int(x)]
        y = start + 2 + (HEIGHT + 26 - start) * random.uniform() ** 1.15
        blades.append((y, x))
    tone = fractal(WIDTH, HEIGHT + 40, 110, 5, 0.6, 1.6)
    for y, x in sorted(blades):
        near = (y - 600) / 200
        length = 8 + 24 * np.clip(near, 0, 1.1) * random.uniform(0.5, 1.2)
        lean = random.normal(0.12, 0.32)
        light = np.clip(0.45 + 0.25 * tone[int(min(y, HEIGHT + 39)), int(x)] + random.normal(0, 0.22), 0, 1)
        low, high = np.array([44, 62, 20]), np.array([186, 186, 84])
        rgb = low + (high - low) * light
        if random.uniform() < 0.05:
            rgb = np.array([206, 186, 122])
        bend = (x + lean * length * 0.45, y - length * 0.6)
        tip = (x + lean * length * 1.15, y - length)
        drawing.line([(x, y), bend], 1.5 + 0.5 * near, rgb * 0.72)
        drawing.line([bend, tip], 0.9, rgb)
        if random.uniform() < 0.006:
            flower = [(236, 228, 222), (226, 190, 62), (196, 84, 70)][random.randint(3)]
            for petal in range(5):
                angle = petal * 2 * math.pi / 5 + lean
                drawing.leaf(tip[0] + 1.6 * math.cos(angle), tip[1] + 1.6 * math.sin(angle), 1.9, angle, flower)


def tree(drawing, x, y, height, leaves, hue):
    """A trunk that forks until the twigs, and a cloud of leaves around each twig's end, lit from the right."""
    ends = []

    def branch(x, y, angle, length, width, depth):
        points, steps = [(x, y)], 6
        for _ in range(steps):
            angle += random.normal(0, 0.09)
            x, y = x + math.cos(angle) * length / steps, y + math.sin(angle) * length / steps
            points.append((x, y))
        for index in range(steps):
            thick = width * (1 - 0.35 * index / steps)
            drawing.line(points[index : index + 2], thick, (46, 36, 28))
            (ax, ay), (bx, by) = points[index : index + 2]
            for _ in range(int(thick / 1.5)):  # bark: light streaks on the sunny side
                side = random.uniform(-0.45, 0.5)
                along = random.uniform(0, 1)
                sx, sy = ax + (bx - ax) * along + side * thick, ay + (by - ay) * along
                tone = 44 + 74 * (side + 0.45) + random.normal(0, 10)
                drawing.line([(sx, sy), (sx + random.normal(0, 0.6), sy - random.uniform(2, 7))], 0.8,
                             np.clip((tone * 1.12, tone * 0.92, tone * 0.72), 0, 255))
        if depth == 0 or length < 9:
            ends.append((x, y))
            return
        if depth < 4:
            ends.append((x, y))
        for spread in np.linspace(-0.62, 0.62, random.randint(2, 4)):
            branch(x, y, angle + spread + random.normal(0, 0.16), length * random.uniform(0.66, 0.86), width * 0.62,
                   depth - 1)

    branch(x, y, -math.pi / 2 + 0.03, height * 0.30, height * 0.062, 6)
    ends = np.array(ends)
    centre, extent = ends.mean(0), np.maximum(ends.std(0) * 2, 1)
    placed = []
    for _ in range(leaves):
        end = ends[random.randint(len(ends))]
        offset = random.normal(0, height * 0.030, 2)
        position = end + offset
        outwards = (position - centre) / extent
        light = 0.40 + 0.38 * outwards[0] - 0.42 * outwards[1] + 0.012 * (offset[0] - offset[1]) + random.normal(0, 0.17)
        placed.append((random.uniform() + light, position, light))
    # Dark inner leaves first, lit outer ones over them.
    for _, position, light in sorted(placed, key=lambda leaf: leaf[0]):
        low, high = np.array([22, 36, 14]), np.array(hue)
        rgb = low + (high - low) * np.clip(light, 0, 1.15)
        drawing.leaf(*position, random.uniform(1.6, 3.4), random.uniform(0, math.pi), rgb)
    return centre, extent


def develop(image):
    """What a camera adds: bloom, a curve, a vignette, grain."""
    bright = np.maximum(image - 0.62, 0)
    glow = np.stack([resized(resized(bright[..., c], WIDTH // 20, HEIGHT // 20, Image.Resampling.BOX), WIDTH, HEIGHT)
                     for c in range(3)], -1)
    image = 0.74 * (image + 0.55 * glow)
    image = 1 - np.exp(-1.55 * image)
    image = image / (1 - math.exp(-1.55))
    image *= (1 - 0.20 * (((COLUMNS - 600) / 780) ** 2 + ((ROWS - 400) / 620) ** 2))[..., None]
    encoded = np.clip(image, 0, 1) ** (1 / 2.2)
    encoded = encoded + 0.05 * np.sin(2 * math.pi * (encoded - 0.5)) * 0.55
    grain = random.standard_normal((HEIGHT, WIDTH, 1)) * 0.013 + random.standard_normal((HEIGHT, WIDTH, 3)) * 0.005
    pixels = np.clip((encoded + grain * (1.1 - encoded)) * 255 + 0.5, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels).filter(ImageFilter.UnsharpMask(1.0, 50, 2))


def main():
    image = far_shore(hills(sky()))
    image = lake(image)
    line = bank_line()
    image = bank(image, line)
    drawing = Drawing()
    tree(drawing, 236, line[236] + 22, 430, 34000, (172, 176, 62))
    tree(drawing, 78, line[78] + 44, 560, 42000, (150, 162, 54))
    tree(drawing, 1108, line[1108] + 16, 230, 15000, (176, 164, 60))
    grass(drawing, line)
    image = drawing.over(image)
    path = pathlib.Path(__file__).resolve().parent / "landscape.jpg"
    develop(image).save(path, quality=90, subsampling="4:2:0", optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
