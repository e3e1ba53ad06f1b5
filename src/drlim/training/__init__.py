"""The loop that moves the weights of an encoder until the springs are at rest."""

from __future__ import annotations

from drlim._base.joining import alone
from drlim._base.shards import Shard
from drlim._base.watch import GroupError
from drlim.training.divergence import DivergenceError
from drlim.training.loop import train
from drlim.training.problem import Anchor, Result, Settings

__all__ = ["Anchor", "DivergenceError", "GroupError", "Result", "Settings", "Shard", "alone", "train"]
