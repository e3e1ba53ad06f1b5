"""Pictures of maps on circles, cylinders, tori and spheres: each on the chart that shows it without a fold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Array
from drlim._base.checks import check_parameters, check_points
from drlim.plotting.maps import plot_embedding

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from drlim.spaces import Space

__all__ = ["plot_on_space"]

_THICKNESS = 0.16
"""Width of the ring on which points of a circle are scattered, in radii, so that they do not cover each other."""

_TURNS = ("0", "$\\pi/2$", "$\\pi$", "$3\\pi/2$", "$2\\pi$")


def plot_on_space(
    Z: ArrayLike,
    space: Space,
    labels: ArrayLike | None = None,
    *,
    ax: Axes | None = None,
    point_size: float | None = None,
    cmap: str = "viridis",
    key_title: str | None = None,
) -> Axes:
    """Draw a map on a curved space, coloured by group or by a number.

    A circle is drawn as a ring, on which the distance from the middle is chance and means nothing. A cylinder is
    unrolled and a torus is cut open: both dotted edges are the same line. A sphere is drawn in three dimensions. A flat
    map is drawn by :func:`plot_embedding`.

    Parameters
    ----------
    Z : array-like, shape (n_samples, space.n_components)
        The map, of angles and lengths as ``transform`` returns it.
    space : Space
        ``model.space_``, whose radii are known.
    labels : array-like, shape (n_samples,), default=None
        The name of a group or a number for each sample, as in :func:`plot_embedding`.
    ax : matplotlib.axes.Axes, default=None
        Axes to draw on; for a sphere they are made with ``projection="3d"``. None makes a figure.
    point_size : float, default=None
        Area of a point in square points, in (0, inf). None shrinks points as their number grows.
    cmap : str, default="viridis"
        matplotlib's colour map for numbers; "twilight" suits an angle.
    key_title : str, default=None
        Title of the legend or of the colour bar.

    Returns
    -------
    matplotlib.axes.Axes
        Of equal aspect: lengths along the space are in proportion, but for those of a sphere seen from one side.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` has other columns than the space, or a product has no such chart: draw two columns of
        ``transform_ambient`` of it.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> from drlim.spaces import Cylinder
    >>> ax = plot_on_space([[0.1, 0.0], [6.2, 1.0]], Cylinder(radius=0.5))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('angle', 'length')
    """
    from drlim.spaces import Space  # it imports torch, which pictures of flat maps do without

    check_parameters({"space": space}, {"space": [Space]}, "plot_on_space")
    points = check_points(Z, name="Z").astype(np.float64)  # (n, d)
    if points.shape[1] != space.n_components:
        raise ValueError(f"Expected 'Z' to have {space.n_components} columns, as {space} has. Got {points.shape[1]}.")
    chart = _chart(points, space)
    ax = plot_embedding(chart, labels, ax=ax, point_size=point_size, cmap=cmap, key_title=key_title)
    _name_axes(ax, space)
    return ax


def _kinds(space: Space) -> list[tuple[str, int]]:
    return [(factor.kind, factor.size) for factor in space.factors]


def _name_axes(ax: Axes, space: Space) -> None:
    """Name angles and lengths where the picture has them along its axes."""
    if space.is_flat or _kinds(space) == [("sphere", 1)]:
        return
    if len(space.factors) == 1:
        _name_turns_of_a_ring(ax)
        return
    _name_turns(ax, "x", 2 * np.pi * (space.factors[0].radius or 1.0), "angle")
    if space.factors[1].is_curved:
        _name_turns(ax, "y", 2 * np.pi * (space.factors[1].radius or 1.0), "second angle")
    else:
        ax.set_ylabel("length")


def _chart(points: Array, space: Space) -> Array:
    """Return what is drawn: the plane, a ring, arcs and lengths, or points in three dimensions."""
    kinds = _kinds(space)
    if space.is_flat:
        return points
    if kinds == [("circle", 1)]:
        away = 1 + _THICKNESS * (np.random.default_rng(2006).random(len(points)) - 0.5)
        ring: Array = away[:, None] * np.column_stack([np.cos(points[:, 0]), np.sin(points[:, 0])])  # (n, 2)
        return ring
    if kinds == [("sphere", 1)]:
        return space.ambient(points)  # (n, 3)
    if kinds in ([("circle", 1), ("line", 1)], [("circle", 1), ("circle", 1)]):
        return points * [1.0 if factor.radius is None else factor.radius for factor in space.factors]  # (n, 2)
    raise ValueError(
        f"There is no chart of {space} in two or three dimensions. Draw some columns of transform_ambient by "
        "plot_embedding."
    )


def _name_turns(ax: Axes, axis: str, length: float, name: str) -> None:
    """Give an axis that closes its whole extent, ticks at quarters of a turn, and dotted edges."""
    draw = ax.axvline if axis == "x" else ax.axhline
    for edge in (0.0, length):
        draw(edge, color="0.6", linestyle=":", linewidth=1.0, zorder=0)
    margin = 0.02 * length
    ax.set(
        **{
            f"{axis}lim": (-margin, length + margin),
            f"{axis}ticks": np.linspace(0, length, 5),
            f"{axis}ticklabels": _TURNS,
            f"{axis}label": name,
        }
    )


def _name_turns_of_a_ring(ax: Axes) -> None:
    """Write quarters of a turn inside the ring, which needs no other frame."""
    ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
    ax.spines[:].set_visible(False)
    for turn, text in enumerate(_TURNS[:4]):
        angle = turn * np.pi / 2
        ax.text(0.8 * np.cos(angle), 0.8 * np.sin(angle), text, ha="center", va="center", color="0.4")
