"""Pictures of the springs, of their relaxation, and of the energy during training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Array
from drlim._base.checks import check_parameters, check_points, check_same_length, real_in, short_repr
from drlim.plotting.figures import (
    DISSIMILAR,
    GREY,
    SIMILAR,
    Style,
    axes_for,
    check_map,
    new_figure,
    note,
    quiet,
    require_matplotlib,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

    from drlim.graph import NeighborhoodGraph
    from drlim.springs import Law, Springs

    SpringsLike = Springs | tuple[Law | Callable[[Tensor], Tensor], ...] | None

__all__ = ["plot_history", "plot_relaxation", "plot_springs"]

_HISTORY: dict[str, Style] = {
    "energy": {"label": "energy that training lowers", "color": "black", "linewidth": 1.8},
    "energy_similar": {"label": "mean $L_S$, similar pairs", **SIMILAR},
    "energy_dissimilar": {"label": "mean $L_D$, dissimilar pairs", **DISSIMILAR},
}

_LEGEND_HEIGHT = 0.25
"""Height of the room for the legend of forces, as a share of the height that the forces take."""


def plot_springs(
    margin: float = 1.0, axes: Sequence[Axes] | None = None, *, springs: SpringsLike = None
) -> tuple[Axes, Axes]:
    """Draw the energy and the force of a similar and a dissimilar pair against their distance.

    Parameters
    ----------
    margin : float, default=1.0
        The paper's m, in units of the map, in (0, inf).
    axes : sequence of two matplotlib.axes.Axes, default=None
        Axes for energies and for forces. None makes a figure with two panels.
    springs : Springs or pair of (Law or callable), default=None
        Laws L_S and L_D, as `drlim.springs.make_springs` takes them. None is the paper's loss (equation 4).

    Returns
    -------
    tuple of two matplotlib.axes.Axes
        Energies L_S and L_D, and forces -dL/dD_W. A positive force pushes a pair apart, a negative one pulls it
        together. The distance at which the force on dissimilar pairs becomes 0 is marked m.

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
    require_matplotlib()
    import torch  # seconds to import, and no other picture needs it

    from drlim.springs import make_springs

    check_parameters({"margin": margin}, {"margin": [real_in(0.0, float("inf"))]}, "plot_springs")
    laws = make_springs(margin, springs)
    energies, forces = _two_axes(axes)
    reach = laws.dissimilar.reach
    unit = reach if np.isfinite(reach) else margin
    # The 201st is m, where laws bend.
    distance = unit * torch.linspace(0.0, 1.6, 321, dtype=torch.float64, device="cpu")
    forces.axhline(0.0, color=GREY, linewidth=0.8)
    for law, symbol, name, style in (
        (laws.similar, "L_S", "similar pair", SIMILAR),
        (laws.dissimilar, "L_D", "dissimilar pair", DISSIMILAR),
    ):
        energies.plot(distance, law.energy(distance).detach(), label=f"${symbol}$, {name}", **style)
        forces.plot(distance, law.force(distance).detach(), label=f"$-dL_{symbol[-1]}/dD_W$, {name}", **style)
    energies.set(title="Energy of a pair", ylabel="energy $L$")
    forces.set(title="Force on a pair", ylabel="force $-dL/dD_W$")
    note(forces, "pushes apart", (1.0, 0.0), forces.get_yaxis_transform(), (-2, 4), "right")
    note(forces, "pulls together", (1.0, 0.0), forces.get_yaxis_transform(), (-2, -12), "right")
    for ax in (energies, forces):
        ax.set(xlabel="distance $D_W$", xlim=(0.0, 1.6 * unit))
        _mark_margin(ax, reach)
        quiet(ax)
    energies.legend(frameon=False)
    low, high = forces.get_ylim()
    forces.set_ylim(low - _LEGEND_HEIGHT * (high - low), high)  # laws differ in where they leave room for the legend
    forces.legend(frameon=False, loc="lower left")
    return energies, forces


def plot_history(history: Sequence[Mapping[str, float]], ax: Axes | None = None) -> Axes:
    """Draw the energy by epoch, with its two parts.

    Parameters
    ----------
    history : sequence of dict
        One record for each epoch, as in ``DrLIM.history_``: ``epoch``, ``energy`` (the objective of training),
        ``energy_similar`` and ``energy_dissimilar`` (the means of L_S and L_D). Other keys are ignored.
    ax : matplotlib.axes.Axes, default=None
        Axes to draw on. None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes
        Axes with a logarithmic scale if the positive energies span more than two decades. A line that reaches 0 then
        leaves the picture at the lower edge.

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
    require_matplotlib()
    from matplotlib.ticker import MaxNLocator

    columns = _check_history(history)
    ax = axes_for(ax, 2, "plot_history", figsize=(6.4, 4.0))
    epochs = columns["epoch"]
    marker = "o" if len(epochs) < 15 else None  # without markers, a single epoch would be invisible
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
    quiet(ax)
    return ax


def plot_relaxation(
    frames: Sequence[tuple[str, ArrayLike]], graph: NeighborhoodGraph, *, margin: float = 1.0
) -> list[Axes]:
    """Draw points and their springs at several moments, side by side.

    Dashed lines join similar pairs, and solid lines join dissimilar pairs closer than the margin. The width of a line
    grows with the force. Dissimilar pairs beyond the margin have no force and no line.

    Parameters
    ----------
    frames : sequence of (str, array-like of shape (n_samples, 2))
        Title and positions of the points at each moment.
    graph : NeighborhoodGraph
        Which pairs are similar. Use few points, as every pair is drawn by itself.
    margin : float, default=1.0
        The paper's m, in units of the map, in (0, inf).

    Returns
    -------
    list of matplotlib.axes.Axes
        One for each moment, all of one scale.

    Raises
    ------
    ValueError, TypeError
        When there is no frame, or positions do not have 2 columns and one row for each sample of the graph.
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
    require_matplotlib()
    check_parameters({"margin": margin}, {"margin": [real_in(0.0, float("inf"))]}, "plot_relaxation")
    if not frames:
        raise ValueError("Expected 'frames' to hold at least one pair (title, positions). Got none.")
    moments = [(title, check_map(Z, (2,))) for title, Z in frames]
    for _, points in moments:
        check_same_length(len(points), "frames", graph.n_samples, "graph")
    everywhere = np.concatenate([points for _, points in moments])
    middle = (everywhere.min(axis=0) + everywhere.max(axis=0)) / 2
    half = 0.55 * float(np.ptp(everywhere, axis=0).max() or 1.0)
    figure = new_figure((2.9 * len(moments), 3.2))
    panels = []
    for place, (title, points) in enumerate(moments, start=1):
        ax = figure.add_subplot(1, len(moments), place)
        _draw_springs(ax, points, graph, margin)
        ax.set(title=title, aspect="equal", xticks=[], yticks=[])
        ax.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
        quiet(ax)
        panels.append(ax)
    return panels


def _draw_springs(ax: Axes, points: Array, graph: NeighborhoodGraph, margin: float) -> None:
    """Draw the points, and each spring with a force as a line whose width grows with it."""
    first, second = np.triu_indices(len(points), 1)
    similar = {(int(i), int(j)) for i, j in np.sort(graph.similar.pairs(), axis=1)}
    for i, j in zip(first.tolist(), second.tolist(), strict=True):
        distance = float(np.linalg.norm(points[i] - points[j]))
        is_similar = (i, j) in similar
        force = distance if is_similar else max(0.0, margin - distance)
        if force > 0:
            style = SIMILAR if is_similar else {**DISSIMILAR, "alpha": 0.5}
            ax.plot(*points[[i, j]].T, linewidth=0.4 + 2.2 * min(1.0, force / margin), zorder=1, **style)
    ax.scatter(points[:, 0], points[:, 1], s=30, color="black", zorder=2)


def _check_history(history: Sequence[Mapping[str, float]]) -> dict[str, Array]:
    """Return the columns of a history by key, (epochs,) each, or refuse it."""
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
    """Mark the distance at which the force on dissimilar pairs becomes 0, if there is one."""
    if not np.isfinite(margin):
        return
    ax.axvline(margin, color=GREY, linewidth=0.8, linestyle=":")
    note(ax, "$m$", (margin, 1.0), ax.get_xaxis_transform(), (3, -10), "left")


def _two_axes(axes: Sequence[Axes] | None) -> tuple[Axes, Axes]:
    """Return the given axes, or two new panels side by side."""
    from matplotlib.axes import Axes

    if axes is None:
        figure = new_figure((9.0, 3.8))
        return figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    if np.size(axes) != 2 or not all(isinstance(ax, Axes) for ax in axes):  # type: ignore[arg-type]
        raise ValueError(f"Expected 'axes' to be two axes, for energies and forces. Got {short_repr(axes)}.")
    return axes[0], axes[1]
