"""How a process waits for a collective; what travels is tested in tests/training/test_processes.py."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest

from drlim._base import group
from drlim._base.group import Group


class Work:
    """A collective that is done some time after it began, or has failed then."""

    def __init__(self, seconds: float, error: str | None = None) -> None:
        self._done = threading.Event()
        self._error = error
        self.sleeps = 0
        threading.Timer(seconds, self._done.set).start()

    def is_completed(self) -> bool:
        return self._done.is_set()

    def wait(self, limit: timedelta | None = None) -> None:
        if not self._done.is_set():
            self.sleeps += 1
        if not self._done.wait(None if limit is None else limit.total_seconds()):
            raise RuntimeError("Timed out")
        if self._error is not None:
            raise RuntimeError(self._error)


def waited(work: Work) -> float:
    began = time.perf_counter()
    Group(0, 2)._wait(lambda: work)
    return time.perf_counter() - began


def test_a_collective_that_is_done_soon_is_asked_for_without_a_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "_POLL", 60.0)
    work = Work(0.05)
    assert 0.02 <= waited(work) < 30  # the work began a little before
    assert work.sleeps == 0


def test_one_that_takes_longer_is_slept_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "_SLICE", timedelta(seconds=0.05))
    work = Work(0.3)
    assert 0.2 <= waited(work) < 30
    assert 1 <= work.sleeps <= 6  # by slices, between which a failure is looked for


@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_one_that_fails_raises(seconds: float) -> None:
    with pytest.raises(RuntimeError, match="Connection closed"):
        waited(Work(seconds, "Connection closed by peer"))
