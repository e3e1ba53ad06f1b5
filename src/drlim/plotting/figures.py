"""Figures and axes: made, tidied and written; what all pictures share."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.checks import InvalidParameterError, check_parameters, check_points, integer_in, short_repr
from drlim._base.disk import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

__all__ = [
    "DISSIMILAR",
    "GREY",
    "SIMILAR",
    "Floats",
    "axes_for",
    "check_cmap",
    "check_map",
    "new_figure",
    "note",
    "quiet",
    "require_matplotlib",
    "save_figure",
    "tidy",
]

Floats = NDArray[np.floating[Any]]

GREY = "#717581"

SIMILAR: dict[str, Any] = {"color": "#bd1f01", "linestyle": "--"}

DISSIMILAR: dict[str, Any] = {"color": "#3f90da", "linestyle": "-"}


def save_figure(ax: Axes, path: str | os.PathLike[str], *, dpi: int = 150) -> None:
    """Write the figure that holds the axes to a file, whole or not at all.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Axes on the figure.
    path : str or path-like
        The suffix decides the format: ``.png``, ``.pdf``, ``.svg`` or another that matplotlib writes.
    dpi : int, default=150
        Pixels an inch, at least 1.

    Raises
    ------
    ValueError, OSError
        When matplotlib does not know the format, or the file cannot be written.
    """
    check_parameters({"dpi": dpi}, {"dpi": [integer_in(1)]}, "save_figure")
    suffix = Path(path).suffix[1:] or "png"
    content = io.BytesIO()
    # Without the date that some formats add, the same figure gives the same bytes.
    undated: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(suffix, {})
    figure: Any = ax.figure
    figure.savefig(content, format=suffix, dpi=dpi, metadata=undated)
    atomic_write(path, content.getvalue())


def check_map(Z: ArrayLike, columns: tuple[int, ...]) -> Floats:
    """Return the points of a map that can be drawn."""
    points = check_points(Z, name="Z")
    if points.shape[1] not in columns:
        wanted = " or ".join(str(count) for count in columns)
        raise ValueError(
            f"Expected 'Z' to have {wanted} columns to be drawn. Got {points.shape[1]}. Choose columns, as in Z[:, :2]."
        )
    return points


def check_cmap(name: str, value: object, owner: str) -> None:
    """Refuse what is no colour map in a sentence; matplotlib's own lists all of its two hundred names."""
    from matplotlib import colormaps

    if not isinstance(value, str) or value not in colormaps:
        raise InvalidParameterError(
            f"The '{name}' parameter of {owner} must be a name in matplotlib.colormaps, such as 'viridis' or 'gray'. "
            f"Got {short_repr(value)} instead."
        )


def axes_for(ax: Axes | None, columns: int, owner: str, figsize: tuple[float, float] = (7.5, 6.4)) -> Axes:
    """Return axes of as many dimensions as a map has columns."""
    from matplotlib.axes import Axes

    check_parameters({"ax": ax}, {"ax": [Axes, None]}, owner)
    if ax is None:
        return new_figure(figsize).add_subplot(projection="3d" if columns == 3 else None)
    if (columns == 3) != (ax.name == "3d"):
        raise ValueError(
            f"'ax' is {'' if ax.name == '3d' else 'not '}three-dimensional, and there are {columns} columns to draw. "
            "Axes for three columns are made with projection='3d'."
        )
    return ax


def new_figure(figsize: tuple[float, float]) -> Figure:
    """Make a figure that pyplot does not know, and so does not keep."""
    from matplotlib.figure import Figure

    return Figure(figsize=figsize, layout="constrained")


def tidy(ax: Axes) -> None:
    """Give a map equal aspect and axes that do not draw the eye."""
    ax.set_aspect("equal")
    ax.set(xlabel="$z_1$", ylabel="$z_2$")
    if ax.name == "3d":
        ax.set(zlabel="$z_3$")
    quiet(ax)


def quiet(ax: Axes) -> None:
    """Let the frame and the ticks stand back."""
    ax.tick_params(which="both", colors=GREY, labelsize="small")
    for side, spine in ax.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(GREY)


def note(
    ax: Axes,
    text: str,
    place: tuple[float, float],
    transform: Transform,
    offset: tuple[float, float],
    side: Literal["left", "right"],
) -> None:
    """Write a quiet remark, ``offset`` points from a place."""
    ax.annotate(
        text,
        place,
        xycoords=transform,
        xytext=offset,
        textcoords="offset points",
        horizontalalignment=side,
        color=GREY,
    )


def require_matplotlib() -> None:
    """Say how to get matplotlib, where it is missing, before anything else is done."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'Plotting needs matplotlib, which is not installed. Install it with: pip install "drlim[viz]"'
        ) from error
