"""One page of all maps: a row for each data set, a column for each method."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.maps.data import DATA
from benchmarks.maps.methods import METHODS
from benchmarks.maps.report import SCORES
from benchmarks.maps.trial import map_file
from drlim.plotting import plot_embedding, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]

_SIDE = 2.4
"""Inches of the side of one map."""

_GREY = "#717581"


def draw(folder: Path, captions: dict[tuple[str, str], str] | None = None) -> Path | None:
    """Draw the maps that are in a folder; return the picture's file, None when there are none.

    Parameters
    ----------
    folder : Path
    captions : dict of (str, str) to str, default=None
        A line under each map, by data set and method.
    """
    from matplotlib.figure import Figure  # optional

    files = _files(folder)
    if not files:
        return None
    rows = list(dict.fromkeys(data for data, _ in files))
    columns = sorted({method for _, method in files}, key=list(METHODS).index)
    figure = Figure(figsize=(_SIDE * len(columns), (_SIDE + 0.15) * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    for i, data in enumerate(rows):
        for j, method in enumerate(columns):
            _panel(axes[i, j], files.get((data, method)), (captions or {}).get((data, method), ""))
        axes[i, 0].set_ylabel(DATA[data].title)
    for j, method in enumerate(columns):
        axes[0, j].set_title(method)
    figure.supxlabel(
        f"Test samples, coloured by class. Below each map: {' / '.join(SCORES)}", color=_GREY, size="medium"
    )
    path = folder / "maps.png"
    save_figure(axes[0, 0], path, dpi=110)
    return path


def _files(folder: Path) -> dict[tuple[str, str], Path]:
    """Return the files of maps that are there, by data set and method, in the order of their registries."""
    every = {(data, method): map_file(folder, data, method) for data in DATA for method in METHODS}
    return {key: file for key, file in every.items() if file.exists()}


def _panel(ax: Axes, file: Path | None, caption: str) -> None:
    """Draw one map without key, ticks and frame; an empty panel where there is no map."""
    if file is not None:
        with np.load(file, allow_pickle=False) as arrays:
            Z, colours, cmap = arrays["Z"], arrays["colours"], str(arrays["cmap"])
        plot_embedding(Z, colours, ax=ax, cmap=cmap, point_size=float(np.clip(6000 / len(Z), 0.6, 8)))
        _without_key(ax)
        _fill(ax, Z)
    ax.set(xticks=[], yticks=[], ylabel="")
    ax.set_xlabel(caption, color=_GREY, size="small")
    for spine in ax.spines.values():
        spine.set_visible(False)


def _without_key(ax: Axes) -> None:
    """Remove legend and colour bar: forty of them would fill the page."""
    legend = ax.get_legend()
    if legend is not None:
        legend.remove()
    for child in list(ax.child_axes):
        child.remove()


def _fill(ax: Axes, Z: np.ndarray) -> None:
    """Show a square around all but the farthest two in a thousand samples, which may lie far away."""
    low, high = np.quantile(Z, [0.001, 0.999], axis=0)  # (2,), (2,)
    half = 0.54 * float((high - low).max()) or 1.0
    middle = (low + high) / 2
    ax.set_xlim(middle[0] - half, middle[0] + half)
    ax.set_ylim(middle[1] - half, middle[1] + half)
