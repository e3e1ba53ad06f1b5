"""Labels that are not there: None, and what differs from itself."""

from __future__ import annotations

__all__ = ["is_missing"]


def is_missing(value: object) -> bool:
    """Return whether a label is None, NaN, NaT or NA."""
    try:
        return value is None or bool(value != value)  # only NaN and NaT differ from themselves
    except TypeError:  # pandas' NA
        return True
    except Exception:  # of a user's class that cannot be compared, nor hashed
        return False
