"""The force pass by itself: its growth with the number of points, its time beside others, and its memory."""

from __future__ import annotations

import math
import statistics

import torch
from torch import Tensor

from benchmarks.baselines import by_neighbor_list, compiled_loop
from benchmarks.measuring import MIB, Measured, alternate, measured, peak_memory, quartiles, ratio
from benchmarks.points import spread_evenly, within_a_margin
from drlim.forces import all_pairs
from drlim.springs import Repulsion

__all__ = ["collapsed_memory", "growth", "memory", "neighbor_list", "one_margin"]

LAW = Repulsion(1.0)
"""The law of all passes."""


def growth(
    n: int = 10**4, factor: int = 100, rounds: int = 5, dims: tuple[int, ...] = (2, 1, 3), device: str = "cpu"
) -> list[Measured]:
    """Time a pass over n points and one over ``factor`` times as many with the same density: one line for each d.

    The result is the exponent p if the time between the two grows as a power n^p of the number of points.
    """
    return [_growth(n, factor, rounds, d, device) for d in dims]


def _growth(n: int, factor: int, rounds: int, d: int, device: str) -> Measured:
    few, many = (spread_evenly(count, d, device=device) for count in (n, n * factor))
    times = alternate({"few": lambda: all_pairs(few, LAW), "many": lambda: all_pairs(many, LAW)}, rounds, device)
    exponents = [math.log(b / a) / math.log(factor) for a, b in zip(times["few"], times["many"], strict=True)]
    return measured(
        f"growth of the force pass from {n:,} to {n * factor:,} points, {d}-D, about 50 in range",
        statistics.median(exponents),
        "exponent",
        at_most=1.1 if d == 2 else None,
        spread=quartiles(exponents),
        parts={
            f"{n:,} points, s": statistics.median(times["few"]),
            f"{n * factor:,} points, s": statistics.median(times["many"]),
        },
    )


def neighbor_list(n: int = 10**6, rounds: int = 3, device: str = "cpu") -> Measured:
    """Time a pass against a sum over the pairs in range that a k-d tree lists."""
    Z = spread_evenly(n, device=device)
    off = _disagreement(all_pairs(Z, LAW), by_neighbor_list(Z, 1.0))
    times = alternate({"drlim": lambda: all_pairs(Z, LAW), "list": lambda: by_neighbor_list(Z, 1.0)}, rounds, device)
    value, spread = ratio(times["drlim"], times["list"])
    return measured(
        f"force pass over {n:,} points, 50 in range / `cKDTree.query_pairs` + `index_add`",
        value,
        "ratio",
        at_most=1 / 3,
        spread=spread,
        parts={"drlim, s": statistics.median(times["drlim"]), "list, s": statistics.median(times["list"])},
        notes=off,
    )


def one_margin(n: int = 30_000, rounds: int = 5, device: str = "cpu") -> Measured:
    """Time a pass with every pair in range against a compiled double loop, and return the ratio of pairs per second."""
    Z = within_a_margin(n, device=device)
    off = _disagreement(all_pairs(Z, LAW), compiled_loop(Z, 1.0))
    times = alternate({"drlim": lambda: all_pairs(Z, LAW), "loop": lambda: compiled_loop(Z, 1.0)}, rounds, device)
    value, spread = ratio(times["loop"], times["drlim"])
    pairs = n * (n - 1) / 2
    return measured(
        f"{n:,} points within one margin: pairs a second / a compiled {torch.get_num_threads()}-thread double loop",
        value,
        "ratio",
        at_least=1.0,
        spread=spread,
        parts={
            "drlim, pairs/s": pairs / statistics.median(times["drlim"]),
            "loop, pairs/s": pairs / statistics.median(times["loop"]),
        },
        notes=off,
    )


def memory(n: int = 10**6, device: str = "cpu") -> Measured:
    """Measure the peak memory of a pass over evenly spread points, without the points."""
    return _memory(
        f"peak memory of a force pass beyond its inputs, {n:,} points, 50 in range",
        spread_evenly(n, device=device),
        device,
    )


def collapsed_memory(n: int = 10**5, device: str = "cpu") -> Measured:
    """Measure the peak memory of a pass over points that are all in range of each other."""
    return _memory(
        f"peak memory of a force pass beyond its inputs, {n:,} points within one margin",
        within_a_margin(n, device=device),
        device,
    )


def _memory(what: str, Z: Tensor, device: str) -> Measured:
    all_pairs(
        Z[:20_000].clone(), LAW
    )  # to compile and load libraries: that memory belongs to the process, not to a pass
    grown = peak_memory(lambda: all_pairs(Z, LAW), device)
    return measured(what, grown / 1e9, "GB", at_most=1.0, parts={"MiB": grown / MIB})


def _disagreement(ours: tuple[float, Tensor], theirs: tuple[float, Tensor]) -> str:
    """Return the relative difference of two results as text; raise if they are not the same quantity."""
    energy = abs(ours[0] - theirs[0]) / abs(theirs[0])
    gradient = float((ours[1].cpu() - theirs[1].cpu()).norm() / theirs[1].cpu().norm())
    if not max(energy, gradient) < 1e-3:
        raise ArithmeticError(f"The two sides differ: energy by {energy:.1e}, gradient by {gradient:.1e}, relative.")
    return f"both sides agree: energy to {energy:.0e}, gradient to {gradient:.0e}"
