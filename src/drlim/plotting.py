"""Pictures of a map, of the springs and of a run: each function returns matplotlib axes.

matplotlib is imported inside the functions: it is optional (``pip install "drlim[viz]"``) and slow to load. Without
``ax`` a function makes a figure of its own, outside pyplot, so no list of open figures grows; save it with
``ax.figure.savefig("map.png", dpi=150)``. On axes of your own, give their figure ``layout="constrained"``, which
leaves room for a key beside them.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._checks import (
    InvalidParameterError,
    check_labels,
    check_parameters,
    check_points,
    check_same_length,
    integer_in,
    real_in,
    short_repr,
)
from drlim._io import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

    from drlim.graph import NeighborhoodGraph
    from drlim.springs import Springs

__all__ = [
    "plot_density",
    "plot_embedding",
    "plot_history",
    "plot_images",
    "plot_relaxation",
    "plot_springs",
    "plot_thumbnails",
    "plot_views",
    "plot_weights",
    "save_figure",
]

Floats = NDArray[np.floating[Any]]

# M. A. Petroff, "Accessible color sequences for data visualization", 2021: told apart by the colour-blind too.
_COLOURS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
_MARKERS = "o^sDvP"
"""One for each round of the colours."""

_LEGEND_ROWS = 20
_THUMBNAIL_PITCH = 1.08
"""Least distance between the middles of two thumbnails, in thumbnails: room for their frames."""

_GREY = "#717581"
_VIEWS = ((90, -90), (25, -60), (25, 12), (25, 84), (0, 0))
"""Elevation and azimuth of the eye, in degrees: from above, three times from aside, and along the first axis."""
_SIMILAR: dict[str, Any] = {"color": "#bd1f01", "linestyle": "--"}
_DISSIMILAR: dict[str, Any] = {"color": "#3f90da", "linestyle": "-"}

_HISTORY: dict[str, dict[str, Any]] = {
    "energy": {"label": "energy that training lowers", "color": "black", "linewidth": 1.8},
    "energy_similar": {"label": "mean $L_S$, similar pairs", **_SIMILAR},
    "energy_dissimilar": {"label": "mean $L_D$, dissimilar pairs", **_DISSIMILAR},
}


def plot_embedding(
    Z: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    images: ArrayLike | None = None,
    ax: Axes | None = None,
    point_size: float | None = None,
    cmap: str = "viridis",
    key_title: str | None = None,
) -> Axes:
    """Draw a map as points, coloured by class or by a number.

    Strings, truth values and up to ten distinct whole numbers are classes, with a legend beside the axes; any
    other numbers are a quantity, with a colour bar. Points are drawn in a shuffled, fixed order, so that no class
    covers another.

    Parameters
    ----------
    Z : array-like, shape (n_samples, 2) or (n_samples, 3)
        The map. Three columns are drawn in three dimensions.
    labels : array-like, shape (n_samples,), default=None
        A class or a number for each sample.
    images : array-like, shape (n_samples, [channels,] height, width), default=None
        Thumbnails to lay on a 2-D map with :func:`plot_thumbnails`, at its default sizes.
    ax : matplotlib.axes.Axes, default=None
        Where to draw; for a 3-D map made with ``projection="3d"``. None makes a figure.
    point_size : float, default=None
        Area of a point in square points (1/72 inch), in (0, inf). None shrinks points as their number grows.
    cmap : str, default="viridis"
        matplotlib's colour map for a quantity; "twilight" suits an angle.
    key_title : str, default=None
        What the labels are; stands over the legend or beside the colour bar.

    Returns
    -------
    matplotlib.axes.Axes
        Of equal aspect: distance on the page is distance on the map.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` has neither 2 nor 3 columns or is not finite, lengths differ, or a number is out of range.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> ax = plot_embedding([[0.0, 0.0], [1.0, 2.0], [2.0, 0.0]], ["four", "nine", "four"])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['four', 'nine']
    """
    _require_matplotlib()
    points = _check_map(Z, (2, 3) if images is None else (2,))
    check_parameters({"point_size": point_size}, {"point_size": [real_in(0.0), None]}, "plot_embedding")
    colouring = _colour(labels, len(points), cmap, "plot_embedding")
    ax = _axes_for(ax, points.shape[1], "plot_embedding")
    size = float(np.clip(20_000 / len(points), 3, 36)) if point_size is None else point_size
    order = np.random.default_rng(0).permutation(len(points))
    for code in np.unique(colouring.markers):
        chosen = order[colouring.markers[order] == code]
        style: dict[str, Any] = {"s": size, "c": colouring.rgba[chosen], "marker": _MARKERS[code]}
        ax.scatter(*points[chosen].T, linewidths=0, zorder=2, **style)
    _tidy(ax)
    _draw_key(ax, colouring, key_title)
    if images is not None:
        plot_thumbnails(points, images, labels, ax=ax, cmap=cmap)
    return ax


def plot_thumbnails(
    Z: ArrayLike,
    images: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    ax: Axes | None = None,
    size: float = 0.04,
    max_thumbnails: int = 250,
    image_cmap: str = "gray_r",
    cmap: str = "viridis",
    key_title: str | None = None,
) -> Axes:
    """Draw images at their place on a 2-D map, as many as fit without overlap.

    They are chosen one by one, starting next to the middle, each the farthest from those chosen before: the
    choice is spread over the whole map, and the same each time. Lay them on a scatter by passing its axes, or in
    one call with ``plot_embedding(Z, labels, images=images)``.

    Parameters
    ----------
    Z : array-like, shape (n_samples, 2)
        The map.
    images : array-like, shape (n_samples, height, width) or (n_samples, channels, height, width)
        The samples, with one channel or three. One scale of brightness serves all that are drawn.
    labels : array-like, shape (n_samples,), default=None
        A class or a number for each sample: the colour of its frame, as in :func:`plot_embedding`.
    ax : matplotlib.axes.Axes, default=None
        Where to draw, without a key. None makes a figure with a key.
    size : float, default=0.04
        Longer side of a thumbnail as a share of the map's longer side, in (0, 1].
    max_thumbnails : int, default=250
        Fewer than fit leave more of the map in sight.
    image_cmap : str, default="gray_r"
        matplotlib's colour map for grey images. The default draws bright ink dark; photographs want "gray".
    cmap : str, default="viridis"
        Colour map of the frames when labels are a quantity.
    key_title : str, default=None
        What the labels are; stands over the legend or beside the colour bar.

    Returns
    -------
    matplotlib.axes.Axes
        Of equal aspect.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` has not 2 columns, ``images`` are not images, lengths differ or a number is out of range.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    Of three samples, two lie too close together for both to be drawn.

    >>> import numpy as np
    >>> ax = plot_thumbnails([[0.0, 0.0], [0.01, 0.0], [1.0, 0.0]], np.eye(3 * 64).reshape(3, 64, -1))
    >>> len(ax.images)
    2
    """
    _require_matplotlib()
    points = _check_map(Z, (2,))
    check_parameters(
        {"size": size, "max_thumbnails": max_thumbnails},
        {"size": [real_in(0.0, 1.0, closed="right")], "max_thumbnails": [integer_in(1)]},
        "plot_thumbnails",
    )
    pictures = _check_images(images, len(points))
    _check_cmap("image_cmap", image_cmap, "plot_thumbnails")
    colouring = _colour(labels, len(points), cmap, "plot_thumbnails")
    shape = np.array(pictures.shape[-1:-3:-1])  # width, height
    sides = size * (np.ptp(points, axis=0).max() or 1.0) * shape / shape.max()  # (2,) on the map
    chosen = _choose_apart(points, sides, max_thumbnails)
    wants_key = ax is None
    ax = _axes_for(ax, 2, "plot_thumbnails")
    if wants_key:
        _draw_key(ax, colouring, key_title)
    _draw_thumbnails(ax, points[chosen], sides, _shades(pictures[chosen]), colouring.rgba[chosen], image_cmap)
    # Of all samples, drawn or not: the axes show the extent of the map, with room for thumbnails at its rim.
    ax.update_datalim(np.concatenate([points - sides / 2, points + sides / 2]))
    ax.autoscale_view()
    _tidy(ax)
    return ax


def plot_springs(
    margin: float = 1.0, axes: Sequence[Axes] | None = None, *, springs: Springs | tuple[Any, Any] | None = None
) -> tuple[Axes, Axes]:
    """Draw the energy and the force of a similar and a dissimilar pair against their distance.

    Parameters
    ----------
    margin : float, default=1.0
        The paper's m, in (0, inf).
    axes : sequence of two matplotlib.axes.Axes, default=None
        Where to draw energies and forces. None makes a figure with two panels.
    springs : Springs or pair of (Law or callable), default=None
        Laws of your own, as `drlim.springs.make_springs` takes them. None is the exact loss (equation 4).

    Returns
    -------
    tuple of two matplotlib.axes.Axes
        Energies L_S and L_D, and forces -dL/dD_W: positive pushes a pair apart, negative pulls it together. The
        distance from which dissimilar pairs feel nothing is marked m.

    Raises
    ------
    ValueError, TypeError
        When ``margin`` is out of range, or ``axes`` or ``springs`` is not a pair.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> energies, forces = plot_springs(margin=2.0)
    >>> energies.figure.savefig("springs.png")  # doctest: +SKIP
    """
    _require_matplotlib()
    import torch  # seconds to import, and no other picture needs it

    from drlim.springs import make_springs

    check_parameters({"margin": margin}, {"margin": [real_in(0.0, float("inf"))]}, "plot_springs")
    laws = make_springs(margin, springs)
    energies, forces = _two_axes(axes)
    reach = laws.dissimilar.reach
    unit = reach if np.isfinite(reach) else margin
    distance = unit * torch.linspace(0.0, 1.6, 321, dtype=torch.float64)  # the 201st is m, where laws bend
    forces.axhline(0.0, color=_GREY, linewidth=0.8)
    for law, symbol, name, style in (
        (laws.similar, "L_S", "similar pair", _SIMILAR),
        (laws.dissimilar, "L_D", "dissimilar pair", _DISSIMILAR),
    ):
        energies.plot(distance, law.energy(distance).detach(), label=f"${symbol}$, {name}", **style)
        forces.plot(distance, law.force(distance).detach(), label=f"$-dL_{symbol[-1]}/dD_W$, {name}", **style)
    energies.set(title="Energy of a pair", ylabel="energy $L$")
    forces.set(title="Force on a pair", ylabel="force $-dL/dD_W$")
    _note(forces, "pushes apart", (1.0, 0.0), forces.get_yaxis_transform(), (-2, 4), "right")
    _note(forces, "pulls together", (1.0, 0.0), forces.get_yaxis_transform(), (-2, -12), "right")
    for ax in (energies, forces):
        ax.set(xlabel="distance $D_W$", xlim=(0.0, 1.6 * unit))
        ax.legend(frameon=False)
        _mark_margin(ax, reach)
        _quiet(ax)
    return energies, forces


def plot_history(history: Sequence[Mapping[str, float]], ax: Axes | None = None) -> Axes:
    """Draw the energy by epoch, with its two parts.

    Parameters
    ----------
    history : sequence of dict
        One record an epoch, as in ``DrLIM.history_``: ``epoch``, ``energy`` (what training lowers),
        ``energy_similar`` and ``energy_dissimilar`` (the means of L_S and L_D). More keys do no harm.
    ax : matplotlib.axes.Axes, default=None
        Where to draw. None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        Energies on a logarithmic scale when the positive ones span more than two decades; a line that comes to
        zero then leaves through the lower edge.

    Raises
    ------
    ValueError, TypeError
        When ``history`` is empty, lacks a key or holds a value that is not a finite number.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> record = {"epoch": 1, "energy": 0.5, "energy_similar": 0.1, "energy_dissimilar": 0.4}
    >>> ax = plot_history([record, {**record, "epoch": 2, "energy": 0.3}])
    >>> ax.get_yscale()
    'linear'
    """
    _require_matplotlib()
    from matplotlib.ticker import MaxNLocator

    columns = _check_history(history)
    ax = _axes_for(ax, 2, "plot_history", figsize=(6.4, 4.0))
    epochs = columns["epoch"]
    marker = "o" if len(epochs) < 15 else None  # few epochs, one above all, would show as nothing
    for key, style in _HISTORY.items():
        ax.plot(epochs, columns[key], marker=marker, markersize=4, **style)
    energies = np.concatenate([columns[key] for key in _HISTORY])
    positive = energies[energies > 0]
    if positive.size and positive.max() > 100 * positive.min():
        ax.set_yscale("log")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.set(title="Energy by epoch", xlabel="epoch", ylabel="energy")
    ax.set_xlim(epochs.min() - 0.5, epochs.max() + 0.5)
    ax.legend(frameon=False)
    _quiet(ax)
    return ax


def plot_views(
    Z: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    views: Sequence[tuple[float, float]] = _VIEWS,
    point_size: float | None = None,
    cmap: str = "viridis",
    key_title: str | None = None,
) -> list[Axes]:
    """Draw a 3-D map from several viewing angles, side by side, as the paper's figures 7 and 8 do.

    The map is turned so that its principal axes lie along z_1, z_2 and z_3; distances stay.

    Parameters
    ----------
    Z : array-like, shape (n_samples, 3)
        The map.
    labels : array-like, shape (n_samples,), default=None
        A class or a number for each sample, as in :func:`plot_embedding`.
    views : sequence of (float, float), default five
        Elevation and azimuth of the eye, in degrees.
    point_size : float, default=None
        Area of a point in square points, in (0, inf). None shrinks points as their number grows.
    cmap : str, default="viridis"
        matplotlib's colour map for a quantity; "twilight" suits an angle.
    key_title : str, default=None
        What the labels are.

    Returns
    -------
    list of matplotlib.axes.Axes
        One for each view, in one figure; the key stands beside the last.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` has not 3 columns, ``views`` are not pairs of numbers, or labels do not fit.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> len(plot_views([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0]], ["a", "b", "c"]))
    5
    """
    _require_matplotlib()
    points = _check_map(Z, (3,))
    angles = check_points(views, name="views")
    if angles.shape[1] != 2:
        raise ValueError(f"Expected 'views' to be pairs (elevation, azimuth) in degrees. Got {short_repr(views)}.")
    check_parameters({"point_size": point_size}, {"point_size": [real_in(0.0), None]}, "plot_views")
    colouring = _colour(labels, len(points), cmap, "plot_views")
    turned = _along_principal_axes(points)
    size = float(np.clip(4_000 / len(points), 3, 24)) if point_size is None else point_size
    panels = []
    figure = _new_figure((3.1 * len(angles), 3.3))
    for place, (elevation, azimuth) in enumerate(angles, start=1):
        ax = figure.add_subplot(1, len(angles), place, projection="3d")
        style: dict[str, Any] = {"s": size, "c": colouring.rgba}
        ax.scatter(*turned.T, linewidths=0, **style)
        ax.view_init(elev=elevation, azim=azimuth)
        _tidy(ax)
        ax.set(xticks=[], yticks=[], zticks=[], xlabel="", ylabel="", zlabel="")  # seen end on, labels would pile up
        ax.set_box_aspect(None, zoom=1.1)
        ax.set_aspect("equal")
        panels.append(ax)
    _draw_key(panels[-1], colouring, key_title)
    return panels


def plot_weights(weights: ArrayLike, *, columns: int = 10, cmap: str = "gray") -> Axes:
    """Draw the weights of each unit of a first layer as an image, as the paper's figure 7 does.

    Parameters
    ----------
    weights : array-like, shape (n_units, height, width)
        Weights between each unit and the pixels.
    columns : int, default=10
        Images a row, at least 1.
    cmap : str, default="gray"
        matplotlib's colour map. Its middle is weight 0; one scale serves all units, up to the largest weight
        but a thousandth.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError, TypeError
        When ``weights`` are not finite images or a parameter is out of range.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> ax = plot_weights(np.ones((3, 4, 4)), columns=2)
    >>> ax.images[0].get_array().shape
    (9, 9)
    """
    _require_matplotlib()
    values = _check_stack(weights, "weights", columns, cmap, "plot_weights")
    scale = float(np.quantile(np.abs(values), 0.999)) or 1.0
    return _draw_sheet(values, columns, cmap, (-scale, scale), "weight")


def plot_images(images: ArrayLike, *, columns: int = 10, cmap: str = "gray") -> Axes:
    """Draw images on one sheet, row by row.

    Parameters
    ----------
    images : array-like, shape (n_images, height, width)
        One scale of brightness serves all.
    columns : int, default=10
        Images a row, at least 1.
    cmap : str, default="gray"
        matplotlib's colour map.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError, TypeError
        When ``images`` are not finite images or a parameter is out of range.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> ax = plot_images(np.ones((5, 4, 4)), columns=2)
    >>> ax.images[0].get_array().shape
    (14, 9)
    """
    _require_matplotlib()
    values = _check_stack(images, "images", columns, cmap, "plot_images")
    return _draw_sheet(values, columns, cmap, (float(values.min()), float(values.max())), None)


def plot_density(Z: ArrayLike, *, bins: int = 100, ax: Axes | None = None, cmap: str = "viridis") -> Axes:
    """Draw how many samples lie in each cell of a grid over a 2-D map, on a logarithmic scale.

    A degenerate map, with most of its samples in a few cells, is told at a glance.

    Parameters
    ----------
    Z : array-like, shape (n_samples, 2)
        The map.
    bins : int, default=100
        Cells along each side of the map's bounding box, at least 1.
    ax : matplotlib.axes.Axes, default=None
        Where to draw. None makes a figure.
    cmap : str, default="viridis"
        matplotlib's colour map; empty cells stay white.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError, TypeError
        When ``Z`` has not 2 columns or a parameter is out of range.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> ax = plot_density([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]], bins=2)
    >>> float(ax.collections[0].get_array().max())
    2.0
    """
    _require_matplotlib()
    from matplotlib.colors import LogNorm

    points = _check_map(Z, (2,))
    check_parameters({"bins": bins}, {"bins": [integer_in(1)]}, "plot_density")
    _check_cmap("cmap", cmap, "plot_density")
    ax = _axes_for(ax, 2, "plot_density", figsize=(6.4, 5.4))
    counts, x, y = np.histogram2d(points[:, 0], points[:, 1], bins=bins)
    shown = np.ma.masked_equal(counts.T, 0)
    cells = ax.pcolormesh(x, y, shown, cmap=cmap, norm=LogNorm(1, max(2.0, counts.max())), rasterized=True)
    bar = ax.figure.colorbar(cells, ax=ax, shrink=0.6, label="samples in a cell")
    bar.outline.set_visible(False)
    ax.set(xlabel="$z_1$", ylabel="$z_2$")
    _quiet(ax)
    return ax


def plot_relaxation(
    frames: Sequence[tuple[str, ArrayLike]], graph: NeighborhoodGraph, *, margin: float = 1.0
) -> list[Axes]:
    """Draw points and their springs at several moments, side by side.

    Similar pairs are joined by dashed lines, dissimilar pairs within the margin by solid ones, the wider the stronger
    the force; dissimilar pairs beyond it feel nothing and get no line.

    Parameters
    ----------
    frames : sequence of (str, array-like of shape (n_samples, 2))
        Title and positions of each moment.
    graph : NeighborhoodGraph
        Which pairs are similar. Meant for few points: all pairs are drawn one by one.
    margin : float, default=1.0
        The paper's m, in (0, inf).

    Returns
    -------
    list of matplotlib.axes.Axes
        One a moment, all of one scale.

    Raises
    ------
    ValueError, TypeError
        When there is no frame, or positions do not fit the graph.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> from drlim import NeighborhoodGraph
    >>> chain = NeighborhoodGraph.from_pairs(3, [(0, 1), (1, 2)])
    >>> (ax,) = plot_relaxation([("start", [[0.0, 0.0], [0.3, 0.0], [0.5, 0.1]])], chain)
    >>> ax.get_title()
    'start'
    """
    _require_matplotlib()
    check_parameters({"margin": margin}, {"margin": [real_in(0.0, float("inf"))]}, "plot_relaxation")
    if not frames:
        raise ValueError("Expected 'frames' to hold at least one pair (title, positions). Got none.")
    moments = [(title, _check_map(Z, (2,))) for title, Z in frames]
    for _, points in moments:
        check_same_length(len(points), "frames", graph.n_samples, "graph")
    everywhere = np.concatenate([points for _, points in moments])
    middle = (everywhere.min(axis=0) + everywhere.max(axis=0)) / 2
    half = 0.55 * float(np.ptp(everywhere, axis=0).max() or 1.0)
    figure = _new_figure((2.9 * len(moments), 3.2))
    panels = []
    for place, (title, points) in enumerate(moments, start=1):
        ax = figure.add_subplot(1, len(moments), place)
        _draw_springs(ax, points, graph, margin)
        ax.set(title=title, aspect="equal", xticks=[], yticks=[])
        ax.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
        _quiet(ax)
        panels.append(ax)
    return panels


@dataclass(frozen=True)
class _Colouring:
    """The colour and marker of each sample, and what a key needs to explain them."""

    rgba: Floats  # (n, 4)
    markers: NDArray[np.intp]  # (n,)
    classes: Sequence[tuple[str, str, str]] = ()  # text, colour, marker
    scale: ScalarMappable | None = None


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


def _colour(labels: ArrayLike | None, n_samples: int, cmap: str, owner: str) -> _Colouring:
    """Give each sample a colour: one for all, by class, or by a quantity."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import to_rgba_array

    _check_cmap("cmap", cmap, owner)
    plain = np.zeros(n_samples, dtype=np.intp)
    if labels is None:
        return _Colouring(np.repeat(to_rgba_array(_COLOURS[0]), n_samples, axis=0), plain)
    values = check_labels(labels, "labels", n_samples, "Z")
    classes, codes = np.unique(values, return_inverse=True)
    if _is_quantity(classes):
        quantities = check_points(values[:, None], name="labels")[:, 0]
        scale = ScalarMappable(cmap=cmap)
        scale.set_array(quantities)
        scale.autoscale()
        return _Colouring(np.asarray(scale.to_rgba(quantities)), plain, scale=scale)
    colours = [_COLOURS[code % len(_COLOURS)] for code in range(len(classes))]
    markers = [code // len(_COLOURS) % len(_MARKERS) for code in range(len(classes))]
    names = [f"{name:g}" if classes.dtype.kind == "f" else str(name) for name in classes]
    key = list(zip(names, colours, [_MARKERS[marker] for marker in markers], strict=True))
    return _Colouring(to_rgba_array(colours)[codes], np.array(markers)[codes], key)


def _is_quantity(classes: NDArray[Any]) -> bool:
    """Tell numbers to be read off a scale from numbers that name a class."""
    if classes.dtype.kind not in "fiu":
        return False
    whole = np.isfinite(classes) & (classes == np.round(classes))
    return len(classes) > len(_COLOURS) or not whole.all()


def _draw_key(ax: Axes, colouring: _Colouring, title: str | None) -> None:
    """Explain the colours beside the axes, where no point can lie."""
    from matplotlib.lines import Line2D

    if colouring.scale is not None:
        # As high as the axes, which equal aspect makes lower than their cell; matplotlib insets nothing in 3-D.
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


def _choose_apart(points: Floats, sides: Floats, most: int) -> NDArray[np.intp]:
    """Choose samples whose thumbnails of the given sides do not overlap, each the farthest from those before."""
    from_middle = np.abs((points - (points.min(axis=0) + points.max(axis=0)) / 2) / sides).max(axis=1)  # (n,)
    chosen = [int(from_middle.argmin())]
    apart = np.full(len(points), np.inf)
    while len(chosen) < most:
        steps = np.abs(points - points[chosen[-1]]) / sides  # (n, 2), in thumbnails
        apart = np.minimum(apart, steps.max(axis=1))
        farthest = int(apart.argmax())
        if apart[farthest] < _THUMBNAIL_PITCH:
            break
        chosen.append(farthest)
    return np.array(chosen)


def _draw_thumbnails(ax: Axes, places: Floats, sides: Floats, pictures: Floats, frames: Floats, cmap: str) -> None:
    """Draw pictures (c, h, w) or (c, h, w, 3) in [0, 1] centred at their places, sized in units of the map."""
    from matplotlib.collections import PolyCollection
    from matplotlib.image import AxesImage

    low, high = places - sides / 2, places + sides / 2  # (c, 2)
    for (left, bottom), (right, top), picture in zip(low, high, pictures, strict=True):
        extent = (left, right, bottom, top)
        # Not ax.imshow: it would set aspect and limits anew with each picture.
        image = AxesImage(ax, cmap=cmap, origin="upper", extent=extent, interpolation="antialiased", zorder=3)
        image.set_data(picture)
        image.set_clim(0.0, 1.0)
        image.set_clip_path(ax.patch)
        ax.add_image(image)
    x, y = np.stack([low, high], axis=-1).transpose(1, 0, 2)  # (c, 2) each: from, to
    corners = list(np.stack([x[:, [0, 1, 1, 0]], y[:, [0, 0, 1, 1]]], axis=-1))  # c times (4, 2)
    ax.add_collection(
        PolyCollection(corners, facecolors="none", edgecolors=frames, linewidths=1.0, zorder=4), autolim=False
    )


def _along_principal_axes(points: Floats) -> Floats:
    """Turn points so that their principal axes, made the same way whatever the signs of the SVD, are the axes."""
    centred = points - points.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]  # (d, 3), d below 3 for fewer points
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    turned: Floats = np.zeros_like(centred)
    turned[:, : len(axes)] = centred @ axes.T  # (n, 3)
    return turned


def _check_stack(images: ArrayLike, name: str, columns: int, cmap: str, owner: str) -> Floats:
    """Return images (c, h, w) for a sheet."""
    values: Floats = check_points(images, name=name, ndim=None)
    if values.ndim != 3:
        raise ValueError(f"Expected '{name}' of shape (n, height, width). Got {short_repr(images)}.")
    check_parameters({"columns": columns}, {"columns": [integer_in(1)]}, owner)
    _check_cmap("cmap", cmap, owner)
    return values


def _draw_sheet(images: Floats, columns: int, cmap: str, limits: tuple[float, float], key: str | None) -> Axes:
    sheet = _sheet(images, min(columns, len(images)))
    height, width = sheet.shape
    ax = _new_figure((9.0, max(1.0, (8.0 if key else 9.0) * height / width))).add_subplot()
    image = ax.imshow(sheet, cmap=cmap, vmin=limits[0], vmax=limits[1], interpolation="antialiased")
    ax.set_axis_off()
    if key:
        bar = ax.figure.colorbar(image, ax=ax, shrink=0.8, label=key)
        bar.outline.set_visible(False)
    return ax


def _sheet(images: Floats, columns: int) -> Floats:
    """Lay images (c, h, w) on one sheet, a pixel apart; what is between them is NaN, drawn as nothing."""
    n_images, height, width = images.shape
    rows = -(-n_images // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for place, image in enumerate(images):
        top, left = place // columns * (height + 1), place % columns * (width + 1)
        sheet[top : top + height, left : left + width] = image
    return sheet


def _draw_springs(ax: Axes, points: Floats, graph: NeighborhoodGraph, margin: float) -> None:
    """Draw points, and each spring that pulls or pushes as a line of its force's width."""
    first, second = np.triu_indices(len(points), 1)
    similar = {(int(i), int(j)) for i, j in np.sort(graph.similar.pairs(), axis=1)}
    for i, j in zip(first.tolist(), second.tolist(), strict=True):
        distance = float(np.linalg.norm(points[i] - points[j]))
        pulled = (i, j) in similar
        force = distance if pulled else max(0.0, margin - distance)
        if force > 0:
            style = _SIMILAR if pulled else {**_DISSIMILAR, "alpha": 0.5}
            ax.plot(*points[[i, j]].T, linewidth=0.4 + 2.2 * min(1.0, force / margin), zorder=1, **style)
    ax.scatter(points[:, 0], points[:, 1], s=30, color="black", zorder=2)


def _shades(pictures: NDArray[Any]) -> Floats:
    """Return pictures (c, h, w) or (c, 3, h, w) in [0, 1], channels last, by one scale for all."""
    values = check_points(pictures, name="images", ndim=None)
    low, high = values.min(), values.max()
    shades = (values - low) / ((high - low) or 1.0)
    return shades if shades.ndim == 3 else np.moveaxis(shades, 1, -1)


def _check_map(Z: ArrayLike, columns: tuple[int, ...]) -> Floats:
    """Return the points of a map that can be drawn."""
    points = check_points(Z, name="Z")
    if points.shape[1] not in columns:
        wanted = " or ".join(str(count) for count in columns)
        raise ValueError(
            f"Expected 'Z' to have {wanted} columns to be drawn. Got {points.shape[1]}. Choose columns, as in Z[:, :2]."
        )
    return points


def _check_cmap(name: str, value: object, owner: str) -> None:
    """Refuse what is no colour map in a sentence; matplotlib's own lists all of its two hundred names."""
    from matplotlib import colormaps

    if not isinstance(value, str) or value not in colormaps:
        raise InvalidParameterError(
            f"The '{name}' parameter of {owner} must be a name in matplotlib.colormaps, such as 'viridis' or 'gray'. "
            f"Got {short_repr(value)} instead."
        )


def _check_images(images: ArrayLike, n_samples: int) -> NDArray[Any]:
    """Return images as (n, h, w) or (n, 3, h, w); values are looked at when drawn."""
    pictures = np.asarray(images)
    if pictures.ndim == 4 and pictures.shape[1] == 1:
        pictures = pictures[:, 0]
    if pictures.ndim not in (3, 4) or 0 in pictures.shape or (pictures.ndim == 4 and pictures.shape[1] != 3):
        raise ValueError(
            "Expected 'images' to have the shape (n_samples, height, width) or (n_samples, channels, height, width) "
            f"with 1 or 3 channels. Got {short_repr(pictures)}. Rows of pixels want X.reshape(-1, height, width)."
        )
    check_same_length(len(pictures), "images", n_samples, "Z")
    return pictures


def _check_history(history: Sequence[Mapping[str, float]]) -> dict[str, Floats]:
    """Return the columns of a history."""
    if not isinstance(history, Sequence) or not history or not all(isinstance(each, Mapping) for each in history):
        raise ValueError(
            "Expected 'history' to be a list of dicts, one for each of one or more epochs, as DrLIM.history_ is. "
            f"Got {short_repr(history)}."
        )
    columns = {}
    for key in ("epoch", *_HISTORY):
        if not all(key in record for record in history):
            raise ValueError(f"Expected each record of 'history' to have the key '{key}'. Got {short_repr(history)}.")
        columns[key] = check_points([[record[key]] for record in history], name=f"history['{key}']")[:, 0]
    return columns


def _mark_margin(ax: Axes, margin: float) -> None:
    """Mark the distance from which dissimilar pairs feel nothing, if there is one."""
    if not np.isfinite(margin):
        return
    ax.axvline(margin, color=_GREY, linewidth=0.8, linestyle=":")
    _note(ax, "$m$", (margin, 1.0), ax.get_xaxis_transform(), (3, -10), "left")


def _note(
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
        color=_GREY,
    )


def _two_axes(axes: Sequence[Axes] | None) -> tuple[Axes, Axes]:
    """Return the axes given, or two panels side by side."""
    from matplotlib.axes import Axes

    if axes is None:
        figure = _new_figure((9.0, 3.8))
        return figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    if np.size(axes) != 2 or not all(isinstance(ax, Axes) for ax in axes):  # type: ignore[arg-type]
        raise ValueError(f"Expected 'axes' to be two axes, for energies and forces. Got {short_repr(axes)}.")
    return axes[0], axes[1]


def _axes_for(ax: Axes | None, columns: int, owner: str, figsize: tuple[float, float] = (7.5, 6.4)) -> Axes:
    """Return axes of as many dimensions as a map has columns."""
    from matplotlib.axes import Axes

    check_parameters({"ax": ax}, {"ax": [Axes, None]}, owner)
    if ax is None:
        return _new_figure(figsize).add_subplot(projection="3d" if columns == 3 else None)
    if (columns == 3) != (ax.name == "3d"):
        raise ValueError(
            f"'ax' is {'' if ax.name == '3d' else 'not '}three-dimensional, and there are {columns} columns to draw. "
            "Axes for three columns are made with projection='3d'."
        )
    return ax


def _new_figure(figsize: tuple[float, float]) -> Figure:
    """Make a figure that pyplot does not know, and so does not keep."""
    from matplotlib.figure import Figure

    return Figure(figsize=figsize, layout="constrained")


def _tidy(ax: Axes) -> None:
    """Give a map equal aspect and axes that do not draw the eye."""
    ax.set_aspect("equal")
    ax.set(xlabel="$z_1$", ylabel="$z_2$")
    if ax.name == "3d":
        ax.set(zlabel="$z_3$")
    _quiet(ax)


def _quiet(ax: Axes) -> None:
    ax.tick_params(which="both", colors=_GREY, labelsize="small")
    for side, spine in ax.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(_GREY)


def _require_matplotlib() -> None:
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'Plotting needs matplotlib, which is not installed. Install it with: pip install "drlim[viz]"'
        ) from error
