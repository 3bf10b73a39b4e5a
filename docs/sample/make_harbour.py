"""Renders harbour.jpg, houses and boats around a harbour in the afternoon sun. Needs numpy and Pillow.

Everything is made from fixed seeds: no photograph went into it. Lengths are metres; the water is at y = 0; -z is away.
"""

import numpy as np

from photograph import Camera, Scene, main
from shapes import (Convex, Group, Marched, Noise, Plane, Rod, Surface, box, colour, dot, mix, scattered, smooth, unit,
                    vector)
from sky import summer_sky

SUN = unit(vector(0.72, 0.56, 0.44))
random = np.random.default_rng(1888)
mottle = Noise(random, 512, 1.6)
fine = Noise(random, 512, 1.0)
swell = Noise(random, 1024, 1.75, lowest=5)
sky = summer_sky(random, SUN)

SUNLIGHT = colour(255, 236, 205) * 7.0
QUAY = 1.5
FAR_QUAY, LEFT_QUAY = -46.0, -19.0


def sun(points, u, v):
    spread = 0.012
    way = unit(SUN[:, None] + spread * np.stack([u - 0.5, 0 * u, v - 0.5]))
    return way, np.full(u.shape, 1e4, np.float32), np.broadcast_to(SUNLIGHT, points.shape)


def painted(rgb, gloss=0.0, roughness=0.3, wear=0.12, scale=0.3):
    tint = colour(*rgb)

    def material(points, normal, direction):
        x, y, z = points * scale
        tone = 1 + wear * mottle(x + 0.37 * z, y) + 0.5 * wear * fine(x * 2 + z * 2, y * 2)
        return Surface(tint * np.clip(tone, 0.3, 1.5), normal, gloss, roughness)

    return material


def water(points, normal, direction):
    """Wind ripples over a slow swell; what the water does not mirror comes from its green depth."""
    x, z = points[0], points[2]
    step = 0.02
    height = lambda x, z: 0.014 * swell(x / 34, z / 26) + 0.0035 * swell(x / 9.3 + 0.4, z / 7.1) * (
        0.4 + 0.8 * smooth(-0.5, 1.2, mottle(x / 60, z / 24)))
    here = height(x, z)
    calm = 0.8 * smooth(70, 12, -z) + 0.2
    slopes = [(here - height(x + step, z)) / step * calm, (here - height(x, z + step)) / step * calm]
    bent = unit(np.stack([slopes[0], np.ones_like(x), slopes[1]]))
    return Surface(colour(30, 62, 58) + 0 * points, bent, 0.03, 0.012)


def facade(rgb, along, start, width, storeys, seed):
    """Plaster with rows of windows: frames, bars, sills, shutters, curtains; a shop or doors on the ground floor."""
    tint = colour(*rgb)
    shutter = colour(*[(52, 84, 70), (60, 84, 118), (110, 60, 48), (222, 218, 206)][seed % 4])
    columns = max(2, round(width / 2.0))
    has_shutters = seed % 3 != 1

    def material(points, normal, direction):
        u = (vector(*along) @ points - start) / width * columns
        v = (points[1] - QUAY) / 3.0
        column, storey = np.floor(u), np.floor(v)
        a, b = (u - column - 0.5) * width / columns, (v - storey) * 3.0
        # What lies in the window's niche is seen shifted, and its upper right edge casts a shadow there.
        towards = dot(vector(*along)[:, None], direction) / np.maximum(-dot(normal, direction), 0.15)
        niche_a = a + 0.16 * np.clip(towards, -1.5, 1.5)
        niche_b = b + 0.16 * np.clip(direction[1] / np.maximum(-dot(normal, direction), 0.15), -1, 1)
        ground = storey < 0.5
        half, low, high = np.where(ground, 0.62, 0.5), np.where(ground, 0.25, 0.85), np.where(ground, 2.35, 2.45)
        hole = (np.abs(a) < half) & (b > low) & (b < high) & (storey < storeys) & (normal[1] < 0.5)
        stains = 1 + 0.10 * mottle(points[0] / 9 + points[2] / 9, points[1] / 14) + 0.06 * fine(u / 5, points[1] / 12)
        stains = stains - 0.22 * smooth(0.9, 0.0, points[1] - QUAY)
        below = (np.abs(a) < half + 0.1) & (b < low) & ~ground
        stains = stains - 0.10 * below * smooth(0, 0.8, b) * (1 + 0.6 * fine(a / 3 + column / 7, b / 30))
        albedo = tint * np.clip(stains, 0.3, 1.3)
        band = (np.abs(points[1] - QUAY - 2.92) < 0.13)
        albedo = np.where(band, mix(tint, colour(236, 230, 216), 0.6), albedo)
        trim = (np.abs(a) < half + 0.12) & (b > low - 0.12) & (b < high + 0.12) & (storey < storeys)
        albedo = np.where(trim, colour(228, 222, 208) * stains, albedo)
        flap = has_shutters & ~ground & (np.abs(np.abs(a) - half - 0.26) < 0.22) & (b > low) & (b < high)
        flap &= storey < storeys
        slats = 0.75 + 0.25 * np.sin(b * 70)
        albedo = np.where(flap, shutter * slats, albedo)
        glass = hole & (np.abs(niche_a) < half - 0.08) & (niche_b > low + 0.08) & (niche_b < high - 0.08)
        bars = (np.abs(niche_a) < 0.035) | (np.abs((niche_b - low) % 0.72 - 0.36) < 0.025)
        glass &= ~bars
        whim = scattered(column, storey, seed)
        curtain = smooth(0.05, 0.0, np.abs(niche_a) - half + 0.12 + 0.25 * whim) < 0.5
        inside = np.where(curtain & (whim > 0.35) & ~ground, colour(150, 144, 132), colour(16, 18, 22))
        door = ground & (scattered(column, seed, 9) < 0.4)
        frame = np.where(door, shutter * 0.8, colour(236, 232, 222))
        shade = np.where(hole & ((a > half - 0.17) | (b > high - 0.2)), 0.30, 1.0)
        albedo = np.where(hole, np.where(glass & ~(door & (b < 1.3)), inside, frame) * shade, albedo)
        rough = np.where(glass, 0.015, 0.4)
        tilt = np.stack([whim - 0.5, scattered(storey, column, seed) - 0.5, whim - 0.5]) * 0.03 * glass
        return Surface(np.clip(albedo, 0.003, 0.9), unit(normal + tilt), np.where(glass, 0.07, 0.0), rough)

    return material


def tiles(rgb):
    tint = colour(*rgb)

    def material(points, normal, direction):
        across = np.where(np.abs(normal[0]) > 0.3, points[2], points[0])
        row = points[1] / 0.22
        one = np.floor(across / 0.24 + 0.5 * (np.floor(row) % 2))
        tone = 0.82 + 0.3 * scattered(one, np.floor(row)) + 0.14 * mottle(across / 11, points[1] / 8)
        tone = tone * (0.62 + 0.38 * smooth(0, 0.35, row % 1)) * (0.85 + 0.15 * np.cos(across / 0.24 * 2 * np.pi))
        moss = smooth(0.6, 1.8, mottle(across / 7 + 0.3, points[1] / 5))
        return Surface(np.clip(mix(tint * tone, colour(92, 92, 60), 0.4 * moss), 0.01, 0.8), normal, 0.02, 0.4)

    return material


def house(start, width, storeys, rgb, roof, seed, gabled):
    """On the far quay, facing +z, from x = `start`; it turns its eaves or its gable to the water."""
    along, into, up, origin = (1, 0, 0), (0, 0, -1), (0, 1, 0), (0, 0, FAR_QUAY - 7)
    wall = facade(rgb, along, start, width, storeys, seed)
    eaves, depth = QUAY + 3.0 * storeys + 0.25, 9.0
    end = start + width
    pale, brick = painted((214, 206, 190)), painted((140, 78, 60), wear=0.25, scale=0.8)
    parts = []
    if gabled:
        rise = eaves + width * 0.62
        middle = (start + end) / 2
        outline = [(start, QUAY - 1), (end, QUAY - 1), (end, eaves), (middle, rise - 0.1), (start, eaves)]
        parts.append(Convex(outline, -depth, 0, wall, origin, along, up))
        for a, b in (((start - 0.25, eaves - 0.3), (middle, rise)), ((middle, rise), (end + 0.25, eaves - 0.3))):
            lower = [(b[0], b[1] + 0.22), (a[0], a[1] + 0.22)]
            parts.append(Convex([a, b, *lower], -depth, 0.3, tiles(roof), origin, along, up))
    else:
        parts.append(Convex([(start, QUAY - 1), (end, QUAY - 1), (end, eaves), (start, eaves)], -depth, 0, wall, origin,
                            along, up))
        slope = [(-0.45, eaves - 0.1), (depth + 0.4, eaves - 0.1), (depth / 2, eaves + 3.1)]
        parts.append(Convex(slope, start, end, tiles(roof), origin, into, up))
        parts.append(Convex([(start, eaves - 0.45), (end, eaves - 0.45), (end, eaves - 0.1), (start, eaves - 0.1)],
                            -0.1, 0.28, pale, origin, along, up))
    place = start + width * (0.25 + 0.5 * scattered(seed, 4))
    top = eaves + 4.0
    back = FAR_QUAY - 7
    parts.append(box((place, eaves, back - 5.0), (place + 0.9, top, back - 4.2), brick))
    parts.append(box((place - 0.1, top - 0.3, back - 5.1), (place + 1, top - 0.1, back - 4.1), pale))
    if seed % 3 == 0:  # an awning over the ground floor
        cloth = awning(along, [(178, 52, 42), (40, 86, 120), (206, 150, 60)][seed // 3 % 3])
        outline = [(0.05, 4.15), (-1.9, 3.45), (-1.9, 3.25), (0.05, 4.0)]
        parts.append(Convex(outline, start + 0.5, end - 0.5, cloth, origin, into, up))
    return Group(*parts)


def awning(along, rgb):
    def material(points, normal, direction):
        stripe = (vector(*along) @ points / 0.5) % 1 < 0.5
        return Surface(np.where(stripe, colour(*rgb), colour(232, 224, 206)), normal, through=0.2)

    return material


def paving(points, normal, direction):
    """Granite slabs above, courses of blocks with a wet green foot on the quay's walls."""
    x, y, z = points
    flat = normal[1] > 0.5
    a, b = np.where(flat, x, x + z) / 0.9, np.where(flat, z, y) / 0.45
    a = a + 0.5 * (np.floor(b) % 2)
    joint = np.minimum(np.minimum(a % 1, 1 - a % 1) * 2, np.minimum(b % 1, 1 - b % 1))
    tone = 0.8 + 0.25 * scattered(np.floor(a), np.floor(b))
    tone = tone + 0.10 * mottle(x / 5, (y + z) / 5) + 0.08 * fine(x / 2, (y + z) / 2)
    albedo = colour(158, 150, 138) * np.clip(tone, 0.3, 1.3) * (0.5 + 0.5 * smooth(0, 0.06, joint))
    wet = smooth(0.75, 0.35, y + 0.12 * mottle((x + z) / 4, y / 9))
    return Surface(mix(albedo, colour(40, 48, 30), 0.85 * wet), normal)


def woods(points, normal, direction):
    x, y = points[0] / 90, points[1] / 90
    tone = np.clip(0.5 + 0.25 * mottle(x, y) + 0.22 * fine(x * 3, y * 3), 0, 1)
    return Surface(mix(mix(colour(50, 76, 48), colour(128, 142, 84), tone), colour(176, 194, 208), 0.45), normal)


def boat(place, heading, length, rgb, masts, seed, cabin=True):
    """A wooden boat: a hull with a sheer, a deck, a wheelhouse, masts with stays and furled sails."""
    turn, beam, side = np.radians(heading), length * 0.15, length * 0.105
    ahead, across = vector(np.cos(turn), 0, -np.sin(turn)), vector(np.sin(turn), 0, np.cos(turn))
    centre, half = vector(*place), length / 2
    tint, rim = colour(*rgb), colour(232, 226, 210)

    def lines(points):
        offset = points - centre[:, None]
        s, z, y = ahead @ offset / half, across @ offset, points[1]
        sheer = side * (1 + 0.50 * np.maximum(s, 0) ** 2 + 0.2 * np.minimum(s, 0) ** 2)
        taper = np.where(s > 0, 1 - np.abs(s) ** 2.4, 1 - 0.35 * s * s)
        width = beam * np.maximum(taper, 0) * np.clip((y + 0.5) / (sheer + 0.5), 0, 1) ** 0.4
        return s, y, z, sheer, width

    def hull(points):
        s, y, z, sheer, width = lines(points)
        outer = np.maximum(np.maximum(np.abs(z) - width, y - sheer), (np.abs(s) - 1) * half)
        well = np.maximum(np.maximum(np.abs(z) - width + 0.1, sheer - 0.35 - y), (np.abs(s) - 0.96) * half)
        return np.maximum(outer, -well) * 0.6

    def wood(points, normal, direction):
        s, y, z, sheer, _ = lines(points)
        deck = (normal[1] > 0.7) & (y < sheer - 0.1)
        planks = 0.85 + 0.15 * smooth(0, 0.1, (np.where(deck, z, y) / 0.16) % 1) + 0.12 * fine(s * 2, y / 3 + z / 9)
        albedo = np.where(deck, colour(158, 122, 82), tint) * planks
        albedo = np.where((y > sheer - 0.12) & ~deck, rim, albedo)
        albedo = np.where(y < 0.14, colour(110, 40, 32), albedo)
        return Surface(np.clip(albedo, 0.01, 0.9), normal, 0.04 * ~deck, 0.15)

    at = lambda s, y, z=0.0: centre + ahead * s * half + across * z + vector(0, y, 0)
    parts = [Marched(hull, centre + vector(0, 0.4, 0), half * 1.08, wood, precision=3e-3, steps=45)]
    spar, rope = painted((170, 118, 66), 0.04, 0.2), painted((70, 64, 56))
    canvas = painted([(232, 222, 198), (60, 84, 130), (158, 70, 50)][seed % 3], wear=0.2, scale=0.6)
    for s, height in masts:
        top, boom = length * height, s - 0.62
        parts.append(Rod(at(s, 0.2), at(s, top), 0.011 * length, spar))
        parts.append(Rod(at(s, 0.21 * length), at(boom, 0.22 * length), 0.08, spar))
        parts.append(Rod(at(s - 0.04, 0.228 * length), at(boom + 0.05, 0.235 * length), 0.17, canvas))
        shrouds = [at(s - 0.1, side, beam * 0.9), at(s - 0.1, side, -beam * 0.9)]
        for end in (at(1.0, side * 1.5), at(-0.95, side), *shrouds):
            parts.append(Rod(at(s, top * 0.97), end, 0.016, rope))
    if cabin:
        def room(low, high, s0, s1, w, material):
            outline = [(s0 * half, low), (s1 * half, low), (s1 * half - 0.15, high), (s0 * half, high)]
            return Convex(outline, -w, w, material, centre, ahead, (0, 1, 0))

        def walls(points, normal, direction):
            s, y, z, sheer, _ = lines(points)
            pane = (y > side + 0.75) & (y < side + 1.25) & (((s * half + z) / 0.7) % 1 > 0.25)
            albedo = np.where(pane, colour(30, 34, 40), colour(236, 230, 214))
            return Surface(albedo, normal, np.where(pane, 0.06, 0.02), 0.05)

        parts += [room(0.3, side + 1.6, -0.62, -0.22, beam * 0.55, walls),
                  room(side + 1.6, side + 1.7, -0.66, -0.18, beam * 0.65, painted((120, 62, 48)))]
    return Group(*parts)


def harbour():
    ochre, rose, cream = (222, 176, 104), (206, 138, 114), (232, 214, 172)
    blue, white, red, slate = (140, 166, 186), (226, 222, 212), (158, 82, 58), (92, 98, 110)
    row = [(7.0, 3, ochre, red, 0), (5.2, 4, white, slate, 1), (6.2, 3, rose, red, 1), (7.4, 3, cream, red, 0),
           (5.0, 4, blue, slate, 1), (6.8, 3, ochre, red, 1), (7.6, 2, white, red, 0), (6.0, 4, rose, slate, 1),
           (7.0, 3, cream, red, 0), (6.0, 3, blue, red, 1)]
    things, place = [], -37.0
    for seed, (width, storeys, rgb, roof, gabled) in enumerate(row[-2:] + row):
        things.append(house(place, width, storeys, rgb, roof, seed, gabled))
        place += width
    stone = painted((196, 186, 168), wear=0.2)
    tower = Group(box((6, 0, -84), (12, 22, -78), stone), Convex([(5.6, 22), (12.4, 22), (9, 35)], 77.6, 84.4,
                  painted((96, 116, 112)), a=(1, 0, 0), b=(0, 1, 0), origin=(0, 0, -162)))

    def land(points):
        x, y, z = points
        ridge = 19 + 8 * np.sin(x / 62 + 0.9) + 4 * np.sin(x / 23) + 1.5 * fine(x / 120, z / 120)
        return (y - ridge + 0.0012 * (z + 260) ** 2) * 0.6

    hill = Marched(land, (0, 0, -260), 190, woods, precision=0.2, steps=40)
    things += [tower, hill, Plane((0, 1, 0), 0, water), box((-80, -2, -70), (80, QUAY, FAR_QUAY), paving),
               box((-80, -2, FAR_QUAY), (LEFT_QUAY, QUAY, 10), paving),
               boat((-15.5, 0, -22), 88, 9.5, (46, 82, 116), [(0.2, 1.05)], 0),
               boat((-14.2, 0, -36), 100, 10, (226, 222, 210), [(0.15, 1.15)], 1),
               boat((-3, 0, -42.5), 178, 10, (150, 50, 42), [(0.2, 1.1), (-0.6, 0.75)], 2),
               boat((12, 0, -42.3), 4, 11, (60, 104, 84), [(0.2, 1.05)], 1),
               boat((23, 0, -41.5), 12, 9, (232, 228, 216), [(0.15, 1.2)], 0),
               boat((6.2, 0, -19.5), 152, 9.5, (36, 74, 120), [(0.25, 0.95), (-0.65, 0.6)], 2),
               boat((-4.6, 0, -12.5), 24, 4.2, (206, 150, 62), [], 0, cabin=False)]
    camera = Camera((0, 4.4, 3), (-0.8, 4.9, -30), 1.02, aperture=0.01, focus=(0, 4, -26))
    return Scene(things, sky, sun), camera


if __name__ == "__main__":
    main("harbour", harbour, bounces=1, samples=3, seed=5, exposure=0.68, warmth=1.02)
