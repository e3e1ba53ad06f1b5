"""The force pass on curved spaces, beside that on the plane."""

from __future__ import annotations

import math
import statistics
from functools import partial

import numpy as np
import torch
from torch import Tensor

from benchmarks.measuring import Measured, alternate, measured, ratio
from drlim.forces import all_pairs
from drlim.spaces import Circle, Cylinder, Space, Sphere, Torus
from drlim.springs import Repulsion

__all__ = ["force_pass"]

_SPACES = (Circle(1.0), Circle(), Cylinder(1.0), Cylinder(), Torus(1.0, 2.0), Torus(), Sphere(1.0), Sphere())
"""Of a radius that is given, and of one that is learned, whose gradient is summed along."""


def force_pass(n: int = 10**5, n_in_range: int = 50, rounds: int = 15, device: str = "cpu") -> list[Measured]:
    """Time a pass on each space and one on the plane, in turn: n points at random, float32, 50 within the margin."""
    rng = np.random.default_rng(0)
    plane = torch.from_numpy(rng.random((n, 2))).to(device, torch.float32)
    calls = {"plane": partial(all_pairs, plane, Repulsion(_margin(n, n_in_range, 1.0, 2)))}
    for space in _SPACES:
        Z, volume = _points(space, n, rng)
        law = Repulsion(_margin(n, n_in_range, volume, space.n_components))
        calls[repr(space)] = partial(all_pairs, Z.to(device, torch.float32), law, space=space)
    times = alternate(calls, rounds, device)
    found = []
    for space in _SPACES:
        value, spread = ratio(times[repr(space)], times["plane"])
        parts = {"space, s": statistics.median(times[repr(space)]), "plane, s": statistics.median(times["plane"])}
        name = f"force pass on {space} / on the plane, {n:,} points, {n_in_range} in range"
        found.append(measured(name, value, "ratio", at_most=2.0, spread=spread, parts=parts))
    return found


def _margin(n: int, n_in_range: int, volume: float, d: int) -> float:
    """Return the radius of a ball that holds so many of n points."""
    ball = {1: 2.0, 2: math.pi}[d]
    return float((n_in_range * volume / n / ball) ** (1 / d))


def _points(space: Space, n: int, rng: np.random.Generator) -> tuple[Tensor, float]:
    """Return points at random, on learned radii of 1 and lines of length 1, and the volume that they fill."""
    free = rng.normal(size=(n, space.n_ambient))
    for place, factor in enumerate(space.factors):
        if not factor.is_curved:
            free[:, sum(one.n_ambient for one in space.factors[:place]) :] = rng.random((n, factor.size))
    radii = [1.0 if factor.radius is None else factor.radius for factor in space.curved]
    curved = Space(tuple(space.with_radii(radii).curved))
    return space.place(torch.from_numpy(free), list(radii)), curved.volume
