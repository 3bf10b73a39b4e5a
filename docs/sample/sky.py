"""A summer sky with heaps of cloud, for harbour.jpg."""

import numpy as np

from shapes import Noise, colour, mix, smooth


def cloud_map(random, sun, width=900, height=420, steps=26):
    """Heaps of cloud in a layer between 900 m and 1700 m, marched: cover and lightness by azimuth and elevation."""
    lumps = Noise(random, 96, 1.9, dimensions=3, lowest=2)
    cover = Noise(random, 256, 1.7, lowest=3)
    azimuth, elevation = np.meshgrid(np.linspace(-1, 1, width), np.linspace(0.02, 0.9, height))
    way = np.stack([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), -np.cos(azimuth) * np.cos(elevation)])
    way = way.reshape(3, -1).astype(np.float32)

    def density(p):
        rise = (p[1] - 900) / 800
        heap = 0.62 * cover(p[0] / 9000 + 0.13, p[2] / 9000) - 0.78
        detail = 0.42 * lumps.nearest(p[0] / 2600, p[1] / 2600, p[2] / 2600)
        detail = detail + 0.24 * lumps.nearest(p[0] / 700, p[1] / 700, p[2] / 700)
        return np.clip((heap + detail - 1.1 * rise * rise + 0.25 * smooth(0, 0.12, rise) - 0.25) * 2.6, 0, 1)

    clear, light = np.ones(way.shape[1]), np.zeros(way.shape[1])
    jitter = random.random(way.shape[1])
    for step in range(steps):
        here = way * ((900 + 800 * (step + jitter) / steps) / way[1]).astype(np.float32)
        alive = np.flatnonzero((clear > 0.02) & (way[1] > 0.03))
        d = density(here[:, alive])
        alive, d = alive[d > 0], d[d > 0]
        sunwards = [density(here[:, alive] + sun[:, None] * reach) * length for reach, length in ((60, 90), (220, 220))]
        thick = sum(sunwards)
        lit = 0.48 + 0.20 * (here[1, alive] - 900) / 800 + 0.85 * np.exp(-thick / 85)
        through = np.exp(-d * 800 / steps / np.maximum(way[1, alive], 0.12) / 60)
        light[alive] += clear[alive] * (1 - through) * lit
        clear[alive] *= through
    clouds = np.stack([1 - clear, light]).reshape(2, height, width)
    for axis in (1, 2, 1, 2):  # the jitter's noise goes
        clouds = (np.roll(clouds, 1, axis) + 2 * clouds + np.roll(clouds, -1, axis)) / 4
    return clouds.astype(np.float32)


def summer_sky(random, sun):
    """An environment: blue, clouds where the camera looks (57 degrees to either side of -z), haze at the horizon."""
    clouds = cloud_map(random, sun)

    def sky(origin, direction, mirrored):
        up = np.maximum(direction[1], 0)
        base = mix(colour(206, 222, 234), colour(122, 172, 222), smooth(0, 0.28, up))
        base = mix(base, colour(52, 108, 186), smooth(0.15, 0.95, up)) * 1.25
        column = (np.arctan2(direction[0], -direction[2]) + 1) / 2 * (clouds.shape[2] - 1)
        row = (np.arcsin(np.clip(direction[1], 0, 1)) - 0.02) / 0.88 * (clouds.shape[1] - 1)
        column, row = np.clip(column, 0, clouds.shape[2] - 1.001), np.clip(row, 0, clouds.shape[1] - 1.001)
        x, y = column.astype(int), row.astype(int)
        dx, dy = column - x, row - y
        cover, light = mix(mix(clouds[:, y, x], clouds[:, y, x + 1], dx),
                           mix(clouds[:, y + 1, x], clouds[:, y + 1, x + 1], dx), dy)
        haze = smooth(0.16, 0.0, up)
        cloud = light * colour(255, 248, 236) * 2.3
        return (base * (1 - cover) + mix(cloud, base * cover, 0.65 * haze)).astype(np.float32)

    return sky
