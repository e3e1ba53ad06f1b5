"""Processes that work together, and what travels between them.

Only numbers and short texts travel: tensors by the collectives of `torch.distributed`, texts by its store. Nothing is
pickled.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import cast

import torch
from torch import Tensor
from torch import distributed as dist

from drlim._base.messages import one_line
from drlim._base.notices import warn_user
from drlim._base.watch import GroupError, Store, Watch

__all__ = ["ALONE", "Group"]

_SLICE = timedelta(seconds=1)
"""Time of one wait for the others, after which a failure is looked for."""

_POLL = 0.005
"""Seconds for which a process asks again and again whether a collective is done, before it sleeps. A core that sleeps
wakes late: so an epoch of 200 steps in two processes takes 7 % less time, one of 50 steps 5 %."""

_LATE = 60.0
"""Seconds after which a warning names the processes that are waited for."""

_FAREWELL = 5.0
"""Maximum number of seconds that the process with the store waits for the others to leave."""


class Group:
    """The processes of a fit, of which this is one.

    Attributes
    ----------
    rank : int
        Number of this process, in [0, size).
    size : int
        Number of processes; 1 where there is no group.
    sent : dict of str to int
        Numbers that this process gave to the others so far, by what they are.
    device : torch.device
        Where tensors that are sent must be.
    """

    def __init__(self, rank: int = 0, size: int = 1, store: Store | None = None, device: str = "cpu") -> None:
        self.rank = rank
        self.size = size
        self.sent: dict[str, int] = {}
        self._store = store
        self.device = torch.device(device)
        self._watch = None if store is None else Watch(store, rank, size)
        self._n_exchanges = 0
        self._member = (rank, size)

    @property
    def is_several(self) -> bool:
        """Whether there are other processes."""
        return self.size > 1

    def gather(self, part: Tensor, counts: Sequence[int], what: str) -> Tensor:
        """Return the rows of all processes, those of rank 0 first, shape (sum of counts, ...).

        Parameters
        ----------
        part : Tensor, shape (counts[rank], ...)
            Rows of this process; no gradient is recorded.
        counts : sequence of int
            Number of rows of each process.
        what : str
            What is sent, for the count of `sent`.
        """
        if not self.is_several:
            return part.detach()
        most = max(counts)
        mine = part.new_zeros(most, *part.shape[1:])  # (most, ...): all processes send as much
        mine[: len(part)] = part.detach()
        self._count(what, mine)
        all_rows = part.new_empty(self.size, most, *part.shape[1:])  # (size, most, ...)
        self._wait(lambda: dist.all_gather(list(all_rows.unbind(0)), mine, async_op=True))
        if min(counts) == most:
            return all_rows.flatten(0, 1)  # (sum, ...)
        return torch.cat([rows[:count] for rows, count in zip(all_rows, counts, strict=True)])  # (sum, ...)

    def add(self, values: Tensor, what: str) -> None:
        """Replace values by their sums over all processes, the same bytes on each, in place.

        Two processes on CPUs give each other theirs: as many numbers travel as in a ring, in one turn in place of two.
        """
        if self.size == 2 and self.device.type == "cpu":
            first, second = self.gather(values[None], [1, 1], what)
            torch.add(first, second, out=values)
        elif self.is_several:
            self._count(what, values)
            self._wait(lambda: dist.all_reduce(values, async_op=True))

    def copy_first(self, values: Tensor) -> None:
        """Replace values by those of rank 0, in place."""
        if self.is_several:
            self._wait(lambda: dist.broadcast(values, 0, async_op=True))

    def totals(self, values: Sequence[float]) -> list[float]:
        """Return sums over all processes in double precision, added in the order of ranks."""
        return [sum(column) for column in zip(*self.lists(values), strict=True)]

    def lists(self, values: Sequence[float]) -> list[list[float]]:
        """Return the numbers of each process, those of rank 0 first."""
        if not self.is_several:
            return [list(values)]
        mine = torch.tensor([values], dtype=torch.float64, device=self.device)  # (1, k)
        found: list[list[float]] = self.gather(mine, [1] * self.size, "totals").tolist()
        return found

    def texts(self, text: str) -> list[str]:
        """Return a text of each process, that of rank 0 first. It waits for all, however late they come."""
        if self._store is None or not self.is_several:
            return [text]
        self._n_exchanges += 1
        keys = [f"text/{self._n_exchanges}/{rank}" for rank in range(self.size)]
        began, warned = time.monotonic(), False
        with self._explained():
            self._store.set(keys[self.rank], text)
            while not self._store.check(keys):
                self._check()
                time.sleep(0.005)
                if not warned and time.monotonic() - began > _LATE:
                    warned = True
                    late = [str(rank) for rank, key in enumerate(keys) if not self._store.check([key])]
                    warn_user(f"Still waiting for {' and '.join(late)} of {self.size} processes to call fit, too.")
            return [self._store.get(key).decode() for key in keys]

    def agree(self, values: Mapping[str, str]) -> None:
        """Refuse to begin where processes were given different values; name these.

        Parameters
        ----------
        values : dict of str to str
            What this process was given, by name; large values as a fingerprint.
        """
        if not self.is_several:
            return
        given: list[dict[str, str]] = [json.loads(text) for text in self.texts(json.dumps(dict(values)))]
        names = [name for name in given[0] if any(one.get(name) != given[0][name] for one in given)]
        if names or any(one.keys() != given[0].keys() for one in given):
            raise ValueError(
                f"Expected all {self.size} processes to be given the same. {_difference(names, given)} Give all the "
                "same, or fit each by itself inside drlim.training.alone()."
            )

    def begin(self) -> None:
        """Begin to watch the others."""
        if self._watch is not None:
            self._watch.begin()

    def end(self, error: BaseException | None) -> None:
        """Stop watching; tell the others why, where this process fails."""
        if self._watch is None:
            return
        if error is not None and not isinstance(error, GroupError):
            self._watch.report(f"{type(error).__name__}: {one_line(error)}")
        self._watch.end()
        self._farewell()

    def leave(self, reason: str) -> None:
        """Go on alone, and tell the others why: what they wait for does not come."""
        if self._watch is not None and self.is_several:
            self._watch.report(reason)
            self.rank, self.size = 0, 1

    def _farewell(self) -> None:
        """Let the process with the store, which may be rank 0, stay until the others have read what they need."""
        store = cast(Store, self._store)
        try:
            rank, size = self._member
            if rank:
                store.set(f"left/{rank}", "1")
                return
            others, began = [f"left/{other}" for other in range(1, size)], time.monotonic()
            while not store.check(others) and time.monotonic() - began < _FAREWELL:
                time.sleep(0.005)
        except RuntimeError:  # the store is gone, and so there is nothing to wait for
            return

    def _count(self, what: str, values: Tensor) -> None:
        self.sent[what] = self.sent.get(what, 0) + values.numel()

    def _check(self) -> None:
        if self._watch is not None:
            self._watch.check()

    def _wait(self, collective: Callable[[], object]) -> None:
        """Start a collective and wait for it; raise where a process has failed.

        A GPU's collectives are only put into its queue here: to wait for them would stop the stream of work.
        """
        with self._explained():
            work = cast(dist.Work, collective())
            if self.device.type != "cpu":
                work.wait()
                return
            while not _is_done(work):
                self._check()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn errors of connections into one that gives the first cause."""
        try:
            yield
        except RuntimeError as error:  # torch's errors of connections and stores are of this class
            if self._watch is None:
                raise
            self._watch.explain(error)


ALONE = Group()
"""No other process."""


def _difference(names: Sequence[str], given: Sequence[Mapping[str, str]]) -> str:
    """Return a sentence for each of the first differences, with the first two values."""
    sentences = []
    for name in names[:3]:
        other = next(rank for rank, one in enumerate(given) if one.get(name) != given[0][name])
        sentences.append(f"Rank 0 has {name} {given[0][name]}, and rank {other} has {given[other].get(name, 'none')}.")
    return " ".join(sentences) or "They call different methods."


def _let_others_run() -> None:
    """Let other threads and processes have the core, which the collective itself may need."""
    if hasattr(os, "sched_yield"):
        os.sched_yield()
    else:  # on Windows
        time.sleep(0)


def _is_done(work: dist.Work) -> bool:
    """Wait a little; return whether a collective is done. Where it has failed, its error is raised."""
    began = time.perf_counter()
    while not work.is_completed() and time.perf_counter() - began < _POLL:
        _let_others_run()
    try:
        work.wait(_SLICE)
    except RuntimeError:
        if not work.is_completed():  # the little time is over
            return False
        work.wait()  # raises what went wrong, or nothing where it was done just now
    return True
