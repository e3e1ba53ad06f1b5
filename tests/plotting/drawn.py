"""Maps to draw, and functions that read back what was drawn."""

from __future__ import annotations

import io
import itertools

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray

from drlim.graph import NeighborhoodGraph

Floats = NDArray[np.float64]

RNG = np.random.default_rng(0)

MAP = RNG.normal(size=(200, 2))

IMAGES = RNG.random((200, 6, 6))

CLASSES = np.where(MAP[:, 0] > 0, "nine", "four")

RECORD = {"epoch": 1, "energy": 0.5, "energy_similar": 0.1, "energy_dissimilar": 0.4}


def render(figure: Figure, dpi: float = 60) -> NDArray[np.uint8]:
    """Draw a figure and return its pixels (height, width, 4)."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba", dpi=dpi)
    width, height = np.rint(figure.get_size_inches() * dpi).astype(int)
    return np.frombuffer(buffer.getvalue(), dtype=np.uint8).reshape(height, width, 4)


def scatters(ax: Axes) -> list[PathCollection]:
    return [artist for artist in ax.collections if isinstance(artist, PathCollection)]


def colour_at(ax: Axes, place: Floats) -> str:
    """The colour of the point drawn at a place."""
    (scatter,) = scatters(ax)
    (index,) = np.nonzero((np.asarray(scatter.get_offsets()) == place).all(axis=1))[0]
    return to_hex(scatter.get_facecolors()[index])


def boxes(ax: Axes) -> Floats:
    """Extents (left, right, bottom, top) of thumbnails, (c, 4)."""
    return np.array([image.get_extent() for image in ax.images])


def overlaps(extents: Floats) -> int:
    """Literal count of the pairs of boxes that share more than an edge."""
    return sum(
        min(a[1], b[1]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[2], b[2])
        for a, b in itertools.combinations(extents, 2)
    )


def lines(ax: Axes) -> dict[str, tuple[Floats, Floats]]:
    """Curves of a key, by name."""
    handles, names = ax.get_legend_handles_labels()
    return {name: (np.asarray(each.get_xdata()), np.asarray(each.get_ydata())) for each, name in zip(handles, names)}  # noqa: B905


SOLID = np.random.default_rng(1).normal(size=(50, 3)) * [1.0, 9.0, 3.0]

TRIPLE = NeighborhoodGraph.from_pairs(3, [(0, 1)])
