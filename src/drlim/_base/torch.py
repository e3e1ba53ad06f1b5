"""The border between numpy and torch: device, dtype, random generators and batches of rows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drlim._base.checks import InvalidParameterError, short_repr

__all__ = ["Rows", "pick_device", "random_state", "seeded", "set_random_state"]

_GLOBAL_GENERATORS = threading.RLock()
"""Held while the global generators are borrowed: two threads would give each other's states back."""


def pick_device(device: str | torch.device) -> torch.device:
    """Return the torch device named; ``"auto"`` is a GPU where there is one, else the CPU.

    Raises
    ------
    InvalidParameterError
        When torch does not know the name or cannot reach the device.
    """
    if isinstance(device, str) and device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.zeros(1, device=chosen).item()  # "meta" can be named and filled, but holds no values
    except (RuntimeError, AssertionError, NotImplementedError, TypeError, ImportError) as error:
        raise InvalidParameterError(
            "The 'device' parameter of DrLIM must be 'auto' or a device that torch can use here, such as 'cpu' or "
            f"'cuda:0'. Got {short_repr(device)} instead."
        ) from error
    return chosen


@contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Run a block with torch's global generators seeded, and give them back as they were.

    Modules draw initial weights and dropout masks from the global generators and take no other; this is the only
    way to make a user's own module repeat. One thread at a time runs such a block; others wait.

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
    """Give the global generator a state back."""
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.set_rng_state(state)


class Rows:
    """Samples on the host or a device, of which a few rows at a time are wanted as a tensor.

    On a CPU the array stays as it is, so that a memory map is read row by row; for a GPU it is copied there once,
    not batch by batch. Samples that are made when they are read (anything but an array) stay on the host.

    Attributes
    ----------
    n_copies : int
        Rows that each sample stands for; those of sample i are i, i + n, i + 2 n...
    """

    n_copies = 1

    def __init__(self, X: Any, device: torch.device, dtype: torch.dtype) -> None:
        self.device = device
        self.dtype = dtype
        self._host = X
        self._there: Tensor | None = None
        if device.type != "cpu" and isinstance(X, np.ndarray):
            self._there = torch.from_numpy(np.array(X)).to(device)

    def __len__(self) -> int:
        return len(self._host)

    def drawn(self) -> Rows:
        """Return rows that stay what they are; here, these."""
        return self

    def take(self, index: NDArray[np.int64] | slice) -> Tensor:
        """Return the rows at ``index``, shape (b, ...), in the dtype wanted."""
        if self._there is not None:
            if isinstance(index, slice):
                return self._there[index].to(self.dtype, copy=True)  # never a view that a module could change
            return self._there.index_select(0, torch.from_numpy(index).to(self.device)).to(self.dtype)
        return torch.from_numpy(np.array(self._host[index])).to(self.device, self.dtype)
