"""The group of processes of a fit: the one that there is, or one made for its time, or none.

torchrun, SLURM scripts and Ray Train start the same program several times, on one machine or on many, and say by
environment variables which of them a process is.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, cast

import torch
from torch import distributed as dist

from drlim._base.group import ALONE, Group
from drlim._base.launched import is_launched, launched_rank
from drlim._base.watch import GroupError, Store

if TYPE_CHECKING:
    from torch.distributed.distributed_c10d import Store as TorchStore

__all__ = ["alone", "is_first", "joined", "present_group"]

_PRESENT: ContextVar[Group] = ContextVar("present_group", default=ALONE)
_IS_ALONE: ContextVar[bool] = ContextVar("is_alone", default=False)
_ONE_AT_A_TIME = threading.Lock()
_N_FITS = 0
_OWN_STORE: list[TorchStore] = []
"""The store made by this process, kept to its end: the first process serves it to the others."""


def present_group() -> Group:
    """Return the group of the fit that runs here; `ALONE` without one."""
    return ALONE if _IS_ALONE.get() else _PRESENT.get()


def is_first() -> bool:
    """Whether this process is the one that writes and prints: rank 0, or the only one."""
    if _IS_ALONE.get():
        return True
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank() == 0
    return launched_rank() == 0


@contextmanager
def alone() -> Iterator[None]:
    """Let fits of this block use this process alone, though a launcher has started several.

    Examples
    --------
    Each process fits a map of its own, or rank 0 fits one and the others none:

    >>> import drlim
    >>> data = drlim.datasets.digits()
    >>> with drlim.training.alone():
    ...     model = drlim.DrLIM(max_epochs=1).fit(data.X_train[:100])
    """
    token = _IS_ALONE.set(True)
    try:
        yield
    finally:
        _IS_ALONE.reset(token)


@contextmanager
def joined(device: torch.device) -> Iterator[Group]:
    """Run a block as one of the processes that a launcher has started, or alone where there are no others.

    A fit inside a fit, as a callback may make one, runs alone.

    Parameters
    ----------
    device : torch.device
        Where the block computes. A group made here takes "nccl" for a GPU and "gloo" for a CPU.

    Yields
    ------
    Group

    Raises
    ------
    GroupError
        When another process fails.
    """
    if present_group().is_several or not _is_wanted():
        with alone():
            yield ALONE
        return
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise RuntimeError(
            "Two fits in threads of one process cannot share a group of processes: their messages would mix. Fit one "
            "after the other, or each inside drlim.training.alone()."
        )
    try:
        with _made(device):
            yield from _watched(device)
    finally:
        _ONE_AT_A_TIME.release()


def _watched(device: torch.device) -> Iterator[Group]:
    """Yield the present group of torch, with a store for this fit alone, and watch it."""
    global _N_FITS  # all processes count their fits alike
    _N_FITS += 1
    from torch.distributed import distributed_c10d as c10d  # not in all builds of torch

    default = c10d._get_default_store()  # noqa: SLF001 - torch has no public name for it
    store = c10d.PrefixStore(f"drlim/{_N_FITS}", default)
    group = Group(dist.get_rank(), dist.get_world_size(), cast(Store, store), device.type)
    token, failure = _PRESENT.set(group), None
    group.begin()
    try:
        yield group
        group.texts("done")
    except BaseException as error:
        failure = error
        raise
    finally:
        _PRESENT.reset(token)
        group.end(failure)


def _is_wanted() -> bool:
    """Whether there is a group of several processes, or one that is to be made."""
    if _IS_ALONE.get() or not dist.is_available():
        return False
    if dist.is_initialized():
        return dist.get_world_size() > 1
    return is_launched()


@contextmanager
def _made(device: torch.device) -> Iterator[None]:
    """Make torch's group where there is none, and end it with the block; leave one that is there as it is."""
    if dist.is_initialized():
        if dist.get_backend() == "nccl" and device.type == "cpu":
            raise ValueError(
                "Expected a group of processes whose backend sends from a CPU, 'gloo' or 'cpu:gloo,cuda:nccl', or "
                "device='cuda'. Got 'nccl' with device='cpu'."
            )
        yield
        return
    from torch.distributed import PrefixStore, rendezvous  # type: ignore[attr-defined]  # not in all builds of torch

    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    if not _OWN_STORE:
        _OWN_STORE.append(next(iter(rendezvous("env://", rank, size)))[0])
    backend = "nccl" if device.type == "cuda" else "gloo"
    # torchrun keeps its store over a restart, with the addresses of the processes before.
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    store = PrefixStore(f"drlim/group/{attempt}/{_N_FITS}", _OWN_STORE[0])
    dist.init_process_group(backend, store=store, rank=rank, world_size=size)
    try:
        yield
    except GroupError:
        _keep_group()
        raise
    finally:
        dist.destroy_process_group()


def _keep_group() -> None:
    """Keep torch's group beyond the end of Python, where another process has failed.

    To free it is to wait for its threads, and they wait for a process that stopped, for half an hour. After an error of
    this process alone, none of its threads waits, and nothing is kept.
    """
    from torch.distributed import distributed_c10d as c10d  # not in all builds of torch

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(c10d._get_default_group()))  # noqa: SLF001 - torch has no public name
