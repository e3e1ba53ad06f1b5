"""A group whose members are threads of one process: what is shared out can be tested without starting processes."""

from __future__ import annotations

import contextvars
import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from drlim._base import joining
from drlim._base.group import Group
from drlim._base.shards import shared_rows
from drlim._base.sparse_rows import AnyRows, rows_of
from drlim._base.stored_rows import StoredRows

Result = TypeVar("Result")


class Meeting:
    """Where the threads meet: each puts a value down, and all get the list once the last has come."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.barrier = threading.Barrier(size, timeout=60)
        self._values: list[object] = [None] * size

    def all_of(self, rank: int, value: object) -> list[object]:
        self._values[rank] = value
        self.barrier.wait()
        found = list(self._values)
        self.barrier.wait()
        return found


class ThreadGroup(Group):
    """A `Group` by threads, with the counts of what is sent."""

    def __init__(self, rank: int, meeting: Meeting) -> None:
        super().__init__(rank, meeting.size)
        self._meeting = meeting

    def gather(self, part: Tensor, counts: Sequence[int], what: str) -> Tensor:
        assert len(part) == counts[self.rank]
        self.sent[what] = self.sent.get(what, 0) + max(counts) * math.prod(part.shape[1:])
        return torch.cat(self._meeting.all_of(self.rank, part.detach().clone()))

    def add(self, values: Tensor, what: str) -> None:
        self.sent[what] = self.sent.get(what, 0) + values.numel()
        values.copy_(sum(self._meeting.all_of(self.rank, values.clone())))

    def copy_first(self, values: Tensor) -> None:
        values.copy_(self._meeting.all_of(self.rank, values.clone())[0])

    def texts(self, text: str) -> list[str]:
        return self._meeting.all_of(self.rank, text)


def shared(samples: AnyRows, bounds: Sequence[int], group: Group) -> StoredRows:
    """Return samples of which a thread has those of its shard; its group is the present one from now on."""
    joining._PRESENT.set(group)
    own = slice(bounds[group.rank], bounds[group.rank + 1])
    return shared_rows(rows_of(samples, own), np.array(bounds))


def in_threads(size: int, work: Callable[[Group], Result]) -> list[Result]:
    """Run the work of each member of a group of ``size``, and return what each returns."""
    meeting = Meeting(size)

    def one(rank: int) -> Result:
        try:
            return work(ThreadGroup(rank, meeting))
        except BaseException:
            meeting.barrier.abort()  # for the others not to wait
            raise

    with ThreadPoolExecutor(size) as pool:
        futures = [pool.submit(contextvars.copy_context().run, one, rank) for rank in range(size)]
        errors = [future.exception() for future in futures]
        first = [error for error in errors if error and not isinstance(error, threading.BrokenBarrierError)]
        if first:
            raise first[0]
        return [future.result() for future in futures]
