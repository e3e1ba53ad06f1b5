"""A fitted estimator to and from a file. Nothing in a file is ever executed."""

from __future__ import annotations

from drlim._base.sealed import ModelFileError
from drlim.persistence.loading import load
from drlim.persistence.saving import save
from drlim.persistence.summary import Summary, read_summary

__all__ = [
    "ModelFileError",
    "Summary",
    "load",
    "read_summary",
    "save",
]
