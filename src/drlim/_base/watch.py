"""A watch over processes that work together: the first failure of one is known to all, and so is silence.

Each process has a thread that writes a count into the group's store once a second, reads the next process's count, and
reads whether a failure was written. A process that raises writes why. One that was killed or stopped writes nothing:
the process before it writes that it is silent. Nothing here waits for another process.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Protocol

from drlim._base.messages import one_line

__all__ = ["GroupError", "Store", "Watch"]

_BEAT = 1.0
"""Seconds between two counts."""

_SILENCE = 40.0
"""Seconds without a new count after which a process counts as gone. A call into compiled code may hold Python's lock,
and with it the thread that counts, for several seconds."""

_FAILED, _DONE = "failed", "done"


class GroupError(ConnectionError):
    """Another process of a fit failed, was killed or fell silent; the text says which, and why.

    Examples
    --------
    Rank 1 was killed:

    >>> raise GroupError("Training over several processes ended by a failure of rank 1: gone without a word")
    Traceback (most recent call last):
        ...
    drlim._base.watch.GroupError: Training over several processes ended by a failure of rank 1: gone without a word
    """


class Store(Protocol):
    """Keys and values that all processes of a group read and write: what torch's stores have in common."""

    def set(self, key: str, value: str, /) -> None:
        """Write a value."""
        ...

    def get(self, key: str, /) -> bytes:
        """Read a value; it waits for one that is not there."""
        ...

    def check(self, keys: list[str], /) -> bool:
        """Whether all keys are there."""
        ...

    def compare_set(self, key: str, expected: str, desired: str, /) -> bytes:
        """Write a value where the present one, "" for none, is the expected one."""
        ...


class Watch:
    """One process's part of the watch.

    Parameters
    ----------
    store : Store
        Of this fit alone.
    rank : int
    size : int
        Number of processes.
    beat, silence : float, default=1.0, 40.0
        Seconds between two counts, and those without a new one after which a process counts as gone.
    """

    def __init__(self, store: Store, rank: int, size: int, *, beat: float = _BEAT, silence: float = _SILENCE) -> None:
        self._store = store
        self._rank = rank
        self._size = size
        self._next = (rank + 1) % size
        self._beat = beat
        self._silence = silence
        self._failure: str | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drlim-watch", daemon=True)

    def begin(self) -> None:
        """Start to count and to look."""
        self._store.set(f"beat/{self._rank}", "0")
        self._thread.start()

    def end(self) -> None:
        """Stop, because the work of this process is done."""
        self._ended.set()
        self._thread.join()
        if self._failure is None:
            with suppress(RuntimeError):  # a store that is gone has nobody to tell
                self._store.set(f"{_DONE}/{self._rank}", "1")

    def report(self, text: str) -> None:
        """Tell all why this process fails. The first failure told is the cause of all others, and stays."""
        if self._failure is None:
            self._failure = self._written(f"rank {self._rank}: {text}")

    def check(self) -> None:
        """Raise where a process has failed.

        Raises
        ------
        GroupError
            With the first cause.
        """
        if self._failure is not None:
            raise GroupError(f"Training over several processes ended by a failure of {self._failure}")

    def explain(self, error: BaseException) -> None:
        """Find out why a connection broke, and raise.

        A process that raised has told why before it closed its connections. One that was killed counts no further.
        """
        time.sleep(2 * self._beat)  # for the watch to read what was told
        self.check()
        gone = self._not_counting()
        names = f"rank{'s' if len(gone) > 1 else ''} {', '.join(map(str, gone))}"
        what = f"{names}: gone without a word, as after a kill" if gone else "a connection between two processes"
        self._failure = self._written(f"{what} ({one_line(error)})")
        self.check()

    def _not_counting(self) -> list[int]:
        """Return the processes that have not counted further within three beats and are not done."""
        others = [rank for rank in range(self._size) if rank != self._rank]
        try:
            before = [self._count_of(rank) for rank in others]
            time.sleep(3 * self._beat)
            return [rank for rank, count in zip(others, before, strict=True) if self._count_of(rank) == count]
        except RuntimeError:
            return []

    def _count_of(self, rank: int) -> bytes:
        """Return a process's count: always another one when it is done, b"" before it has begun."""
        if self._store.check([f"{_DONE}/{rank}"]):
            return str(time.monotonic()).encode()
        key = f"beat/{rank}"
        return self._store.get(key) if self._store.check([key]) else b""

    def _written(self, text: str) -> str:
        """Write a failure unless there is one; return the one that is there."""
        try:
            return self._store.compare_set(_FAILED, "", text).decode()
        except RuntimeError:  # the process that keeps the store is gone
            return text

    def _run(self) -> None:
        count, seen, since = 0, b"", time.monotonic()
        while not self._ended.wait(self._beat):
            count += 1
            try:
                self._store.set(f"beat/{self._rank}", str(count))
                if self._store.check([_FAILED]):
                    self._failure = self._store.get(_FAILED).decode()
                found = self._count_of(self._next)
            except RuntimeError as error:  # of torch's stores, where they cannot be reached
                self._failure = self._failure or f"the process that keeps the group's store: it is gone ({error})"
            if self._failure is not None:
                return
            if found != seen or not found:  # nothing is silent before it has begun
                seen, since = found, time.monotonic()
            elif time.monotonic() - since > self._silence:
                text = f"rank {self._next}: nothing was heard of it for {self._silence:.0f} seconds"
                self._failure = self._written(text)
