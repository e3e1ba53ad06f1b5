"""The map G_W: networks by name, the standardisation of their input, and mapping in batches."""

from __future__ import annotations

from drlim.encoders.embedding import embed
from drlim.encoders.networks import ENCODERS, Subsample, make_encoder
from drlim.encoders.scaled import Scaled
from drlim.encoders.standardize import Standardize

__all__ = [
    "ENCODERS",
    "Scaled",
    "Standardize",
    "Subsample",
    "embed",
    "make_encoder",
]
