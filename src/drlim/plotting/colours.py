"""The colour of each sample, by class or by a quantity, and the key that explains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.arrays import Array
from drlim._base.checks import check_labels, check_points
from drlim.plotting.figures import check_cmap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

__all__ = ["COLOURS", "MARKERS", "Colouring", "colour_samples", "draw_key"]

COLOURS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
"""Colours of classes. Colour-blind readers can distinguish them: M. A. Petroff, "Accessible color sequences for data
visualization", 2021."""

MARKERS = "o^sDvP"
"""Markers of classes: the first for as many classes as there are colours, the second for the next ones, and so on."""

_LEGEND_ROWS = 20
"""Maximum number of classes in one column of a legend."""


@dataclass(frozen=True)
class Colouring:
    """The colour and marker of each sample, and the entries of a key."""

    rgba: Array  # (n, 4)
    markers: NDArray[np.intp]  # (n,) indices into `MARKERS`
    classes: Sequence[tuple[str, str, str]] = ()  # text, colour, marker
    scale: ScalarMappable | None = None


def colour_samples(labels: ArrayLike | None, n_samples: int, cmap: str, owner: str) -> Colouring:
    """Return the colour of each sample: one for all, by class, or by a quantity."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import to_rgba_array

    check_cmap("cmap", cmap, owner)
    plain = np.zeros(n_samples, dtype=np.intp)
    if labels is None:
        return Colouring(np.repeat(to_rgba_array(COLOURS[0]), n_samples, axis=0), plain)
    values = check_labels(labels, "labels", n_samples, "Z")
    classes, codes = np.unique(values, return_inverse=True)
    if _is_quantity(classes):
        quantities = check_points(values[:, None], name="labels")[:, 0]
        scale = ScalarMappable(cmap=cmap)
        scale.set_array(quantities)
        scale.autoscale()
        return Colouring(np.asarray(scale.to_rgba(quantities)), plain, scale=scale)
    colours = [COLOURS[code % len(COLOURS)] for code in range(len(classes))]
    markers = [code // len(COLOURS) % len(MARKERS) for code in range(len(classes))]
    names = [f"{name:g}" if classes.dtype.kind == "f" else str(name) for name in classes]
    key = list(zip(names, colours, [MARKERS[marker] for marker in markers], strict=True))
    return Colouring(to_rgba_array(colours)[codes], np.array(markers)[codes], key)


def _is_quantity(classes: Array) -> bool:
    """Whether numbers are a quantity, with a colour bar, and not the names of classes."""
    if classes.dtype.kind not in "fiu":
        return False
    whole = np.isfinite(classes) & (classes == np.round(classes))
    return len(classes) > len(COLOURS) or not whole.all()


def draw_key(ax: Axes, colouring: Colouring, title: str | None) -> None:
    """Draw a legend or a colour bar beside the axes, where no point can be."""
    from matplotlib.lines import Line2D

    if colouring.scale is not None:
        # As high as the axes, which equal aspect makes lower than their cell. matplotlib has no insets in 3-D.
        beside = ax.inset_axes((1.03, 0.0, 0.03, 1.0)) if ax.name != "3d" else None
        bar = ax.figure.colorbar(colouring.scale, cax=beside, ax=ax, shrink=0.6, label=title or "")
        bar.outline.set_visible(False)
    elif colouring.classes:
        handles = [
            Line2D([], [], linestyle="", color=colour, marker=marker, markersize=7, label=text)
            for text, colour, marker in colouring.classes
        ]
        ax.legend(
            handles=handles,
            title=title,
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            ncols=-(-len(handles) // _LEGEND_ROWS),
            frameon=False,
            handletextpad=0.2,
        )
