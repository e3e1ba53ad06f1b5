"""The number of threads of small steps: one, for as long as they run and in the calling thread alone.

Training takes thousands of steps of a few milliseconds, and each step has dozens of parallel regions. At the end of
each region OpenMP's threads wait for each other, and on a busy machine a thread waits until the scheduler runs the
other: steps of 2 threads were measured to take 7 to 15 times as long as steps of one.

OpenMP's number of threads is a property of the calling thread, so it is lowered here and nowhere else. MKL, which
multiplies torch's matrices on x86 processors, follows OpenMP until somebody calls ``torch.set_num_threads``, and has a
number of its own from then on; that number, too, has a form that is a property of the calling thread.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path

import torch
from threadpoolctl import ThreadpoolController

__all__ = ["is_small", "one_thread", "threads_for"]

LARGEST_SMALL_STEP = 2e10
"""Maximum number of multiplications of a step that runs on one thread: about half a second of one core."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Run a block on one thread of OpenMP and MKL, in the calling thread alone.

    Other threads keep their number, and so does ``torch.set_num_threads``; the number of the calling thread is
    restored at the end, also after an error. Entering and leaving takes 0.1 ms.

    Examples
    --------
    >>> before = torch.get_num_threads()
    >>> with one_thread():
    ...     torch.get_num_threads()
    1
    >>> torch.get_num_threads() == before
    True
    """
    torch.get_num_threads()  # torch sets the number of a thread at its first call there, and must not do so later
    set_mkl = _mkl_setter()
    with _openmp().limit(limits=1):
        before = set_mkl(1)
        try:
            yield
        finally:
            set_mkl(before)


def threads_for(n_multiplications: float) -> AbstractContextManager[None]:
    """Return a context that runs steps of ``n_multiplications`` each on one thread, or on the user's if larger."""
    return one_thread() if is_small(n_multiplications) else nullcontext()


def is_small(n_multiplications: float) -> bool:
    """Whether a step of ``n_multiplications`` is to run on one thread."""
    return n_multiplications <= LARGEST_SMALL_STEP


@cache
def _openmp() -> ThreadpoolController:
    """Return the OpenMP libraries of this process; listing them takes 1 ms."""
    return ThreadpoolController().select(user_api="openmp")


@cache
def _mkl_setter() -> Callable[[int], int]:
    """Return MKL's function that sets the number of the calling thread and returns the one before; 0 is MKL's own.

    Torch links MKL statically, where threadpoolctl does not find it. Without MKL the function does nothing.
    """
    library = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    if library.exists():
        setter = getattr(ctypes.CDLL(str(library)), "MKL_Set_Num_Threads_Local", None)
        if setter is not None:
            setter.argtypes, setter.restype = [ctypes.c_int], ctypes.c_int
            return lambda n_threads: int(setter(n_threads))
    return lambda _: 0
