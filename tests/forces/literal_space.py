"""Energy and force on a space by a double loop over pairs, from the formulas of arcs alone."""

from __future__ import annotations

import math

import numpy as np
import torch

from drlim.spaces import Circle, Cylinder, Line, Space, Sphere, Torus
from drlim.springs import Law

SPACES = {
    "circle": Circle(2.0),
    "sphere": Sphere(1.0),
    "cylinder": Cylinder(1.5),
    "torus": Torus(1.0, 2.0),
    "thick cylinder": Circle(1.2) * Line(2),
    "three factors": Circle(1.0) * Sphere(2.0) * Line(2),
}


def points_on(space: Space, n: int, seed: int = 0, spread: float = 1.0) -> torch.Tensor:
    """Return random points in ambient coordinates, float64 (n, a); learned radii are 1.3."""
    free = torch.from_numpy(np.random.default_rng(seed).normal(size=(n, space.n_ambient)))
    return space.place(free * spread, [factor.radius or 1.3 for factor in space.curved])


def literal(space: Space, Z: torch.Tensor, law: Law) -> tuple[float, np.ndarray]:
    """Return the energy of all pairs, and dE/dz along the space, (n, a)."""
    points = Z.numpy()
    arcs = [[arc(space, a, b) for b in points] for a in points]
    lengths = np.array([[length for length, _ in row] for row in arcs])  # (n, n)
    ways = np.array([[way for _, way in row] for row in arcs])  # (n, n, a)
    apart = ~np.eye(len(points), dtype=bool)
    energy = float(law.energy(torch.from_numpy(lengths[apart])).sum()) / 2
    force = law.force(torch.from_numpy(lengths)).numpy() * apart
    share = np.divide(force, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return energy, -(share[:, :, None] * ways).sum(axis=1)


def arc(space: Space, a: np.ndarray, b: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the length of the shortest path from b to a, and the way along it at a, of that length."""
    squares, ways, first = 0.0, [], 0
    for factor in space.factors:
        part = slice(first, first + factor.n_ambient)
        first = part.stop
        if not factor.is_curved:
            ways.append(a[part] - b[part])
        else:
            radius = np.linalg.norm(a[part])
            angle = 2 * math.atan2(np.linalg.norm(a[part] - b[part]), np.linalg.norm(a[part] + b[part]))
            towards = b[part] - (a[part] @ b[part]) / radius**2 * a[part]
            length = np.linalg.norm(towards)
            ways.append(-radius * angle * towards / length if length > 0 else 0 * towards)
            squares += (radius * angle) ** 2
            continue
        squares += float(ways[-1] @ ways[-1])
    return math.sqrt(squares), np.concatenate(ways)
