"""Warnings that point at the user's line, however deep in the package they arise."""

from __future__ import annotations

import sys
import warnings
from itertools import count

__all__ = ["warn_user"]

_PASSED_OVER = ("drlim", "sklearn", "joblib")
"""Packages whose frames are not the user's: scikit-learn and joblib call estimators for them."""


def warn_user(message: str) -> None:
    """Issue a UserWarning at the nearest line outside this package."""
    for level in count(1):
        try:
            frame = sys._getframe(level)  # noqa: SLF001 - `warnings` counts frames, and has no other way before 3.12
        except ValueError:  # everything is inside, as in this package's own command line
            break
        if frame.f_globals.get("__name__", "").partition(".")[0] not in _PASSED_OVER:
            break
    warnings.warn(message, stacklevel=level + 1)
