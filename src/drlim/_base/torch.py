"""The border between numpy and torch: device, dtype, random generators and batches of rows."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from math import prod
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from drlim._base.arrays import Array, Index
from drlim._base.checks import InvalidParameterError, short_repr
from drlim._base.launched import is_launched
from drlim._base.sparse_rows import SparseRows
from drlim._base.stored_rows import StoredRows

__all__ = [
    "RowSource",
    "Rows",
    "device_of",
    "is_queued",
    "moved",
    "pick_device",
    "random_state",
    "read",
    "seeded",
    "set_random_state",
]

_GLOBAL_GENERATORS = threading.RLock()
"""Lock of the global generators: two threads that save and restore them would exchange their states."""


def pick_device(device: str | torch.device, owner: str = "DrLIM") -> torch.device:
    """Return the torch device named; ``"auto"`` is a GPU where there is one, else the CPU.

    Raises
    ------
    InvalidParameterError
        When torch does not know the name or cannot reach the device.
    """
    if isinstance(device, str) and device == "auto":
        return _own_gpu() if torch.cuda.is_available() else torch.device("cpu")
    try:
        chosen = torch.device(device)
        torch.zeros(1, device=chosen).item()  # "meta" can be named and filled, but holds no values
    except (RuntimeError, AssertionError, NotImplementedError, TypeError, ImportError) as error:
        raise InvalidParameterError(
            f"The 'device' parameter of {owner} must be 'auto' or a device that torch can use here, such as 'cpu' or "
            f"'cuda:0'. Got {short_repr(device)} instead."
        ) from error
    return chosen


def _own_gpu() -> torch.device:
    """Return the GPU of this process: of several processes on a machine, each has the one that its launcher names."""
    local = int(os.environ.get("LOCAL_RANK", "0")) if is_launched() else 0
    # A launcher may show each process its own GPU alone, whatever the number.
    return torch.device("cuda", local) if 0 < local < torch.cuda.device_count() else torch.device("cuda")


@contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Run a block with torch's global generators seeded, and restore them afterwards.

    Modules draw initial weights and dropout masks from the global generators and take no other, so this is the only way
    to make a user's own module repeatable. One thread at a time runs such a block; others wait.

    Parameters
    ----------
    seed : int
    device : torch.device, default=None
        Where the block computes. Generators of GPUs are left alone when it is the CPU or None.
    """
    is_cpu = device is None or device.type == "cpu"
    gpus = range(torch.cuda.device_count()) if device is not None and device.type == "cuda" else []
    with _GLOBAL_GENERATORS, torch.random.fork_rng(devices=gpus):
        # torch.manual_seed would also seed every GPU, whose generators are not forked here.
        (torch.default_generator.manual_seed if is_cpu else torch.manual_seed)(seed)
        yield


def random_state(device: torch.device) -> Tensor:
    """Return the state of the global generator that modules on a device draw from."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def set_random_state(state: Tensor, device: torch.device) -> None:
    """Set the state of the global generator that modules on a device draw from."""
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)


def device_of(module: nn.Module) -> torch.device:
    """Return the device of a module's first weight; the CPU if it has none."""
    weight = next(module.parameters(), None)
    return torch.device("cpu") if weight is None else weight.device


def is_queued(device: torch.device) -> bool:
    """Whether a device works through a queue, as a GPU does: to read a number of it is to wait for all in it."""
    return device.type != "cpu"


def moved(array: Array, device: torch.device) -> Tensor:
    """Return a copy of an array, which may be read-only, on a device; work that is queued there is not waited for."""
    return _sent(torch.from_numpy(np.array(array)), device)


def _sent(values: Tensor, device: torch.device) -> Tensor:
    """Return a tensor of the host on a device; what is there already is not copied."""
    if device.type == "cuda":  # from memory that the system may move, the copy would wait
        values = values.pin_memory()
    return values.to(device, non_blocking=True)


def read(values: Tensor) -> list[float]:
    """Return the numbers of a tensor, (k,), once all that is queued on its device is done.

    All that training reads of a device is read here: once an epoch, and not in a step (docs/performance.md).
    """
    numbers: list[float] = values.tolist()
    return numbers


_READ_AHEAD = 2**23
"""Number of values of batches that are read at once, 32 MiB of float32."""


class RowSource(Protocol):
    """Samples that can be read a few at a time: an array, a memory map, or copies that are made when they are read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, ...)."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: Index | slice, /) -> Array: ...


class Rows:
    """Samples of which a batch at a time is wanted as a tensor.

    On a CPU the source stays as it is, so that a memory map is read row by row. For a GPU an array is copied there
    once, not batch by batch; any other source stays on the host.

    Parameters
    ----------
    source : array or RowSource, shape (n, ...)
    device : torch.device
        Device of the tensors.
    dtype : torch.dtype
        Their dtype.

    Attributes
    ----------
    n_copies : int
        Number of rows that stand for one sample, 1 unless the source says otherwise by an attribute of that name. The
        rows of sample i are i, i + n, i + 2 n...
    """

    def __init__(self, source: RowSource, device: torch.device, dtype: torch.dtype) -> None:
        self.device = device
        self.dtype = dtype
        self.n_copies: int = getattr(source, "n_copies", 1)
        self._source = source
        self._there: Tensor | None = None
        self._ready: dict[int, tuple[Index, Array]] = {}  # a batch, which keeps its number while it lives, and its rows
        if device.type != "cpu" and isinstance(source, np.ndarray):
            self._there = moved(source, device)

    def __len__(self) -> int:
        return len(self._source)

    @property
    def source(self) -> RowSource:
        """What the rows are read from."""
        return self._source

    @property
    def bounds(self) -> Index | None:
        """First row of each process, and the number of rows, where each process has rows of its own; else None."""
        return self._source.bounds if isinstance(self._source, StoredRows) else None

    @cached_property
    def own(self) -> Rows:
        """The rows that this process reads by itself; a single other one where it has none."""
        if self.bounds is None or not isinstance(self._source, StoredRows):
            return self
        _, own = self._source.at_hand()
        return Rows(own if len(own) else self._source.spare, self.device, self.dtype)

    @property
    def n_draws(self) -> int:
        """Number of draws made of a source of fresh copies, on which the next one depends; 0 of any other source."""
        return int(getattr(self._source, "n_draws", 0))

    @n_draws.setter
    def n_draws(self, count: int) -> None:
        if hasattr(self._source, "n_draws"):
            self._source.n_draws = count

    def drawn(self) -> Rows:
        """Return rows that do not change between reads: these, or one draw of a source that has a method ``drawn``."""
        draw = getattr(self._source, "drawn", None)
        return self if draw is None else Rows(draw(), self.device, self.dtype)

    def ahead(self, batches: Sequence[Index]) -> Iterator[Index]:
        """Yield batches of row numbers; the rows of the next few are read at once where that is faster.

        Of a source that is slow to pick rows from, the rows of many batches lie near each other, and those of one do
        not.
        """
        if not isinstance(self._source, StoredRows) or self._source.is_quick or not len(batches):
            yield from batches
            return
        n_values = max(1, prod(self._source.shape[1:]) * len(batches[0]))
        at_once = max(1, _READ_AHEAD // n_values)
        for start in range(0, len(batches), at_once):
            some = batches[start : start + at_once]
            read = self._source[np.concatenate(some)]  # (b, ...)
            ends = np.cumsum([len(batch) for batch in some])
            parts = np.split(read, ends[:-1])
            self._ready = {id(batch): (batch, part) for batch, part in zip(some, parts, strict=True)}
            yield from some
        self._ready = {}

    def take_own(self, index: Index | slice) -> Tensor:
        """Return rows that this process reads by itself, by their numbers among all; one row where none are wanted."""
        n_wanted = max(0, index.stop - index.start) if isinstance(index, slice) else len(index)
        if n_wanted == 0:
            return self.own.take(slice(0, 1))
        first = self._source.at_hand()[0] if isinstance(self._source, StoredRows) else 0
        if first:
            index = slice(index.start - first, index.stop - first) if isinstance(index, slice) else index - first
        return self.own.take(index)

    def take(self, index: Index | slice) -> Tensor:
        """Return the rows at ``index`` as a tensor of shape (b, ...). Where processes share them, all take the same."""
        if self._there is not None:
            if isinstance(index, slice):
                return self._there[index].to(self.dtype, copy=True)  # never a view that a module could change
            return self._there.index_select(0, moved(index, self.device)).to(self.dtype)
        _, rows = self._ready.get(id(index)) or (None, self._source[index])
        # Sparse rows are made dense in memory of their own; any other may share it with the source.
        own = rows if isinstance(self._source, SparseRows) else np.array(rows)
        return _sent(torch.from_numpy(own), self.device).to(self.dtype)
