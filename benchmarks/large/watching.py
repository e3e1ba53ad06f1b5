"""Memory of a process beyond what the system keeps of files: sampled while a call runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

__all__ = ["Watched", "anonymous_memory", "watched"]

_Result = TypeVar("_Result")

_INTERVAL = 0.01
"""Seconds between two looks at the memory."""


class Watched(NamedTuple):
    """What a call took.

    Attributes
    ----------
    wall, processor : float
        Seconds, and seconds of all threads together.
    peak : int
        Largest growth of the anonymous memory, in bytes. Pages of a memory map are not in it.
    """

    wall: float
    processor: float
    peak: int


def anonymous_memory() -> int:
    """Return the resident bytes of this process that are no pages of a file, by Linux's status."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise OSError("This system does not say how much of the memory of a process is no file: run this on Linux.")


def watched(call: Callable[[], _Result]) -> tuple[_Result, Watched]:
    """Return what a call returns, and what it took."""
    before, done = anonymous_memory(), threading.Event()
    peak = [before]

    def look() -> None:
        while not done.wait(_INTERVAL):
            peak[0] = max(peak[0], anonymous_memory())

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    wall, processor = time.perf_counter(), time.process_time()
    try:
        result = call()
    finally:
        took = time.perf_counter() - wall, time.process_time() - processor
        done.set()
        looking.join()
    return result, Watched(*took, max(peak[0], anonymous_memory()) - before)
