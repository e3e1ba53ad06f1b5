"""The figures of the method (the paper's figures 1 and 2 and its section 2.2): losses, springs and their equilibrium.

Twelve points form a closed chain: neighbours in the chain are similar, all other pairs dissimilar. They start at random
positions and follow their forces without inertia, and without a network, until the forces balance. The same is done for
three points of an open chain, whose equilibrium can be calculated by hand. One second.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from drlim import NeighborhoodGraph, make_springs, plotting
from drlim._base.arrays import Array, Floats
from drlim.forces import graph_energy
from drlim.paper.frame import Outcome, framed
from drlim.paper.report import Row

__all__ = ["FIGURES", "relax", "reproduce", "run"]

FIGURES = {
    "springs.png": "Loss and force of a similar and a dissimilar pair against their distance; m is the margin.",
    "relaxation.png": "Twelve points of a closed chain follow their forces to the equilibrium. Dashed: similar pairs, "
    "which pull; solid: dissimilar pairs nearer than m, which push; the stronger the force, the wider the line.",
    "energy.png": "Energy of the twelve points on the way.",
}

_N_POINTS = 12
_SHOWN = (0, 5, 20, 80, 320, 2000)
"""Steps shown in the strip of frames."""


def run(folder: Path, *, random_state: int = 0, verbose: bool | None = None) -> Outcome:  # noqa: ARG001
    """Draw the laws, let points relax, and write pictures into ``folder``.

    Parameters
    ----------
    folder : Path
        Folder for the pictures of `FIGURES`.
    random_state : int, default=0
        Seed of the initial positions of the twelve points.
    verbose : bool, default=None
        Not used, as the experiment takes one second.

    Returns
    -------
    rows : list of Row
    details : dict
    """
    place = np.arange(_N_POINTS)
    ring = NeighborhoodGraph.from_pairs(_N_POINTS, np.column_stack([place, np.roll(place, -1)]))
    start = np.random.default_rng(random_state).normal(scale=0.3, size=(_N_POINTS, 2))
    frames, energies, left = relax(start, ring)
    shown = [(f"step {step}", frames[step]) for step in _SHOWN]
    rows = [*_by_hand(), *_on_the_ring(frames[-1], energies, left)]
    plotting.save_figure(plotting.plot_springs(1.0)[0], folder / "springs.png")
    plotting.save_figure(plotting.plot_relaxation(shown, ring)[0], folder / "relaxation.png", dpi=110)
    history = [{"epoch": float(step), **energy} for step, energy in enumerate(energies)]
    ax = plotting.plot_history(history)
    ax.set(title="Energy of twelve points", xlabel="step", xscale="symlog")
    legend: Any = ax.get_legend()
    for text, words in zip(legend.get_texts(), ("all springs", "similar pairs", "dissimilar pairs"), strict=True):
        text.set_text(words)  # these are sums, not means
    plotting.save_figure(ax, folder / "energy.png")
    return rows, {"figures": FIGURES}


reproduce = framed("springs", run)


def relax(
    start: Array, graph: NeighborhoodGraph, *, n_steps: int = 2000, step: float = 0.05
) -> tuple[list[Floats], list[dict[str, float]], float]:
    """Move points by ``step`` times their force, again and again, with margin 1 and no balance between the kinds.

    Parameters
    ----------
    start : ndarray, shape (n, d)
        Initial positions.
    graph : NeighborhoodGraph
        Which pairs are similar and which are dissimilar.
    n_steps : int, default=2000
        Number of steps.
    step : float, default=0.05
        Displacement for a unit force. Keep it well below 2 / (n + 1), above which the stiffest springs overshoot.

    Returns
    -------
    frames : list of ndarray, shape (n, d)
        Positions before the first step and after each.
    energies : list of dict
        ``energy`` of each frame, and its parts ``energy_similar`` and ``energy_dissimilar``: sums over pairs.
    left : float
        Magnitude of the largest force on a point at the end.

    Examples
    --------
    The outer two points of an open chain of three come to rest 2/3 of the margin apart.

    >>> chain = NeighborhoodGraph.from_pairs(3, [(0, 1), (1, 2)])
    >>> frames, _, left = relax(np.array([[0.0], [0.2], [0.9]]), chain)
    >>> round(float(frames[-1][2, 0] - frames[-1][0, 0]), 4), left < 1e-9
    (0.6667, True)
    """
    springs = make_springs(1.0)
    Z: Tensor = torch.tensor(start, dtype=torch.float64)
    frames, energies = [], []
    for _ in range(n_steps + 1):
        found = graph_energy(Z, graph, springs)  # the plain sum of equation 2
        frames.append(Z.numpy().copy())
        energies.append({"energy": found.total, "energy_similar": found.similar, "energy_dissimilar": found.dissimilar})
        Z = Z - step * found.gradient
    return frames, energies, float(found.gradient.norm(dim=1).max())


def _by_hand() -> list[Row]:
    """Relax an open chain of three: with the outer two 2x apart, E = x^2 + 1/2 (1 - 2x)^2 is least at x = 1/3."""
    chain = NeighborhoodGraph.from_pairs(3, [(0, 1), (1, 2)])
    frames, _, _ = relax(np.array([[0.0, 0.0], [0.3, 0.1], [0.2, 0.4]]), chain)
    ends = float(np.linalg.norm(frames[-1][2] - frames[-1][0]))
    return [Row("open chain of three: ends / m, off 2/3 by", abs(ends - 2 / 3), at_most=1e-6)]


def _on_the_ring(Z: Floats, energies: list[dict[str, float]], left: float) -> list[Row]:
    rises = np.diff([energy["energy"] for energy in energies]).max()
    centre = np.linalg.norm(Z - Z.mean(axis=0), axis=1)
    return [
        Row("ring of twelve: largest force at rest", left, at_most=1e-6),
        Row("ring of twelve: largest rise of the energy in a step", float(max(0.0, rises)), at_most=1e-12),
        Row("ring of twelve: energy at rest / at the start", energies[-1]["energy"] / energies[0]["energy"]),
        Row("ring of twelve: spread of the distances to the centre, CV", float(centre.std() / centre.mean())),
    ]
