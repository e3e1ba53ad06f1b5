"""The method as scikit-learn's estimators."""

from __future__ import annotations

from drlim.estimators.drlim import DrLIM

__all__ = [
    "DrLIM",
]
