"""The law of one pair: its energy and its force as functions of the distance D_W."""

from __future__ import annotations

from drlim.springs.heavy_tailed import CauchyRepulsion, LogAttraction
from drlim.springs.law import Law, Springs
from drlim.springs.make import FreeLaw, make_springs
from drlim.springs.paper import Attraction, Repulsion

__all__ = [
    "Attraction",
    "CauchyRepulsion",
    "FreeLaw",
    "Law",
    "LogAttraction",
    "Repulsion",
    "Springs",
    "make_springs",
]
