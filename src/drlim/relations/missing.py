"""Labels that are not there: None, and what differs from itself."""

from __future__ import annotations

import numpy as np

from drlim._base.arrays import Array

__all__ = ["is_missing", "with_nan"]


def is_missing(value: object) -> bool:
    """Return whether a label is None, NaN, NaT or NA."""
    try:
        return value is None or bool(value != value)  # only NaN and NaT differ from themselves
    except TypeError:  # pandas' NA
        return True
    except Exception:  # of a user's class that cannot be compared, nor hashed
        return False


def with_nan(values: Array) -> Array:
    """Return an array of objects with NaN in place of what is missing, in NumPy's type of the rest."""
    return np.array([np.nan if is_missing(one) else one for one in values.ravel()]).reshape(values.shape)
