"""Running tasks side by side in threads; `tests/forces/test_compiling.py` compiles kernels with and without numba."""

from __future__ import annotations

import threading

import pytest
import torch

from drlim._base import compiling


def test_every_task_runs_once_and_an_error_in_one_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    before, done = threading.active_count(), []
    compiling.in_threads(done.append, 20)
    assert sorted(done) == list(range(20))
    assert threading.active_count() == before

    def fail(task: int) -> None:
        raise ArithmeticError(f"task {task}")

    with pytest.raises(ArithmeticError, match="task 0"):
        compiling.in_threads(fail, 5)
