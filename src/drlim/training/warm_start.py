"""Where a map on a curved space begins: on the circle that its relations form, and not on a folded one.

The first outputs of a network wind round a circle by chance, or not at all, and springs cannot unfold them: the
dissimilar pairs on both sides of a fold hold it. So the network first learns the places of `drlim.training.modes`.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from drlim._base.arrays import Floats, Index
from drlim._base.torch import Rows
from drlim.encoders.embedding import called
from drlim.encoders.scaled import network_and_unit
from drlim.forces import Balance, graph_energy
from drlim.forces.objective import balance_of
from drlim.forces.tethers import tethers
from drlim.graph import NeighborhoodGraph
from drlim.spaces import OnSpace
from drlim.springs import Springs
from drlim.training.modes import places_of
from drlim.training.problem import Settings

__all__ = ["warm_start"]

_SCALES = 2.0 ** np.arange(-3, 7.5, 0.5)
"""Radii of the first circle, in margins, of which the one of least energy is taken."""

_STEPS = 300
"""Number of steps in which the network learns the places, of Adam; a third as many of L-BFGS."""


def warm_start(
    encoder: nn.Module,
    rows: Rows,
    graph: NeighborhoodGraph,
    springs: Springs,
    settings: Settings,
    seed: int,
) -> bool:
    """Teach an encoder the places that the relations form on its space; return whether they form any.

    Parameters
    ----------
    encoder : torch.nn.Module
        In units of the margin. Nothing is done to one that is not `OnSpace`.
    rows : Rows
    graph : NeighborhoodGraph
        Of the rows.
    springs : Springs
        In units of the margin.
    settings : Settings
        The optimizer, its rate and the size of a batch.
    seed : int
        Of the batches.
    """
    network, unit = network_and_unit(encoder)
    if not isinstance(network, OnSpace):
        return False
    places = places_of(graph, network.space)
    if places is None:
        return False
    part = graph.subgraph(places.samples)
    balance = balance_of(graph, settings.dissimilar_weight)
    positions = _of_least_energy(network, places.positions, part, springs, balance, unit)  # (m, a)
    _learn(encoder, rows, places.samples, torch.from_numpy(positions).to(rows.device, torch.float32), settings, seed)
    return True


def _of_least_energy(
    network: OnSpace, positions: Floats, graph: NeighborhoodGraph, springs: Springs, balance: Balance, unit: float
) -> Floats:
    """Return places in units of the margin, in the size of least energy; learned radii begin with it."""
    space = network.space
    begins = np.cumsum([0, *(factor.n_ambient for factor in space.factors)]).tolist()
    parts = [slice(first, last) for first, last in pairwise(begins)]
    sizes = [float(np.linalg.norm(positions[0, part])) for part in parts]

    def sized(scale: float) -> Floats:
        places = positions * (scale / sizes[0])
        for factor, part in zip(space.factors, parts, strict=True):
            if factor.radius is not None:
                places[:, part] *= factor.radius * unit / np.linalg.norm(places[:, part], axis=1, keepdims=True)
        return places

    energies = [
        graph_energy(torch.from_numpy(sized(scale)), graph, springs, balance, space=space).total for scale in _SCALES
    ]
    best = float(_SCALES[int(np.argmin(energies))])
    learned = [
        size for size, factor in zip(sizes, space.factors, strict=True) if factor.is_curved and not factor.radius
    ]
    if learned:
        with torch.no_grad():
            network.log_radii.copy_(torch.tensor(learned).log() + float(np.log(best / sizes[0] / unit)))
    return sized(best)


def _learn(encoder: nn.Module, rows: Rows, samples: Index, places: Tensor, settings: Settings, seed: int) -> None:
    """Move the weights of the network until it maps samples (m,) to places (m, a)."""
    network = network_and_unit(encoder)[0]
    assert isinstance(network, OnSpace)  # noqa: S101 - just checked
    weights = [weight for weight in network.network.parameters() if weight.requires_grad]
    encoder.train()

    def slope(batch: Index, count: int) -> float:
        Z = called(encoder, rows.take(samples[batch]))  # (b, a)
        squares, gradient = tethers(Z.detach(), places[torch.from_numpy(batch).to(places.device)], network.space)
        Z.backward(gradient.to(Z.dtype) / count)  # type: ignore[no-untyped-call]  # torch types it so
        return float(squares.sum()) / 2 / count

    if settings.optimizer == "lbfgs":
        lbfgs = torch.optim.LBFGS(weights, max_iter=_STEPS // 3, history_size=20, line_search_fn="strong_wolfe")
        chunks = np.array_split(np.arange(len(samples)), -(-len(samples) // settings.chunk_size))

        def closure() -> float:
            lbfgs.zero_grad()
            return sum(slope(chunk, len(samples)) for chunk in chunks)

        lbfgs.step(closure)  # type: ignore[no-untyped-call]  # torch types it so
        return
    adam = torch.optim.Adam(weights, lr=settings.learning_rate, betas=(0.9, 0.95))
    rng = np.random.default_rng([seed, len(samples)])
    size = min(len(samples), settings.batch_size or settings.chunk_size)
    for _ in range(_STEPS):
        adam.zero_grad()
        slope(np.sort(rng.choice(len(samples), size, replace=False)), size)
        adam.step()
