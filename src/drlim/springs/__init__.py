"""The law of one pair: its energy and its force as functions of the distance D_W."""

from __future__ import annotations

from drlim.springs.paper import Attraction, FreeLaw, Law, Repulsion, Springs, make_springs

__all__ = [
    "Attraction",
    "FreeLaw",
    "Law",
    "Repulsion",
    "Springs",
    "make_springs",
]
