"""Changes of images that a fit is to ignore, and how well the map does so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drlim.metrics import InvarianceReport, invariance_report

if TYPE_CHECKING:
    from drlim._base.arrays import Array
    from drlim.estimators import DrLIM, NeighborMap
    from drlim.transforms import Change

__all__ = ["report_lines_of", "report_on"]

_MOST_SAMPLES = 500
"""Maximum number of images whose changed copies are mapped."""

_FEWEST_SAMPLES = 10
"""Minimum number of images that can be judged by, in folds."""


def report_on(estimator: DrLIM | NeighborMap, X: Array, change: Change | None, seed: int) -> InvarianceReport | None:
    """Return how far the map depends on changes of full strength; None without one, or with too few images to tell."""
    if change is None or len(X) < _FEWEST_SAMPLES:
        return None
    rows = np.random.default_rng(seed).permutation(len(X))[:_MOST_SAMPLES]
    return invariance_report(estimator, X[np.sort(rows)], change)


def report_lines_of(report: InvarianceReport) -> list[str]:
    """Return the report as lines under a title."""
    return ["changes to ignore, at full strength, on images that were trained on:", *str(report).split("\n")]
