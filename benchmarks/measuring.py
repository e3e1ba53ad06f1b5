"""Clocks, peak memory, and the form in which every measurement is returned."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

__all__ = ["MIB", "alternate", "measured", "peak_memory", "ratio", "reached", "seconds", "torch_threads", "whole_peak"]

MIB = 2**20

Measured = dict[str, Any]
"""Result of `measured`: values that JSON can store."""


@contextmanager
def torch_threads(n_threads: int) -> Iterator[None]:
    """Run a block, or a function, on a number of torch's threads, and leave torch with the number that it had."""
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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
        Description of the quantity.
    value : float
        Its value.
    unit : str
        Unit of ``value`` and of the bound: "ratio", "s", "GB", "exponent".
    at_least, at_most : float, default=None
        The promised bound; at most one of the two.
    spread : (float, float), default=None
        Quartiles of ``value`` over the rounds of the run.
    parts : dict, default=None
        Numbers that ``value`` was computed from, by name.
    notes : str, default=""
        Remarks.

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
    """Whether a measurement reaches its bound; None without a bound.

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
    """Return the wall time of one call in seconds. A GPU's queue is emptied before and after."""
    return _clocked(function, device)[1]


def alternate(
    sides: Mapping[str, Callable[[], float | object]], rounds: int, device: str = "cpu"
) -> dict[str, list[float]]:
    """Time several functions in turn, A B A B ..., after one untimed call of each.

    A temporary slowdown of the machine then affects all of them. The untimed call compiles, fills caches and allocates
    memory.

    Parameters
    ----------
    sides : dict of str to callable
        Functions by name. If a function returns a float, this is taken as its time in seconds; in this way one epoch
        inside a longer call can be timed.
    rounds : int
        Number of timed calls of each function, in [1, inf).
    device : str, default="cpu"
        Device on which the functions compute.

    Returns
    -------
    dict of str to list of float
        Seconds of each side, one entry for each round.
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

    The ratio is taken in each round, so that a slowdown of both sides of a round does not change it.

    Examples
    --------
    >>> ratio([2.0, 4.0, 60.0], [1.0, 2.0, 20.0])
    (2.0, (2.0, 2.5))
    """
    ratios = [over / under for over, under in zip(above, below, strict=True)]
    return statistics.median(ratios), quartiles(ratios)


def quartiles(values: list[float]) -> tuple[float, float]:
    """Return the first and third quartile; for a single value, that value twice."""
    if len(values) == 1:
        return values[0], values[0]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, third


def peak_memory(function: Callable[[], object], device: str = "cpu") -> int:
    """Return the maximum growth of the process, in bytes, while ``function`` runs; on a GPU, that of its memory.

    Use a fresh process: memory that was allocated and freed earlier can be used again without being counted.
    """
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats()
        before = int(torch.cuda.memory_allocated())
        function()
        _synchronize(device)
        return int(torch.cuda.max_memory_allocated()) - before
    before = _resident_now()
    function()
    return max(0, whole_peak() - before)


def whole_peak() -> int:
    """Return the peak memory of this process in bytes, on Linux since the start of the last `peak_memory`."""
    peak = _status("VmHWM")
    if peak is not None:
        return peak
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _clocked(function: Callable[[], object], device: str) -> tuple[object, float]:
    """Return the result of a call, and its wall time in seconds."""
    _synchronize(device)
    began = time.perf_counter()
    returned = function()
    _synchronize(device)
    return returned, time.perf_counter() - began


def _resident_now() -> int:
    """Return the resident bytes of the process, and reset its peak to them if the system allows it."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:  # not Linux, or not allowed: growth below the earlier peak is then not counted
        return whole_peak()
    return _status("VmRSS") or whole_peak()


def _status(name: str) -> int | None:
    """Return a size from Linux's status of this process, in bytes; None on other systems."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kibibytes = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(kibibytes[0]) * 1024 if kibibytes else None


def _synchronize(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()
