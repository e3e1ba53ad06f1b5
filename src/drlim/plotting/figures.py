"""Making, styling and writing of figures, for all pictures."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import ArrayLike

from drlim._base.arrays import Array
from drlim._base.checks import InvalidParameterError, check_parameters, check_points, integer_in, short_repr
from drlim._base.disk import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform
    from matplotlib.typing import ColorType

__all__ = [
    "DISSIMILAR",
    "GREY",
    "SIMILAR",
    "Style",
    "axes_for",
    "check_cmap",
    "check_map",
    "new_figure",
    "note",
    "page_of",
    "quiet",
    "require_matplotlib",
    "save_figure",
    "settle",
    "tidy",
]

Style = dict[str, Any]
"""Keyword arguments of a matplotlib artist."""

GREY = "#717581"
"""Colour of frames, ticks and remarks."""

SIMILAR: Style = {"color": "#bd1f01", "linestyle": "--"}
"""Style of similar pairs."""

DISSIMILAR: Style = {"color": "#3f90da", "linestyle": "-"}
"""Style of dissimilar pairs."""


_LAYOUTS = 5
"""Number of times that a figure with a wide legend is laid out."""


def save_figure(ax: Axes, path: str | os.PathLike[str], *, dpi: int = 150) -> None:
    """Write the figure of the axes to a file, completely or not at all.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Any axes on the figure.
    path : str or path-like
        File to write. Its suffix selects the format: ``.png``, ``.pdf``, ``.svg`` or another that matplotlib writes.
    dpi : int, default=150
        Resolution in pixels per inch, at least 1.

    Raises
    ------
    ValueError, OSError
        When matplotlib does not support the format, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from drlim import plotting
    >>> ax = plotting.plot_embedding([[0.0, 0.0], [1.0, 2.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plotting.save_figure(ax, Path(folder) / "map.png")
    ...     [path.name for path in Path(folder).iterdir()]
    ['map.png']
    """
    check_parameters({"dpi": dpi}, {"dpi": [integer_in(1)]}, "save_figure")
    suffix = Path(path).suffix[1:] or "png"
    content = io.BytesIO()
    # Without the date that some formats add, the same figure gives the same bytes.
    undated: dict[str, None] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(suffix, {})
    figure: Any = ax.figure
    figure.savefig(content, format=suffix, dpi=dpi, metadata=undated)
    atomic_write(path, content.getvalue())


def check_map(Z: ArrayLike, columns: tuple[int, ...]) -> Array:
    """Return the points (n, d) of a map, or refuse a number of columns that cannot be drawn."""
    points = check_points(Z, name="Z")
    if points.shape[1] not in columns:
        wanted = " or ".join(str(count) for count in columns)
        raise ValueError(
            f"Expected 'Z' to have {wanted} columns to be drawn. Got {points.shape[1]}. Choose columns, as in Z[:, :2]."
        )
    return points


def check_cmap(name: str, value: object, owner: str) -> None:
    """Refuse an unknown colour map in one sentence; matplotlib's message lists two hundred names."""
    from matplotlib import colormaps

    if not isinstance(value, str) or value not in colormaps:
        raise InvalidParameterError(
            f"The '{name}' parameter of {owner} must be a name in matplotlib.colormaps, such as 'viridis' or 'gray'. "
            f"Got {short_repr(value)} instead."
        )


def axes_for(ax: Axes | None, columns: int, owner: str, figsize: tuple[float, float] = (7.5, 6.4)) -> Axes:
    """Return the given axes, or new ones, with as many dimensions as a map has columns."""
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


def page_of(ax: Axes | None) -> ColorType:
    """Return the colour behind the points: that of the given axes, or of new ones."""
    from matplotlib import rcParams
    from matplotlib.axes import Axes

    page: ColorType = ax.get_facecolor() if isinstance(ax, Axes) else rcParams["axes.facecolor"]
    return page


def settle(ax: Axes) -> None:
    """Lay a figure out repeatedly. Beside axes of equal aspect, each time brings a wide legend nearer to its place."""
    from matplotlib.figure import Figure

    figure = ax.figure
    engine = figure.get_layout_engine() if isinstance(figure, Figure) else None
    if isinstance(figure, Figure) and engine is not None:
        for _ in range(_LAYOUTS):
            engine.execute(figure)


def new_figure(figsize: tuple[float, float]) -> Figure:
    """Return a new figure that pyplot does not store."""
    from matplotlib.figure import Figure

    return Figure(figsize=figsize, layout="constrained")


def tidy(ax: Axes) -> None:
    """Give the axes of a map equal aspect, labels and thin grey frames."""
    ax.set_aspect("equal")
    ax.set(xlabel="$z_1$", ylabel="$z_2$")
    if ax.name == "3d":
        ax.set(zlabel="$z_3$")
    quiet(ax)


def quiet(ax: Axes) -> None:
    """Draw frame and ticks thin and grey, on the left and below only."""
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
    """Write a grey remark, ``offset`` points from a position in the coordinates of ``transform``."""
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
    """Raise an ImportError that explains how to install matplotlib if it is missing."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'Plotting needs matplotlib, which is not installed. Install it with: pip install "drlim[viz]"'
        ) from error
