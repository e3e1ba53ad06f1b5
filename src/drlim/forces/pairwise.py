"""One pair at a time, for many pairs at once: distances, slopes, and sums whose order is fixed."""

from __future__ import annotations

import torch
from torch import Tensor

from drlim.springs import Law

__all__ = ["gradient_factor", "norm", "row_sums", "self_energy", "total"]


def norm(displacement: list[Tensor]) -> Tensor:
    """Return the Euclidean norm, given one tensor for each coordinate."""
    squares = torch.zeros_like(displacement[0])
    for component in displacement:
        squares = squares.addcmul_(component, component)
    return squares.sqrt_()


def gradient_factor(law: Law, distance: Tensor) -> Tensor:
    """Return L'(D) / D, by which the displacement is multiplied in the gradient; 0 at D = 0."""
    return torch.where(distance > 0, -law.force(distance) / distance, 0.0)


def self_energy(law: Law, points: Tensor) -> Tensor:
    """Return the energy at distance 0.

    Sums over all points subtract it, since each counts the spring of a point to itself.
    """
    return law.energy(torch.zeros(1, dtype=points.dtype, device=points.device)).to(torch.float64)[0]


def row_sums(values: Tensor) -> Tensor:
    """Sum each row.

    A single long row is summed by numpy: torch would divide it among its threads, and rounding would differ.
    """
    if len(values) == 1 and values.device.type == "cpu":
        return torch.from_numpy(values.numpy().sum(1))
    return values.sum(1)


def total(energies: Tensor) -> Tensor:
    """Return the sum of all energies, (); its bytes do not depend on the number of threads."""
    return row_sums(energies[None])[0]
