"""Clocks, peak memory, and the one form in which every measurement is handed back."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

__all__ = ["MIB", "alternate", "measured", "peak_memory", "ratio", "reached", "seconds", "whole_peak"]

MIB = 2**20

Measured = dict[str, Any]
"""What `measured` returns: plain values that JSON can hold."""


def measured(
    what: str,
    value: float,
    unit: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    spread: tuple[float, float] | None = None,
    parts: Mapping[str, Any] | None = None,
    notes: str = "",
) -> Measured:
    """Return one line of the table.

    Parameters
    ----------
    what : str
        What was measured, in words.
    value : float
    unit : str
        Of ``value`` and of the bound: "ratio", "s", "GB", "exponent".
    at_least, at_most : float, default=None
        The bound promised, one of the two or none.
    spread : (float, float), default=None
        Quartiles of ``value`` over the rounds of the run.
    parts : dict, default=None
        What ``value`` was computed from, by name.
    notes : str, default=""

    Returns
    -------
    dict
    """
    wanted = at_least if at_most is None else at_most
    sense = None if wanted is None else ("at least" if at_most is None else "at most")
    return {
        "what": what,
        "value": float(value),
        "wanted": wanted,
        "sense": sense,
        "unit": unit,
        "spread": None if spread is None else [float(end) for end in spread],
        "parts": dict(parts or {}),
        "notes": notes,
    }


def reached(line: Measured) -> bool | None:
    """Whether a measurement keeps its promise; None when none was made.

    Examples
    --------
    >>> reached(measured("a pass", 1.1, "ratio", at_most=1.15))
    True
    >>> reached(measured("pairs a second", 0.9, "ratio", at_least=1.0))
    False
    """
    if line["wanted"] is None:
        return None
    value, wanted = line["value"], line["wanted"]
    return bool(value >= wanted if line["sense"] == "at least" else value <= wanted)


def seconds(function: Callable[[], object], device: str = "cpu") -> float:
    """Return the wall time of one call, a GPU's queue emptied before and after."""
    return _clocked(function, device)[1]


def alternate(
    sides: Mapping[str, Callable[[], float | object]], rounds: int, device: str = "cpu"
) -> dict[str, list[float]]:
    """Time several functions in turn, A B A B ..., after one untimed call of each.

    What slows a machine for a while then slows all of them. The untimed call compiles, fills caches and takes memory
    from the system.

    Parameters
    ----------
    sides : dict of str to callable
        A function that returns a float has clocked itself, and is believed: that is how one epoch inside a longer
        call is timed.
    rounds : int
        In [1, inf).
    device : str, default="cpu"

    Returns
    -------
    dict of str to list of float
        Seconds of each side, a round a place.
    """
    for function in sides.values():
        function()
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, function in sides.items():
            own, outside = _clocked(function, device)
            times[name].append(own if isinstance(own, float) else outside)
    return times


def ratio(above: list[float], below: list[float]) -> tuple[float, tuple[float, float]]:
    """Return the median over the rounds of the ratio of two sides, and its quartiles.

    Of each round by itself: what slows both sides of a round leaves its ratio alone.

    Examples
    --------
    >>> ratio([2.0, 4.0, 60.0], [1.0, 2.0, 20.0])
    (2.0, (2.0, 2.5))
    """
    ratios = [over / under for over, under in zip(above, below, strict=True)]
    return statistics.median(ratios), quartiles(ratios)


def quartiles(values: list[float]) -> tuple[float, float]:
    """Return the first and third quartile; of one value, itself twice."""
    if len(values) == 1:
        return values[0], values[0]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, third


def peak_memory(function: Callable[[], object], device: str = "cpu") -> int:
    """Return by how many bytes the process grew, at most, while ``function`` ran.

    Above what was held when it began; of a GPU, its own memory. Best in a fresh process: memory that was
    taken and given back earlier can be used again without being counted.
    """
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
        before = int(torch.cuda.memory_allocated())
        function()
        _synchronize(device)
        return int(torch.cuda.max_memory_allocated()) - before
    before = _held_now()
    function()
    return max(0, whole_peak() - before)


def whole_peak() -> int:
    """Return the most bytes that this process has held, since `peak_memory` last began where the system can tell."""
    held = _status("VmHWM")
    if held is not None:
        return held
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _clocked(function: Callable[[], object], device: str) -> tuple[object, float]:
    """Return what a call returned, and its seconds."""
    _synchronize(device)
    began = time.perf_counter()
    returned = function()
    _synchronize(device)
    return returned, time.perf_counter() - began


def _held_now() -> int:
    """Return the bytes held now, the mark of the peak brought down to them where the system can do that."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:  # not Linux, or not allowed: the earlier peak then hides growth below it
        return whole_peak()
    return _status("VmRSS") or whole_peak()


def _status(name: str) -> int | None:
    """Return a size that Linux keeps of this process, in bytes."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kibibytes = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(kibibytes[0]) * 1024 if kibibytes else None


def _synchronize(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()
