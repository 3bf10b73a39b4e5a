"""Shapes and textures of the sample photos' small path tracer. Needs numpy.

Vectors are arrays of shape (3, n), one column a ray or a point; lengths are metres, y points up, light is linear sRGB.
A shape has a material: a function (points, normals, directions) that gives a Surface.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

FAR = np.float32(1e9)


def vector(x, y, z):
    return np.array([x, y, z], np.float32)


def dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def unit(v):
    return v / np.sqrt(np.maximum(dot(v, v), 1e-20))


def cross(a, b):
    return np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def colour(red, green, blue):
    """sRGB bytes to linear light, as a column."""
    return ((np.array([red, green, blue], np.float32) / 255) ** 2.2)[:, None]


def mix(a, b, amount):
    return a + (b - a) * amount


def smooth(low, high, values):
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def scattered(*values):
    """A random-looking number in [0, 1) for every tuple of whole numbers."""
    total = sum(np.asarray(value) * factor for value, factor in zip(values, (12.9898, 78.233, 37.719)))
    number = (np.sin(total + 0.5) * 43758.5453) % 1
    return number if number.ndim else float(number)


class Noise:
    """Smooth noise of mean 0 and deviation 1, periodic with period 1; its amplitude falls as frequency ** -slope."""

    def __init__(self, random, size, slope, dimensions=2, lowest=1.0):
        axes = np.meshgrid(*[np.fft.fftfreq(size, 1 / size)] * dimensions)
        frequency = np.sqrt(sum(np.square(axis) for axis in axes))
        weight = np.where(frequency >= lowest, np.maximum(frequency, 1) ** -slope, 0)
        values = np.fft.ifftn(np.fft.fftn(random.standard_normal((size,) * dimensions)) * weight).real
        self.grid, self.size = ((values - values.mean()) / values.std()).astype(np.float32), size

    def __call__(self, *coordinates):
        """Linear interpolation between the grid's points."""
        scaled = [np.asarray(coordinate, np.float32) % 1 * self.size for coordinate in coordinates]
        whole = [values.astype(np.int32) for values in scaled]
        parts = [values - below for values, below in zip(scaled, whole)]
        total = 0
        for corner in np.ndindex(*(2,) * len(scaled)):
            index = tuple((below + step) % self.size for below, step in zip(whole, corner))
            value = self.grid[index]
            for part, step in zip(parts, corner):
                value = value * (part if step else 1 - part)
            total = total + value
        return total

    def nearest(self, *coordinates):
        scaled = [np.asarray(coordinate, np.float32) % 1 * self.size for coordinate in coordinates]
        return self.grid[tuple(values.astype(np.int32) % self.size for values in scaled)]


@dataclasses.dataclass
class Surface:
    """What light meets. `gloss`: the mirror reflectance straight on; `through`: the part of light that passes."""

    albedo: np.ndarray
    normal: np.ndarray
    gloss: np.ndarray | float = 0.0
    roughness: np.ndarray | float = 0.0
    through: float = 0.0


class Shape:
    """`bound` is a sphere (centre, radius) around the shape; None: it is endless."""

    bound = None
    material: Callable[..., Surface]


class Plane(Shape):
    """All points with normal . point = offset."""

    def __init__(self, normal, offset, material):
        self.axis, self.offset, self.material = unit(vector(*normal)), offset, material

    def meet(self, origin, direction):
        t = (self.offset - dot(self.axis, origin)) / np.where((s := dot(self.axis, direction)) == 0, 1e-9, s)
        return np.where(t > 0, t, FAR)

    def normal(self, points):
        return np.broadcast_to(self.axis[:, None], points.shape)


class Convex(Shape):
    """A prism: a convex polygon [(a, b), ...], counter-clockwise, in the axes a and b, from c0 to c1 along a x b."""

    def __init__(self, polygon, c0, c1, material, origin=(0, 0, 0), a=(1, 0, 0), b=(0, 1, 0)):
        a, b, origin = vector(*a), vector(*b), vector(*origin)
        c = cross(a, b)
        points = np.array(polygon, np.float32)
        sides = np.roll(points, -1, 0) - points
        outward = np.stack([sides[:, 1], -sides[:, 0]], 1) / np.hypot(*sides.T)[:, None]
        self.normals = np.stack([*(outward @ np.stack([a, b])), c, -c]).astype(np.float32)
        self.offsets = np.append((outward * points).sum(1), [c1, -c0]) + self.normals @ origin
        self.offsets = self.offsets.astype(np.float32)
        corners = np.concatenate([points @ np.stack([a, b]) + c * end for end in (c0, c1)]) + origin
        middle = (corners.min(0) + corners.max(0)) / 2
        self.bound = middle, float(np.sqrt(np.square(corners - middle).sum(1).max()))
        self.material = material

    def meet(self, origin, direction):
        enter, leave = np.zeros_like(origin[0]), np.full_like(origin[0], FAR)
        for normal, offset in zip(self.normals, self.offsets):
            speed = dot(normal, direction)
            speed = np.where(np.abs(speed) < 1e-9, np.float32(1e-9), speed)
            t = (offset - dot(normal, origin)) / speed
            inwards = speed < 0
            enter = np.where(inwards, np.maximum(enter, t), enter)
            leave = np.where(inwards, leave, np.minimum(leave, t))
        return np.where((enter < leave) & (enter > 0), enter, FAR)

    def normal(self, points):
        distances = self.normals @ points - self.offsets[:, None]
        return self.normals[distances.argmax(0)].T


def box(low, high, material):
    (x0, y0, z0), (x1, y1, z1) = low, high
    return Convex([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], z0, z1, material)


class Rod(Shape):
    """A round bar from one point to another with round ends."""

    def __init__(self, start, end, radius, material):
        self.start, self.end, self.radius, self.material = vector(*start), vector(*end), radius, material
        self.bound = (self.start + self.end) / 2, float(np.linalg.norm(self.end - self.start)) / 2 + radius

    def meet(self, origin, direction):
        along = self.end - self.start
        offset = origin - self.start[:, None]
        aa, ad, ao = along @ along, along @ direction, along @ offset
        a = aa - ad * ad
        b = aa * dot(direction, offset) - ad * ao
        c = aa * (dot(offset, offset) - self.radius**2) - ao * ao
        root = b * b - a * c
        t = (-b - np.sqrt(np.maximum(root, 0))) / np.maximum(a, 1e-9)
        place = ao + t * ad
        return np.where((root > 0) & (place > 0) & (place < aa) & (t > 0), t, FAR)

    def normal(self, points):
        along = self.end - self.start
        offset = points - self.start[:, None]
        share = np.clip(along @ offset / (along @ along), 0, 1)
        return unit(offset - along[:, None] * share)


class Marched(Shape):
    """A shape known by its distance, `distance(points)`, never longer than the true one, inside a sphere."""

    def __init__(self, distance, centre, radius, material, precision=3e-4, steps=90):
        self.distance, self.material, self.bound = distance, material, (vector(*centre), radius)
        self.precision, self.steps = precision, steps

    def meet(self, origin, direction):
        offset = self.bound[0][:, None] - origin
        closest = dot(offset, direction)
        half = np.sqrt(np.maximum(self.bound[1] ** 2 - dot(offset, offset) + closest * closest, 0))
        t, end = np.maximum(closest - half, 0), closest + half
        result = np.full_like(t, FAR)
        alive = np.flatnonzero(half > 0)
        for _ in range(self.steps):
            if not alive.size:
                break
            d = self.distance(origin[:, alive] + direction[:, alive] * t[alive])
            hit = d < self.precision
            result[alive[hit]] = t[alive[hit]]
            t[alive] += np.maximum(d, self.precision).astype(np.float32)
            alive = alive[~hit & (t[alive] < end[alive])]
        return np.where(result > 0, result, FAR)

    def normal(self, points):
        step = self.precision * 2
        corners = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], np.float32)
        return unit(sum(corner[:, None] * self.distance(points + corner[:, None] * step) for corner in corners))


class Group:
    """Shapes that are looked at only by rays that meet the sphere around all of them."""

    def __init__(self, *members):
        self.members = members
        centres, radii = np.array([m.bound[0] for m in members]), np.array([m.bound[1] for m in members])
        low, high = (centres - radii[:, None]).min(0), (centres + radii[:, None]).max(0)
        middle = ((low + high) / 2).astype(np.float32)
        self.bound = middle, float((np.linalg.norm(centres - middle, axis=1) + radii).max())


class Frame:
    """Local coordinates around `centre`: y along `axis`, turned by `turn`."""

    def __init__(self, centre, axis, turn=0.0):
        self.centre, y = vector(*centre), unit(vector(*axis))
        x = unit(cross(y, vector(0.31, 0.2, 0.93)))
        z = cross(x, y)
        axes = [x * np.cos(turn) + z * np.sin(turn), y, z * np.cos(turn) - x * np.sin(turn)]
        self.axes = np.stack(axes).astype(np.float32)

    def __call__(self, points):
        return self.axes @ (points - self.centre[:, None])
