"""Maps and transforms for the report on invariance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RNG = np.random.default_rng(0)

LINE = RNG.normal(size=(60, 3))

FEW = {"n_permutations": 19}


def flat(images: NDArray[Any]) -> NDArray[Any]:
    return images.reshape(len(images), -1)


def moved(by: float) -> dict[str, Any]:
    return {"moved": lambda batch: batch + np.array([0.0, 0.0, by])}
