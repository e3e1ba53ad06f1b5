"""A fitted estimator to and from a file. Nothing in a file is ever executed."""

from __future__ import annotations

from drlim.persistence.saving import ModelFileError, load, read_summary, save

__all__ = [
    "ModelFileError",
    "load",
    "read_summary",
    "save",
]
