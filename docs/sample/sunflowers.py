"""Sunflowers for still-life.jpg: heads, stems and leaves."""

import numpy as np

from shapes import Frame, Group, Marched, Noise, Rod, Surface, colour, dot, mix, scattered, smooth, unit, vector

random = np.random.default_rng(1888)
streaks = Noise(random, 256, 1.2)
THICKNESS = 0.0006


class Ring:
    """Petals around the y axis. `lift` and `curl` bend them out of the plane; each differs by its whim."""

    def __init__(self, count, start, length, width, lift, curl, seed):
        self.count, self.start, self.length, self.width = count, start, length, width
        self.lift, self.curl, self.seed = lift, curl, seed
        self.whims = [scattered(np.arange(count), seed, key).astype(np.float32) for key in (1, 2, 3, 4)]

    def petal(self, y, from_axis, turn):
        """Of the petal nearest in angle: place along it 0 to 1, place across -1 to 1, its whims, the distance to it."""
        turn = turn * (self.count / (2 * np.pi)) + (self.count + 0.5 * (self.seed % 2))
        sector = turn.astype(np.int32)
        whims = [whim[sector % self.count] for whim in self.whims]
        angle = (turn - sector - 0.5 + 0.25 * (whims[3] - 0.5)) * (2 * np.pi / self.count)
        square = angle * angle  # small: two terms of the cosine's and the sine's series do
        out, across = from_axis * (1 - 0.5 * square) - self.start, from_axis * angle * (1 - square / 6)
        length = self.length * (0.78 + 0.4 * whims[0])
        along = np.clip(out / length, 0, 1)
        width = self.width * 2.3 * np.sqrt((along + 0.02) * (1 - along)) * (1.15 - 0.5 * along) + 1e-4
        bent = (self.lift + 0.5 * (whims[1] - 0.5)) * out + (self.curl + 9 * (whims[2] - 0.5)) * out * np.abs(out)
        bent = bent + (0.9 * (whims[3] - 0.5) + 14 * across) * across * np.minimum(2 * along, 1)
        aside = np.maximum(np.abs(across) - width, 0)
        above = np.maximum(np.abs(y - bent) - THICKNESS, 0)
        beyond = np.maximum(np.maximum(out - length, -out), 0)
        return along, across / width, whims, np.sqrt(aside**2 + above**2 + beyond**2)


def sunflower(place, facing, size, seed):
    frame = Frame(place, facing, 2.0 * seed)
    core = size * (0.40 + 0.06 * scattered(seed, 5))
    rings = [Ring(19, core * 0.9, size - core, size * 0.145, 0.42, -2.0, 4 * seed + 1),
             Ring(17, core * 0.9, size - core, size * 0.150, 0.12, 0.5, 4 * seed + 2),
             Ring(15, core * 0.8, size - core, size * 0.140, -0.15, 0.0, 4 * seed + 3)]
    sepals = Ring(14, core * 0.5, size * 0.55, size * 0.13, -0.30, 1.0, 4 * seed + 4)

    def disc(from_axis, y):
        from_axis = from_axis / core
        dome = np.where(y > 0, 0.30, 0.42) * core * (1 - 0.25 * smooth(0.5, 0.0, from_axis) * (y > 0))
        return (np.hypot(from_axis, y / dome) - 1) * dome * 0.6

    def distance(points):
        x, y, z = frame(points)
        from_axis = np.hypot(x, z)
        around = np.maximum(np.maximum(from_axis - size * 1.1, np.abs(y - 0.05 * size) - size * 0.36), 0)
        near = np.flatnonzero(around < 0.006)  # the petals' distance is dear: only inside a flat cylinder around them
        around[near] = petals(y[near], from_axis[near], np.arctan2(z[near], x[near]))
        return around

    def petals(y, from_axis, turn):
        nearest = disc(from_axis, y)
        for ring in (*rings, sepals):
            nearest = np.minimum(nearest, ring.petal(y, from_axis, turn)[3] - 0.0003)
        return np.minimum(nearest * 0.75, size * 0.3)

    def material(points, normal, direction):
        x, y, z = frame(points)
        from_axis, turn = np.hypot(x, z), np.arctan2(z, x)
        parts = [ring.petal(y, from_axis, turn) for ring in (*rings, sepals)]
        part = np.stack([disc(from_axis, y)] + [petal[3] for petal in parts]).argmin(0)
        from_axis = from_axis / core

        # Seeds sit on a spiral of the golden angle: bumps in the polar lattice of its two visible families.
        rings_out = 52 * from_axis**0.75
        bumps = np.cos(21 * turn + rings_out) * np.cos(34 * turn - rings_out)
        seeds = mix(colour(40, 26, 14), colour(84, 52, 22), smooth(0.35, 0.75, from_axis))
        seeds = mix(seeds, colour(176, 112, 24), smooth(0.72, 1.0, from_axis) * (0.5 + 0.5 * bumps))
        seeds = mix(seeds, colour(112, 104, 44), smooth(0.30, 0.05, from_axis))
        albedo = np.where(y > -0.1 * core, seeds * (0.55 + 0.6 * smooth(-0.6, 0.8, bumps)), colour(84, 108, 44))
        bumped = normal + frame.axes[0][:, None] * (0.35 * np.sin(21 * turn + rings_out))
        bumped = bumped + frame.axes[2][:, None] * (0.35 * np.sin(34 * turn - rings_out))
        bent = np.where(part == 0, bumped, normal)
        for number, (along, across, whims, _) in enumerate(parts):
            stripe = streaks(along * 0.06 + whims[0], across * 0.35 + whims[1])
            if number < len(rings):
                tone = np.clip(0.25 + 0.75 * along**0.6 + 0.20 * stripe + 0.3 * (whims[2] - 0.5), 0, 1)
                tint = mix(colour(196, 104, 6), colour(248, 192, 24), tone)
                tint = mix(tint, colour(150, 92, 22), 0.6 * smooth(0.93, 1.0, along) * (whims[1] > 0.5))
            else:
                tint = mix(colour(54, 82, 28), colour(120, 146, 62), np.clip(0.5 + 0.25 * stripe, 0, 1))
            albedo = np.where(part == number + 1, tint * (0.9 + 0.12 * stripe), albedo)
            ribs = 0.35 * np.sin(across * 9) * frame.axes[0][:, None] * np.sin(turn)
            ribs = ribs - 0.35 * np.sin(across * 9) * frame.axes[2][:, None] * np.cos(turn)
            bent = np.where(part == number + 1, normal + ribs * 0.6, bent)
        return Surface(np.maximum(albedo, 0.002), unit(bent), 0.02 * (part > 0), 0.45, 0.45 * (part > 0))

    return Marched(distance, place, size * 1.2, material, precision=4e-4, steps=40)


def leaf(place, along, upward, size, seed):
    """A heart-shaped leaf that hangs over; `along` is where it points, `upward` its upper side."""
    y = unit(vector(*upward) - unit(vector(*along)) * dot(unit(vector(*along)), vector(*upward)))
    x = unit(vector(*along))
    axes = np.stack([x, y, np.cross(x, y)])
    base = vector(*place)[:, None]
    whim = scattered(seed, 1)

    def blade(points):
        x, y, z = axes @ (points - base) / size
        along = np.clip(x, 0, 1)
        width = 0.86 * (along + 0.02) ** 0.42 * (1 - along) ** 0.85 + 0.012
        width = width * (1 + 0.05 * np.sin(along * 40 + seed))
        bent = 0.30 * x - (0.75 + 0.3 * whim) * x * np.abs(x) + (0.35 + 0.2 * whim) * np.abs(z)
        bent = bent + 0.035 * np.sin(9 * x + 5 * z + seed) + 0.03 * np.sin(13 * z - 6 * x)
        aside = np.maximum(np.abs(z) - width, 0)
        beyond = np.maximum(np.maximum(x - 1, -x), 0)
        above = np.maximum(np.abs(y - bent) - THICKNESS / size, 0)
        return along, z, np.sqrt(aside**2 + beyond**2 + above**2) * size * 0.55 - 0.0002

    def material(points, normal, direction):
        along, z, _ = blade(points)
        rib = (along * 7 - np.abs(z) * 6) % 1
        vein = smooth(0.10, 0.03, np.minimum(rib, 1 - rib)) * smooth(0.5, 0.2, np.abs(z))
        vein = vein + smooth(0.03, 0.01, np.abs(z))
        tone = np.clip(0.5 + 0.22 * streaks(along * 0.8 + whim, z * 0.8), 0, 1)
        green = mix(colour(38, 66, 26), colour(86, 116, 46), tone)
        albedo = mix(green, colour(140, 156, 84), 0.6 * np.clip(vein, 0, 1))
        bulge = axes[0][:, None] * (0.25 * np.sin(rib * 2 * np.pi)) * smooth(0, 0.06, np.abs(z))
        return Surface(albedo, unit(normal + bulge), 0.035, 0.3, 0.35)

    middle = vector(*place) + x * size * 0.5
    return Marched(lambda points: blade(points)[2], middle, size * 0.95, material, precision=4e-4, steps=40)


def stem(head, mouth, facing):
    """From behind the flower's head it bows into the vase."""
    def green(points, normal, direction):
        tone = np.clip(0.5 + 0.3 * streaks(points[0] * 9, points[1] * 2), 0, 1)
        return Surface(mix(colour(70, 92, 36), colour(128, 144, 70), tone), normal, 0.03, 0.3, 0.1)

    bow = vector(*head) - unit(vector(*facing)) * 0.05 - vector(0, 0.015, 0)
    places = [(1 - t) ** 2 * head + 2 * t * (1 - t) * bow + t * t * mouth for t in np.linspace(0, 1, 7)]
    return Group(*(Rod(a, b, 0.0055, green) for a, b in zip(places, places[1:])))
