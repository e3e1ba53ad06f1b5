from __future__ import annotations

import os

import numpy as np
import pytest

# Two, as the promise of repeatable bytes says; before torch is imported, so that no test touches the running count.
os.environ.setdefault("OMP_NUM_THREADS", "2")
# Threads that wait for each other sleep: on a busy machine, spinning makes small steps ten times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Those of numpy's products cannot be made to sleep, and with them the tests take twice as long in two processes.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture
def two_groups() -> np.ndarray:
    """Twenty samples in two groups far apart, shape (20, 3)."""
    points = np.random.default_rng(0).normal(size=(20, 3))
    points[10:] += 8.0
    return points
