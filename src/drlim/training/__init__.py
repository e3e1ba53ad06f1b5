"""The loop that moves the weights of an encoder until the springs are at rest."""

from __future__ import annotations

from drlim.training.loop import Anchor, DivergenceError, Result, Settings, train

__all__ = [
    "Anchor",
    "DivergenceError",
    "Result",
    "Settings",
    "train",
]
