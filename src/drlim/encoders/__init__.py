"""The map G_W: networks by name, the standardisation of their input, and mapping in batches."""

from __future__ import annotations

from drlim.encoders.networks import ENCODERS, Standardize, Subsample, embed, make_encoder

__all__ = [
    "ENCODERS",
    "Standardize",
    "Subsample",
    "embed",
    "make_encoder",
]
