"""Renders still-life.jpg, sunflowers in a vase and fruit on a table by a window. Needs numpy and Pillow.

Everything is made from fixed seeds: no photograph went into it. Lengths are metres; the table top is at y = 0.
"""

import numpy as np

from photograph import Camera, Scene, main
from shapes import (Frame, Group, Marched, Noise, Plane, Rod, Surface, box, colour, dot, mix, scattered, smooth, unit,
                    vector)
from sunflowers import leaf, stem, sunflower

random = np.random.default_rng(1889)
mottle = Noise(random, 512, 1.6)
fine = Noise(random, 512, 0.9)
solid = Noise(random, 64, 2.0, dimensions=3)
grit = Noise(random, 64, 0.6, dimensions=3)

WALL = -0.50
WINDOW = vector(-1.75, 0.25, 0.05), vector(0, 1.15, 0), vector(0, 0, 0.95)  # on the left: a corner and two edges
AREA = 1.15 * 0.95 * 0.94**2
DAYLIGHT = colour(226, 238, 255) * 21


def window(points, u, v):
    """A point of the window's panes: the bars between them give no light."""
    corner, up, along = WINDOW
    u, v = (0.94 * values + 0.06 * (values > 0.5) for values in (u, v))
    spot = corner[:, None] + up[:, None] * u + along[:, None] * v
    way = spot - points
    distance = np.sqrt(dot(way, way))
    way = way / distance
    return way, distance * 0.999, DAYLIGHT * np.maximum(-way[0], 0) * AREA / distance**2


def room(origin, direction, mirrored):
    """The rest of the room: dim, warm below, lighter above; the window in mirrors."""
    height = direction[1] * 0.5 + 0.5
    walls = mix(colour(74, 62, 50), colour(150, 144, 132), height) * (0.6 + 0.4 * direction[2])
    t = (WINDOW[0][0] - origin[0]) / np.minimum(direction[0], -1e-6)
    spot = origin + direction * t
    v, u = (spot[1] - 0.25) / 1.15, (spot[2] - 0.05) / 0.95
    pane = (u > 0) & (u < 1) & (v > 0) & (v < 1) & (np.abs(u - 0.5) > 0.03) & (np.abs(v - 0.5) > 0.03)
    return np.where(pane & (direction[0] < 0) & mirrored, DAYLIGHT * 0.8, walls)


def bumpy(normal, x, y, z, field, height, step=0.004):
    """A normal tilted by the slope of a field over space."""
    here = field(x, y, z)
    slope = np.stack([field(x + step, y, z) - here, field(x, y + step, z) - here, field(x, y, z + step) - here])
    return unit(normal - height * slope)


def plaster(points, normal, direction):
    x, y = points[0], points[1]
    tone = 0.5 + 0.13 * mottle(x * 0.55 + 0.3, y * 0.55) + 0.05 * fine(x * 1.7, y * 1.7)
    step = 0.002
    here = mottle(x * 1.3, y * 1.3) + 0.35 * fine(x * 1.5, y * 1.5)
    tilt = vector(0, 0, 0)[:, None] + 0 * points
    tilt[0] = mottle(x * 1.3 + step, y * 1.3) + 0.35 * fine(x * 1.5 + step, y * 1.5) - here
    tilt[1] = mottle(x * 1.3, y * 1.3 + step) + 0.35 * fine(x * 1.5, y * 1.5 + step) - here
    return Surface(mix(colour(92, 118, 118), colour(150, 168, 158), np.clip(tone, 0, 1)), unit(normal - 0.3 * tilt))


def wood(points, normal, direction):
    """Planks along x with grain, dark joints and worn varnish."""
    x, z = points[0], points[2] + 2
    plank = np.floor(z / 0.145)
    inside = z / 0.145 - plank
    shift = scattered(plank, 3)
    ring = z * 5 + 0.35 * mottle(x * 0.35 + shift, z * 1.1 + shift) + shift
    grain = 0.5 + 0.5 * np.sin(2 * np.pi * ring * 3.3) * 0.6 + 0.2 * mottle(x * 0.6 + shift, z * 7)
    pores = smooth(0.7, 2.2, fine(x * 0.35 + shift, z * 6))
    tone = np.clip(0.35 + 0.3 * grain + 0.25 * (scattered(plank, 7) - 0.5), 0, 1) * (1 - 0.4 * pores)
    joint = smooth(0.014, 0.004, np.minimum(inside, 1 - inside))
    albedo = mix(colour(62, 36, 20), colour(172, 118, 70), tone) * (1 - 0.85 * joint)
    albedo = albedo * (1 - 0.25 * smooth(0.4, 1.6, mottle(x * 0.8, z * 0.8)))
    bent = normal.copy()
    bent[0] += 0.012 * mottle(x * 1.2, z * 2)
    bent[2] += 0.02 * mottle(x * 0.7 + 0.5, z * 3)
    rough = np.clip(0.16 + 0.06 * mottle(x, z * 1.5) + 0.5 * joint, 0.08, 0.6)
    return Surface(albedo, unit(bent), 0.045 * (1 - joint), rough)


def revolved(profile, centre, wall):
    """A vessel: the distance to a shell around the y axis. `profile`: (low, high, radii at even heights)."""
    low, high, radii = profile
    radii = np.asarray(radii, np.float32)

    def distance(points):
        x, y, z = points - np.array(centre, np.float32)[:, None]
        place = np.clip((y - low) / (high - low), 0, 1) * (radii.size - 1)
        below = np.minimum(place.astype(np.int32), radii.size - 2)
        t = place - below
        before, after = radii[np.maximum(below - 1, 0)], radii[np.minimum(below + 2, radii.size - 1)]
        a, b = radii[below], radii[below + 1]  # Catmull-Rom
        radius = a + t * (0.5 * (b - before) + t * (before - 2.5 * a + 2 * b - 0.5 * after
                                                    + t * (1.5 * (a - b) + 0.5 * (after - before))))
        from_axis = np.hypot(x, z)
        outside = from_axis - radius
        # Hollow above the foot, open at the top.
        hollow = np.where(y > low + 0.02, np.abs(outside + wall) - wall, outside)
        return np.maximum(hollow, np.maximum(low - y, y - high)) * 0.75

    return distance


def glaze(points, normal, direction):
    """Stoneware: ochre below, cream above, with a dark line where the glazes meet and runs in the upper one."""
    x, y, z = points
    edge = 0.118 + 0.004 * solid(x * 2, 0 * y, z * 2)
    body = mix(colour(150, 92, 40), colour(186, 130, 66), smooth(-1, 1.5, solid(x * 3, y * 3, z * 3)))
    upper = mix(colour(224, 208, 168), colour(200, 176, 124), smooth(-0.5, 2.0, solid(x * 2.2, y * 0.9, z * 2.2)))
    albedo = mix(body, upper, smooth(-0.001, 0.001, y - edge))
    albedo = albedo * (1 - 0.7 * smooth(0.0035, 0.001, np.abs(y - edge)))
    albedo = albedo * (1 - 0.5 * smooth(1.6, 2.4, grit(x * 4, y * 4, z * 4)))
    return Surface(albedo, bumpy(normal, x * 2, y * 2, z * 2, solid, 0.10), 0.05, 0.03)


def blue_ware(points, normal, direction):
    x, y, z = points
    speckle = smooth(1.1, 2.2, grit(x * 5, y * 5, z * 5))
    rim = smooth(0.083, 0.086, y)
    albedo = mix(mix(colour(40, 74, 122), colour(66, 106, 150), smooth(-1, 2, solid(x * 3, y * 3, z * 3))),
                 colour(20, 34, 60), speckle * 0.7)
    return Surface(mix(albedo, colour(140, 110, 74), rim), bumpy(normal, x * 2, y * 2, z * 2, solid, 0.06), 0.05, 0.04)


def apple(centre, radius, axis, turn):
    frame = Frame(centre, axis, turn)

    def distance(points):
        x, y, z = frame(points) / radius
        from_axis = np.hypot(x, z)
        lobes = 1 + 0.025 * np.cos(5 * np.arctan2(z, x)) * smooth(0.9, -0.7, y)
        waist = from_axis / lobes * (1 + 0.10 * y * -1)
        return (np.hypot(waist - 0.36, y * 0.98) - 0.62) * radius * 0.8

    def skin(points, normal, direction):
        x, y, z = frame(points) / radius
        turn = np.arctan2(z, x) / (2 * np.pi)
        streak = fine(turn * 0.9, y * 0.04) * 0.5 + mottle(turn * 1.0, y * 0.12) * 0.8
        red = smooth(-0.9, 0.9, streak + 1.1 * x + 0.5)
        albedo = mix(colour(206, 178, 66), colour(152, 22, 26), red)
        dots = smooth(1.5, 2.2, grit(x * 0.35, y * 0.35, z * 0.35))
        albedo = mix(albedo, colour(222, 196, 130), 0.6 * dots)
        albedo = mix(albedo, colour(120, 112, 40), smooth(0.34, 0.08, np.hypot(x, z)) * (y > 0))
        return Surface(albedo, bumpy(normal, x * 0.2, y * 0.2, z * 0.2, solid, 0.04), 0.04, 0.09)

    tip = vector(*centre) + frame.axes[1] * radius * 0.86 + frame.axes[0] * radius * 0.12
    foot = vector(*centre) + frame.axes[1] * radius * 0.4
    return Group(Marched(distance, centre, radius * 1.06, skin), Rod(foot, tip, 0.0018, stalk))


def round_fruit(centre, radius, axis, rind, tips=0.0, pores=0.3, long=1.0):
    """An orange, or a lemon: longer, with tips at its ends."""
    frame = Frame(centre, axis)

    def distance(points):
        x, y, z = frame(points) / radius
        squeezed = np.hypot(np.hypot(x, z) * (1 + tips * 0.6 * y * y), y / long)
        return (squeezed - 1) * radius * 0.62

    def skin(points, normal, direction):
        x, y, z = frame(points) / radius
        tone = smooth(-1.5, 1.5, solid(x * 0.2, y * 0.2, z * 0.2))
        albedo = mix(rind, rind * np.array([[0.82], [0.66], [0.7]]), tone)
        albedo = mix(albedo, colour(96, 104, 40), 0.7 * smooth(0.12, 0.05, np.hypot(x, z)) * (y > 0))
        return Surface(albedo, bumpy(normal, x * 0.42, y * 0.42, z * 0.42, grit, pores * 0.22), 0.04, 0.22)

    return Marched(distance, centre, radius * max(long, 1) * 1.05, skin)


def pear(centre, size, axis):
    frame = Frame(centre, axis)

    def distance(points):
        x, y, z = frame(points) / size
        low = np.sqrt(x * x + y * y + z * z) - 1
        high = np.sqrt((x - 0.04) ** 2 + (y - 1.15) ** 2 + z * z) - 0.52
        h = np.clip(0.5 + 0.5 * (high - low) / 0.75, 0, 1)
        return (mix(high, low, h) - 0.75 * h * (1 - h)) * size * 0.85

    def skin(points, normal, direction):
        x, y, z = frame(points) / size
        ripe = smooth(-1.2, 1.2, solid(x * 0.2, y * 0.2, z * 0.2) + x)
        albedo = mix(colour(150, 158, 52), colour(206, 178, 70), ripe)
        albedo = mix(albedo, colour(150, 92, 48), 0.65 * smooth(0.2, 1.6, mottle(x * 0.1, z * 0.1) - 0.9 * x))
        albedo = mix(albedo, colour(92, 70, 34), 0.75 * smooth(1.1, 1.9, grit(x * 0.42, y * 0.42, z * 0.42)))
        return Surface(albedo, bumpy(normal, x * 0.2, y * 0.2, z * 0.2, solid, 0.06), 0.035, 0.2)

    middle, up = vector(*centre), frame.axes[1]
    stem = Rod(middle + up * size * 1.55, middle + up * size * 2.15 + frame.axes[0] * size * 0.2, 0.0022, stalk)
    return Group(Marched(distance, middle + up * size * 0.4, size * 1.5, skin), stem)


def stalk(points, normal, direction):
    return Surface(colour(84, 62, 36) + 0 * points, normal)


def scene():
    flowers = [  # place, direction it faces, radius of the petals' circle
        ((-0.215, 0.455, 0.07), (-0.35, 0.18, 1.0), 0.098),
        ((-0.035, 0.435, 0.13), (0.12, 0.02, 1.0), 0.105),
        ((0.115, 0.505, 0.03), (0.75, 0.25, 0.75), 0.095),
        ((-0.105, 0.575, -0.01), (-0.25, 0.62, 0.9), 0.094),
        ((0.065, 0.60, -0.06), (0.35, 0.75, 0.7), 0.084),
        ((-0.30, 0.345, 0.05), (-0.95, -0.25, 0.75), 0.085),
        ((0.165, 0.345, 0.09), (0.8, -0.35, 0.8), 0.080),
    ]
    mouth = vector(-0.05, 0.255, 0.0)
    bouquet = []
    for number, (place, facing, size) in enumerate(flowers):
        back = vector(*place) - unit(vector(*facing)) * 0.012
        bouquet.append(sunflower(place, facing, size, number))
        bouquet.append(stem(back, mouth + vector(0.03 * np.cos(number), -0.08, 0.03 * np.sin(number)), facing))
    leaves = [leaf((-0.10, 0.29, 0.045), (-0.55, -0.1, 0.8), (0, 1, 0.35), 0.13, 1),
              leaf((0.02, 0.285, 0.05), (0.75, 0.1, 0.6), (-0.1, 1, 0.3), 0.125, 2),
              leaf((-0.13, 0.37, 0.02), (-1, 0.35, 0.1), (0.3, 1, 0.5), 0.12, 3),
              leaf((0.04, 0.38, 0.0), (1, 0.45, 0.1), (-0.4, 1, 0.6), 0.11, 4),
              leaf((-0.04, 0.32, 0.07), (-0.1, -0.55, 0.8), (0, 0.8, 0.6), 0.10, 5)]
    vase = Marched(revolved((0.0, 0.27, [0.056, 0.083, 0.099, 0.102, 0.094, 0.076, 0.054, 0.046, 0.055]),
                            (-0.05, 0, 0), 0.004), (-0.05, 0.135, 0), 0.175, glaze)
    bowl = Marched(revolved((0.0, 0.088, [0.045, 0.062, 0.098, 0.121, 0.134, 0.141]), (0.33, 0, 0.05), 0.003),
                   (0.33, 0.044, 0.05), 0.152, blue_ware)
    orange, lemon = colour(222, 112, 14), colour(232, 190, 30)
    fruit = [apple((0.275, 0.092, 0.085), 0.041, (0.25, 1, 0.3), 0.6),
             apple((0.395, 0.088, 0.075), 0.040, (0.4, 0.8, -0.3), 2.6),
             round_fruit((0.335, 0.083, 0.002), 0.042, (0.2, 1, 0.4), orange),
             round_fruit((0.335, 0.075, 0.105), 0.037, (0.3, 0.5, 0.9), orange),
             round_fruit((0.33, 0.137, 0.055), 0.030, (1, 0.12, 0.35), lemon, tips=0.55, pores=0.4, long=1.34),
             pear((0.135, 0.040, 0.185), 0.0405, (0.25, 1, 0.15)),
             round_fruit((-0.285, 0.032, 0.16), 0.032, (0.9, 0.1, -0.5), lemon, tips=0.55, pores=0.4, long=1.34),
             apple((-0.37, 0.037, 0.08), 0.041, (-0.5, 1, 0.25), 1.0)]
    table = box((-1.1, -0.05, -0.42), (1.3, 0.0, 1.2), wood)
    things = [Plane((0, 0, 1), WALL, plaster), table, vase, Group(bowl, *fruit[:5]), *fruit[5:],
              Group(*bouquet, *leaves)]
    camera = Camera((0.06, 0.53, 1.66), (0.03, 0.305, 0), 0.68, aperture=0.026, focus=(0.0, 0.3, 0.09))
    return Scene(things, room, window), camera


if __name__ == "__main__":
    main("still-life", scene, bounces=1, samples=4, seed=7, exposure=1.5, warmth=1.03)
