"""The sample photos' small path tracer and darkroom: a scene, a camera with a lens, film. Needs numpy and Pillow."""

import argparse
import dataclasses
import pathlib
import time

import numpy as np
from PIL import Image, ImageFilter

from shapes import FAR, Group, Surface, cross, dot, unit, vector

NEAR = 1e-4  # a ray leaves its surface by this much, and by a little of its length


class Scene:
    """`environment(origins, directions, mirrored)` is the light of rays that meet nothing. `light(points, u, v)` gives
    the way to a point of the lamp, its distance and its irradiance."""

    def __init__(self, things, environment, light):
        self.things, self.environment, self.light = things, environment, light
        self.shapes = []
        self._number(things)

    def _number(self, things):
        for thing in things:
            if isinstance(thing, Group):
                self._number(thing.members)
            else:
                thing.number = len(self.shapes)
                self.shapes.append(thing)

    def nearest(self, origin, direction, limit=FAR):
        """The distance to what a ray meets first, and its shape's number or -1."""
        t = np.broadcast_to(np.float32(limit), origin[0].shape).copy()
        number = np.full(t.size, -1, np.int32)
        self._visit(self.things, origin, direction, np.arange(t.size), t, number)
        return t, number

    def _visit(self, things, origin, direction, rays, t, number):
        for thing in things:
            inside, o, d = rays, origin, direction
            if thing.bound:
                offset = thing.bound[0][:, None] - origin
                closest, radius = dot(offset, direction), np.float32(thing.bound[1])
                near = dot(offset, offset) - closest * closest < radius * radius
                near &= (closest + radius > 0) & (closest - radius < t[rays])
                chosen = np.flatnonzero(near)
                inside, o, d = rays[chosen], origin[:, chosen], direction[:, chosen]
            if not inside.size:
                continue
            if isinstance(thing, Group):
                self._visit(thing.members, o, d, inside, t, number)
                continue
            distance = thing.meet(o, d)
            closer = np.flatnonzero(distance < t[inside])
            t[inside[closer]], number[inside[closer]] = distance[closer], thing.number

    def surfaces(self, points, direction, number):
        """One Surface for all points, put together from those of the shapes they lie on."""
        whole = Surface(np.zeros_like(points), np.zeros_like(points), *np.zeros((3, number.size), np.float32))
        facing = np.zeros_like(points)
        for one in np.unique(number):
            at = np.flatnonzero(number == one)
            shape, where, towards = self.shapes[one], points[:, at], direction[:, at]
            normal = shape.normal(where)
            normal = np.where(dot(normal, towards) > 0, -normal, normal)
            part = shape.material(where, normal, towards)
            facing[:, at] = normal
            for field in dataclasses.fields(Surface):
                getattr(whole, field.name)[..., at] = getattr(part, field.name)
        return whole, facing

    def radiance(self, origin, direction, chance, bounces):
        """The light that comes in along the rays; `chance()` gives two fresh random numbers a ray."""
        total, weight = np.zeros_like(origin), np.ones_like(origin)
        rays = np.arange(origin.shape[1])
        seen = np.ones(rays.size, bool)  # lamps are seen by the camera and its mirrors; else their light is sampled
        for bounce in range(bounces + 1):
            t, number = self.nearest(origin, direction)
            missed = np.flatnonzero(number < 0)
            sky = self.environment(origin[:, missed], direction[:, missed], seen[missed])
            total[:, rays[missed]] += weight[:, rays[missed]] * sky
            met = np.flatnonzero(number >= 0)
            rays, seen, t, number = rays[met], seen[met], t[met], number[met]
            origin, direction = origin[:, met], direction[:, met]
            if not rays.size:
                break
            points = origin + direction * t
            surface, facing = self.surfaces(points, direction, number)
            points = (points + facing * (NEAR + 2e-5 * t)).astype(np.float32)
            u, v = chance()
            pick = chance()[0][rays]
            fresnel = surface.gloss + (1 - surface.gloss) * (1 - np.clip(-dot(surface.normal, direction), 0, 1)) ** 5
            fresnel = np.where(surface.gloss > 0, fresnel * (1 - 0.6 * surface.roughness), 0)

            # Straight from the lamp.
            way, distance, irradiance = self.light(points, u[rays], v[rays])
            way = way.astype(np.float32)
            cosine = dot(surface.normal, way)
            lit = np.where(dot(facing, way) > 0, np.maximum(cosine, 0), surface.through * np.maximum(-cosine, 0))
            asked = np.flatnonzero(lit * irradiance.max(0) > 1e-4)
            side = np.where(dot(facing, way) < 0, -2, 0) * (NEAR + 2e-5 * t)
            start = (points + facing * side)[:, asked].astype(np.float32)
            _, blocker = self.nearest(start, way[:, asked], distance[asked])
            lit[asked[blocker >= 0]] = 0
            direct = surface.albedo / np.pi * irradiance * lit * (1 - fresnel)
            total[:, rays] += np.minimum(weight[:, rays] * direct, 8 if bounce == 0 else 2)

            # On to a mirrored or to a scattered direction: as often as it matters.
            likely = np.where(surface.gloss > 0, np.clip(fresnel, 0.15, 0.95), 0)
            likely = np.where((surface.gloss > 0) & (surface.albedo.max(0) < 0.06), 1, likely)  # water, dark glass
            mirrored = pick < likely
            u, v = (values[rays] for values in chance())
            turn, height = 2 * np.pi * u, 1 - 2 * v
            ball = np.stack([np.sqrt(1 - height * height) * f for f in (np.cos(turn), np.sin(turn))] + [height])
            mirror = direction - 2 * dot(direction, surface.normal) * surface.normal
            mirror = mirror + ball * surface.roughness * np.sqrt(pick / np.maximum(likely, 1e-3))
            scatter = surface.normal + ball.astype(np.float32)
            direction = unit(np.where(mirrored, mirror, scatter)).astype(np.float32)
            inwards = np.minimum(dot(direction, facing) - 0.01, 0)
            direction = unit(direction - 2 * inwards * facing)
            share = np.where(mirrored, fresnel / np.maximum(likely, 1e-3), (1 - fresnel) / np.maximum(1 - likely, 1e-3))
            weight[:, rays] *= np.where(mirrored, share, share * surface.albedo)
            origin, seen = points, seen & mirrored
        return total


class Camera:
    """A lens of `aperture` metres in diameter that sees `width` radians across and is sharp at the point `focus`."""

    def __init__(self, place, towards, width, aperture=0.0, focus=None):
        self.place, towards = vector(*place), vector(*towards)
        self.ahead = unit(towards - self.place)
        self.right = unit(cross(self.ahead, vector(0, 1, 0)))
        self.up = cross(self.right, self.ahead)
        self.reach, self.radius = np.float32(np.tan(width / 2)), np.float32(aperture / 2)
        self.distance = np.float32(self.ahead @ (vector(*(towards if focus is None else focus)) - self.place))

    def rays(self, x, y, u, v):
        """x and y in halves of the picture's width from its middle; u and v choose the lens's point."""
        axes = [axis[:, None] for axis in (self.ahead, self.right, self.up)]
        target = (axes[0] + self.reach * (axes[1] * x + axes[2] * y)) * self.distance
        radius, turn = self.radius * np.sqrt(u), 2 * np.pi * v
        lens = (axes[1] * np.cos(turn) + axes[2] * np.sin(turn)) * radius
        return (self.place[:, None] + lens).astype(np.float32), unit(target - lens).astype(np.float32)


def expose(scene, camera, width, height, samples, bounces, seed):
    """The picture in linear light. Samples of a pixel avoid one another: steps of an R2 sequence, shuffled by use."""
    image = np.zeros((height, width, 3), np.float32)
    rows = max(1, 24000 // width)
    begun = time.process_time()
    for top in range(0, height, rows):
        y, x = np.mgrid[top : min(top + rows, height), 0:width].reshape(2, -1).astype(np.float32)
        random = np.random.default_rng([seed, top])
        starts = random.random((2 + 3 * (bounces + 1), 2, x.size), dtype=np.float32)
        orders = [random.permutation(samples) for _ in starts]
        total = np.zeros((3, x.size), np.float32)
        for sample in range(samples):
            pairs = iter([(start + order[sample] * np.array([[0.7548777], [0.5698403]], np.float32)) % 1
                          for start, order in zip(starts, orders)])
            dx, dy = next(pairs)
            u, v = next(pairs)
            tent = [np.where(d < 0.5, np.sqrt(2 * d) - 1, 1 - np.sqrt(2 - 2 * d)) * 0.85 for d in (dx, dy)]
            across, upward = (x + 0.5 + tent[0]) * 2 / width - 1, (height - 2 * (y + 0.5 + tent[1])) / width
            light = scene.radiance(*camera.rays(across, upward, u, v), lambda: next(pairs), bounces)
            total += np.minimum(light, 12)
        image[top : top + rows] = (total / samples).T.reshape(-1, width, 3)
    print(f"{width}x{height}, {samples} samples a pixel: {time.process_time() - begun:.0f} s")
    return image


def quieted(image, strength):
    """Less noise, as cameras do it: every pixel becomes a mean of neighbours of like lightness, at ever wider steps."""
    for step in (1, 2, 4):
        scaled = np.log(image + 0.02)
        total, weights = image.copy(), np.ones(image.shape[:2])[..., None]
        for dy, dx in [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)]:
            moved = np.roll(image, (dy * step, dx * step), (0, 1))
            apart = np.square(np.roll(scaled, (dy * step, dx * step), (0, 1)) - scaled).sum(-1, keepdims=True)
            weight = np.exp(-apart * (step / strength) ** 2)
            total, weights = total + moved * weight, weights + weight
        image = total / weights
    return image


def develop(image, exposure, warmth=1.0, quiet=0.4, grain=0.011, vignette=0.22, seed=1):
    """What a camera adds: glow around lights, a film curve, a vignette, grain, sharpening."""
    random = np.random.default_rng(seed)
    height, width, _ = image.shape
    image = quieted(image, quiet) * exposure * np.array([warmth, 1, 1 / warmth])
    bright = np.maximum(image - 0.9, 0)
    small = [Image.fromarray(bright[..., c].astype(np.float32)).reduce(width // 60)
             .resize((width, height), Image.Resampling.BICUBIC) for c in range(3)]
    image = image + 0.25 * np.stack([np.asarray(channel) for channel in small], -1)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    image = image * (1 - vignette * (0.7 * x * x + 0.3 * y * y))[..., None]
    # Narkowicz's fit of the ACES curve: shadows keep their depth, lights roll off.
    image = np.maximum(image, 0) * 0.72
    image = image * (2.51 * image + 0.03) / (image * (2.43 * image + 0.59) + 0.14)
    encoded = np.clip(image, 0, 1) ** (1 / 2.2)
    noise = random.standard_normal((height, width, 1)) + 0.4 * random.standard_normal((height, width, 3))
    encoded += noise * grain * (1.1 - encoded)
    pixels = np.clip(encoded * 255 + 0.5, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels).filter(ImageFilter.UnsharpMask(0.8, 45, 2))


def main(name, make, bounces, samples, seed, **film):
    """Renders `make()`, a scene and a camera, to NAME.jpg beside the scripts; --draft: small, noisy, to DRAFT.png."""
    arguments = argparse.ArgumentParser(description=f"Renders {name}.jpg.")
    arguments.add_argument("--draft", metavar="DRAFT.png", help="a small, noisy picture, for work on the scene")
    draft = arguments.parse_args().draft
    scene, camera = make()
    if draft:
        develop(expose(scene, camera, 600, 400, 2, bounces, seed), **film).save(draft)
        return
    path = pathlib.Path(__file__).resolve().parent / f"{name}.jpg"
    picture = develop(expose(scene, camera, 1200, 800, samples, bounces, seed), **film)
    picture.save(path, quality=82, subsampling="4:2:0", optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")
