"""Compiling kernels by numba (the extra ``[fast]``), and running them side by side in threads.

Importing this module imports numba, which takes 0.3 s, so other modules import it inside the functions that need it.
A kernel runs on a range of rows and on one thread. The ranges depend on sizes alone and every sum has a fixed order,
so the number of threads does not change the bytes of a result.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

try:
    import numba
except ImportError:  # not installed, or not for this numpy
    numba = None

__all__ = ["AVAILABLE", "PAIRS_PER_TASK", "compiled", "in_ranges", "in_threads", "inlined"]

Function = TypeVar("Function", bound=Callable[..., Any])

AVAILABLE = numba is not None and not numba.config.DISABLE_JIT
"""Whether kernels are compiled. As plain Python they give the same results, ten thousand times slower."""

PAIRS_PER_TASK = 2**20
"""Number of pairs from which a task is worth a thread: 0.2 ms of work; two threads take 0.1 ms to start and end."""


def in_threads(work: Callable[[int], None], tasks: int) -> None:
    """Call ``work`` on every task; kernels hold no lock, so threads run side by side.

    The threads end with the call: a pool that stayed would be dead in a forked process. They start in 0.1 ms.
    """
    import torch  # a second, and kernels that use no threads do without

    workers = min(tasks, torch.get_num_threads())
    if workers == 1:
        for task in range(tasks):
            work(task)
        return
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, range(tasks)):
            pass


def in_ranges(work: Callable[[int, int], None], count: int, tasks: int) -> None:
    """Call ``work`` with the first and the end of each of ``tasks`` consecutive ranges of ``count`` rows, in threads.

    Examples
    --------
    >>> found = []
    >>> in_ranges(lambda first, end: found.append((first, end)), 7, 2)
    >>> sorted(found)
    [(0, 3), (3, 7)]
    """
    bounds = np.linspace(0, count, tasks + 1).astype(np.int64).tolist()
    in_threads(lambda task: work(bounds[task], bounds[task + 1]), tasks)


def compiled(function: Function) -> Function:
    """Mark a kernel to be compiled at its first call with a dtype, or read from numba's cache.

    The cache stands beside this file or in the user's cache directory; where neither can be written, every process
    compiles.
    """
    if not AVAILABLE:
        return function
    try:
        kernel: Function = numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # no directory for the cache can be written
        kernel = numba.njit(**_OPTIONS)(function)
    return kernel


def inlined(function: Function) -> Function:
    """Mark a part of a kernel to be compiled into each kernel that calls it.

    A part with machine code of its own would be optimised once by itself and once within its kernel. The process that
    compiles would then run the first, one that reads the cache the second, and sums would round otherwise.
    """
    if not AVAILABLE:
        return function
    part: Function = numba.njit(forceinline=True, **_OPTIONS)(function)
    return part


_OPTIONS: dict[str, Any] = {
    "nogil": True,
    # "arcp" and "afn" let float32 take a fast reciprocal root, refined to 1e-7: twice as fast. float64 has none and
    # stays exact. No "nnan" and "ninf": coincident points must be told apart.
    "fastmath": {"reassoc", "contract", "nsz", "arcp", "afn"},
    "error_model": "numpy",  # Python's raises on x / 0, which no vector instruction does: ten times slower
}
