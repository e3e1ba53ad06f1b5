"""Render the aeroplane on a turntable that the package ships, in place of the aeroplane of NORB.

Run ``python tools/make_turntable.py [--sheet SHEET.png]`` with the package installed; it takes two minutes on one core.
It writes ``src/drlim/data/turntable.npz`` and prints its SHA-256. NumPy traces the rays through a model of ellipsoids
and plates that is defined here, so that no mesh of another author is needed. The poses are those of NORB: 9 elevations
of the camera, 18 azimuths of the object, and 6 lightings that do not turn with the object. On another machine a few
pixels may be rounded to the next grey level.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drlim._base.arrays import Floats
from drlim.datasets.formats import write_npz

TARGET = Path(__file__).resolve().parents[1] / "src" / "drlim" / "data" / "turntable.npz"
ELEVATIONS = range(30, 75, 5)
AZIMUTHS = range(0, 360, 20)
SIZE = 96
SAMPLES = 3
"""Number of rays along each side of a pixel."""
CAMERA_DISTANCE = 7.0
HALF_VIEW = 1.38
"""Half the side of the frame, in the plane through the centre; the aeroplane is 2.1 long and 1.9 wide."""
GREY_STEP = 2
"""Grey levels are multiples of it, which no eye sees and which keeps the file under 1 MB."""


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid along the axes; x points to the nose, y to the left wing, z up."""

    center: tuple[float, float, float]
    radii: tuple[float, float, float]
    albedo: float

    def hit(self, origins: Floats, directions: Floats) -> tuple[Floats, Floats]:
        """Return the distance (n,) along each ray, infinite for a miss, and outward normals (n, 3)."""
        radii = np.array(self.radii)
        o, d = (origins - self.center) / radii, directions / radii
        a, b, c = (d * d).sum(1), (o * d).sum(1), (o * o).sum(1) - 1
        root = np.sqrt(np.maximum(b * b - a * c, 0))
        t = np.where(b * b > a * c, (-b - root) / a, np.inf)
        normals = (o + np.where(np.isfinite(t), t, 0)[:, None] * d) / radii
        return np.where(t > 0, t, np.inf), _unit(normals)


@dataclass(frozen=True)
class Plate:
    """A trapezoidal plate, such as a wing: root and tip are (x behind, x ahead, offset across, thickness)."""

    root: tuple[float, float, float, float]
    tip: tuple[float, float, float, float]
    start: float
    span: float
    axis: int
    albedo: float

    def planes(self) -> tuple[Floats, Floats]:
        """Return outward normals (6, 3) and offsets (6,): inside is normal . x <= offset."""
        rows = []
        slopes = [(tip - root) / self.span for root, tip in zip(self.root, self.tip, strict=True)]
        behind, ahead, across, thick = self.root
        up = 3 - self.axis  # the axis across: z for a wing along y, y for a fin along z
        sign = np.sign(self.span)
        # along = coordinate - start; each side is (coordinate - value at root - slope * along) <= 0
        for axis, value, slope, side in [
            (0, ahead, slopes[1], 1),
            (0, behind, slopes[0], -1),
            (up, across + thick, slopes[2] + slopes[3], 1),
            (up, across - thick, slopes[2] - slopes[3], -1),
        ]:
            normal = np.zeros(3)
            normal[axis], normal[self.axis] = side, -side * slope
            rows.append((*normal, side * (value - slope * self.start)))
        along = np.eye(3)[self.axis] * sign
        rows += [(*along, sign * (self.start + self.span)), (*-along, -sign * self.start)]
        table = np.array(rows)
        length = np.linalg.norm(table[:, :3], axis=1, keepdims=True)
        return table[:, :3] / length, table[:, 3] / length[:, 0]

    def hit(self, origins: Floats, directions: Floats) -> tuple[Floats, Floats]:
        """Return the same as `Ellipsoid.hit`: a ray hits the last plane it enters, if it has left none before."""
        normals, offsets = self.planes()
        entry = np.full(len(origins), -np.inf)
        leave = np.full(len(origins), np.inf)
        first = np.zeros(len(origins), dtype=np.intp)
        for i, (normal, offset) in enumerate(zip(normals, offsets, strict=True)):
            speed = (directions * normal).sum(1)
            gap = offset - (origins * normal).sum(1)
            t = gap / np.where(speed == 0, 1e-12, speed)
            later = (speed <= 0) & (t > entry)
            entry, first = np.where(later, t, entry), np.where(later, i, first)
            leave = np.where((speed > 0) & (t < leave), t, leave)
        return np.where((entry < leave) & (entry > 0), entry, np.inf), normals[first]


def _wing(side: int) -> Plate:
    return Plate((-0.16, 0.32, -0.06, 0.035), (-0.36, -0.16, 0.04, 0.012), 0.0, 0.95 * side, 1, PAINT)


def _tailplane(side: int) -> Plate:
    return Plate((-1.02, -0.74, 0.04, 0.02), (-1.1, -0.94, 0.07, 0.01), 0.0, 0.4 * side, 1, PAINT)


PAINT = 0.8
"""Share of the light that is reflected. The whole model has one paint, as the toys of NORB have."""

AEROPLANE = [
    Ellipsoid((0.0, 0.0, 0.0), (1.05, 0.135, 0.145), PAINT),
    Ellipsoid((0.66, 0.0, 0.07), (0.2, 0.095, 0.09), 0.2),  # cockpit, which marks the nose
    _wing(1),
    _wing(-1),
    _tailplane(1),
    _tailplane(-1),
    Plate((-1.0, -0.66, 0.0, 0.025), (-1.12, -0.92, 0.0, 0.012), 0.0, 0.48, 2, PAINT),  # fin
    *(Ellipsoid((x, y, -0.12), (0.19, 0.075, 0.075), PAINT) for x, y in [(0.16, 0.36), (0.16, -0.36)]),
]

# Lamps (azimuth from the camera to its left, elevation, strength), ambient strength, background. Directions and
# strengths differ clearly, as those of the combinations of NORB's four lamps. The background is lighter than most of
# the aeroplane, as in NORB.
LIGHTINGS: list[tuple[list[tuple[float, float, float]], float, float]] = [
    ([(75, 40, 0.6)], 0.16, 0.78),
    ([(-75, 40, 0.6)], 0.16, 0.75),
    ([(20, 75, 0.42)], 0.14, 0.7),
    ([(180, 35, 0.52)], 0.18, 0.72),
    ([(75, 40, 0.35), (-75, 40, 0.35)], 0.2, 0.82),
    ([(0, 30, 0.28)], 0.11, 0.66),
]


def _unit(vectors: Floats) -> Floats:
    return vectors / np.sqrt((vectors * vectors).sum(-1, keepdims=True))


def direction(azimuth: float, elevation: float) -> Floats:
    """Return the unit vector (3,) at these degrees; azimuth 0 is x, 90 is y."""
    a, e = np.deg2rad([azimuth, elevation])
    return np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])


def nearest_hit(origins: Floats, directions: Floats) -> tuple[Floats, Floats, Floats]:
    """Return distances (n,), normals (n, 3) and albedos (n,) at the first hit of each ray on the aeroplane."""
    distance = np.full(len(origins), np.inf)
    normals, albedo = np.zeros_like(origins), np.zeros(len(origins))
    for part in AEROPLANE:
        t, normal = part.hit(origins, directions)
        nearer = t < distance
        distance[nearer], normals[nearer], albedo[nearer] = t[nearer], normal[nearer], part.albedo
    return distance, normals, albedo


def camera_rays(azimuth: float, elevation: float) -> tuple[Floats, Floats]:
    """Return origins and directions (n, 3) of the rays of a frame, row after row, in the axes of the aeroplane."""
    # The object turns by azimuth; seen from it, camera and lamps turn the other way.
    eye = direction(-azimuth, elevation) * CAMERA_DISTANCE
    right = np.array([np.sin(np.deg2rad(azimuth)), np.cos(np.deg2rad(azimuth)), 0.0])
    up = np.cross(eye / CAMERA_DISTANCE, right)
    n = SIZE * SAMPLES
    ticks = ((np.arange(n) + 0.5) / n * 2 - 1) * HALF_VIEW
    targets = ticks[None, :, None] * right - ticks[:, None, None] * up  # (n, n, 3)
    rays = _unit(targets.reshape(-1, 3) - eye)
    return np.broadcast_to(eye, rays.shape), rays


def frames(azimuth: float, elevation: float) -> Iterator[NDArray[np.uint8]]:
    """Yield one pose under each of the lightings, (96, 96) each."""
    origins, rays = camera_rays(azimuth, elevation)
    distance, normals, albedo = nearest_hit(origins, rays)
    seen = np.isfinite(distance)
    normals, albedo = normals[seen], albedo[seen]
    # Slightly off the surface, so that a point does not shade itself.
    points = origins[seen] + distance[seen, None] * rays[seen] + 1e-3 * normals
    for lamps, ambient, background in LIGHTINGS:
        light = np.full(len(points), ambient)
        for lamp_azimuth, lamp_elevation, strength in lamps:
            lamp = np.broadcast_to(direction(lamp_azimuth - azimuth, lamp_elevation), points.shape)
            facing = np.maximum((normals * lamp).sum(1), 0)
            light += strength * facing * np.isinf(nearest_hit(points, lamp)[0])
        grey = np.full(len(rays), background)
        grey[seen] = np.minimum(albedo * light, 1)
        pixels = grey.reshape(SIZE, SAMPLES, SIZE, SAMPLES).mean((1, 3)) * (255 / GREY_STEP)
        yield (np.rint(pixels) * GREY_STEP).clip(0, 255).astype(np.uint8)


def turntable() -> dict[str, NDArray[np.generic]]:
    """Return images (972, 96, 96) and their poses, ordered by elevation, then azimuth, then lighting."""
    poses = [(e, a) for e in ELEVATIONS for a in AZIMUTHS]
    images = np.stack([frame for e, a in poses for frame in frames(a, e)])
    n = len(LIGHTINGS)
    return {
        "images": images,
        "elevation": np.repeat([e for e, _ in poses], n).astype(np.uint16),
        "azimuth": np.repeat([a for _, a in poses], n).astype(np.uint16),
        "lighting": np.tile(np.arange(n), len(poses)).astype(np.uint16),
    }


def contact_sheet(images: NDArray[np.uint8], path: Path) -> None:
    """Write one picture: a row for each of nine azimuths, and the six lightings in columns, at three elevations."""
    from PIL import Image  # only for looking at the result

    grid = images.reshape(9, 18, 6, SIZE, SIZE)
    rows = [np.hstack([grid[e, a, i] for e in (0, 4, 8) for i in range(6)]) for a in range(0, 18, 2)]
    Image.fromarray(np.vstack(rows)).save(path)


def main() -> None:
    """Write the file and print what is in it."""
    parser = argparse.ArgumentParser(description="Render the aeroplane on a turntable.")
    parser.add_argument("--sheet", type=Path, help="also write a contact sheet (needs Pillow)")
    sheet = parser.parse_args().sheet
    arrays = turntable()
    write_npz(TARGET, arrays)
    content = TARGET.read_bytes()
    for name, values in arrays.items():
        print(f"{name:10} {values.shape} {values.dtype}")
    print(f"{len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")
    if sheet is not None:
        contact_sheet(arrays["images"], sheet)


if __name__ == "__main__":
    main()
