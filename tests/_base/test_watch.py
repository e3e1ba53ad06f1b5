from __future__ import annotations

import time

import pytest
from torch.distributed import HashStore

from drlim._base.watch import GroupError, Watch


def watches(size, **options):
    store = HashStore()
    return store, [Watch(store, rank, size, beat=0.02, **options) for rank in range(size)]


def until(condition, seconds=10.0):
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds
        time.sleep(0.01)


def raises(watch):
    try:
        watch.check()
    except GroupError:
        return True
    return False


def test_the_first_failure_is_told_to_all_and_stays():
    _, (first, second, third) = watches(3)
    for watch in (first, second, third):
        watch.begin()
    second.report("ValueError: no such thing")
    third.report("what followed from it")
    until(lambda: raises(first) and raises(third))
    for watch in (first, second, third):
        with pytest.raises(GroupError, match="by a failure of rank 1: ValueError: no such thing"):
            watch.check()
        watch.end()


def test_silence_is_a_failure_of_the_process_that_is_silent():
    store, (first, _) = watches(2, silence=0.2)
    store.set("beat/1", "7")  # it counted once, and then no more
    first.begin()
    until(lambda: raises(first))
    with pytest.raises(GroupError, match=r"rank 1: nothing was heard of it for 0 seconds"):
        first.check()
    first.end()


def test_a_process_that_is_late_or_done_is_not_silent():
    _, (first, second) = watches(2, silence=0.1)
    first.begin()
    time.sleep(0.4)  # the other has not begun
    first.check()
    second.begin()
    second.end()
    time.sleep(0.4)  # the other is done
    first.check()
    first.end()


def test_a_broken_connection_names_the_processes_that_are_gone():
    store, (first, _, third) = watches(3)
    for watch in (first, third):
        watch.begin()
    store.set("beat/1", "7")
    with pytest.raises(GroupError, match=r"rank 1: gone without a word, as after a kill \(Connection reset\)"):
        first.explain(RuntimeError("Connection reset"))
    until(lambda: raises(third))
    for watch in (first, third):
        watch.end()


def test_a_broken_connection_is_explained_by_the_failure_that_was_told_before():
    _, (first, second) = watches(2)
    first.begin()
    second.begin()
    second.report("MemoryError: too much")
    with pytest.raises(GroupError, match="rank 1: MemoryError: too much"):
        first.explain(RuntimeError("Connection closed by peer"))
    first.end()
    second.end()


class Gone:
    """A store that nobody keeps any more."""

    def __init__(self, store):
        self._store = store
        self.is_gone = False

    def __getattr__(self, name):
        if self.is_gone:
            raise RuntimeError("Broken pipe")
        return getattr(self._store, name)


def test_a_store_that_is_gone_is_a_failure():
    store = Gone(HashStore())
    watch = Watch(store, 1, 2, beat=0.02)
    watch.begin()
    store.is_gone = True
    until(lambda: raises(watch))
    with pytest.raises(GroupError, match="the process that keeps the group's store"):
        watch.check()
    watch.end()
