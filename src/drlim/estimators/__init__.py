"""The method as scikit-learn's estimators."""

from __future__ import annotations

from drlim.estimators.drlim import DrLIM
from drlim.estimators.neighbor_map import NeighborMap

__all__ = [
    "DrLIM",
    "NeighborMap",
]
