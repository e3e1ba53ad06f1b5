"""Time to a fixed exact energy: the library's defaults compared with the loop that a competent user would write.

``python -m benchmarks.time_to_energy [digits|turntable|translated]`` runs it by itself. Both sides start from the same
weights of the same network and use Adam. The energy is the balanced objective over all pairs of the training set; the
time of computing it is not counted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.measuring import Measured, measured, quartiles
from drlim import DrLIM, NeighborhoodGraph, datasets, knn_graph, make_encoder
from drlim.metrics import exact_energy
from drlim.relations import grid_graph, orbits, shifts, with_copies

__all__ = ["PROBLEMS", "Problem", "baseline", "first_reached", "in_batch_loss", "main", "measure", "ours", "race"]

Curve = list[tuple[float, float]]
"""Points (seconds, exact energy), the seconds rising."""


class Problem(NamedTuple):
    """The data of both sides, and the lengths of their runs.

    Attributes
    ----------
    X : ndarray, shape (n, ...)
        Training samples.
    graph : NeighborhoodGraph
        Their relations.
    encoder : str
        Name of the network.
    n_components : int
        Number of dimensions of the map.
    weight : float
        ``dissimilar_weight`` of the objective.
    rivals : list of (int, float)
        Batch size and learning rate of each baseline: the best ones found, see docs/training.md.
    epochs : int
        Number of epochs of each baseline.
    check : int
        Number of epochs between two computations of its energy.
    levels : list of int
        Epochs of the baselines; the lowest energy up to each of them is an energy to reach.
    ours : list of int
        ``max_epochs`` of the runs of the library, each from the start.
    warm_up : int
        Number of steps over which the learning rate of the baselines rises: the best number found.
    """

    X: NDArray[Any]
    graph: NeighborhoodGraph
    encoder: str
    n_components: int
    weight: float
    rivals: list[tuple[int, float]]
    epochs: int
    check: int
    levels: list[int]
    ours: list[int]
    warm_up: int = 0


def _digits(n: int = 6000) -> Problem:
    X = datasets.digits49().X_train[:n]
    rivals = [(250, 3e-3), (500, 3e-3), (1000, 6e-3)]
    return Problem(X, knn_graph(X, 5), "convnet", 2, 4.0, rivals, 40, 2, [10, 20, 30, 40], [3, 5, 8, 11])


def _translated(n: int = 6000) -> Problem:
    """Ten horizontal shifts of each digit: 60,000 samples."""
    X = datasets.digits49().X_train[:n]
    copies = orbits(X, shifts([-5, -4, -3, -2, -1, 1, 2, 3, 4]))
    graph = with_copies(knn_graph(X, 5), copies.source)
    rivals = [(250, 3e-3), (1000, 6e-3)]
    return Problem(copies.X, graph, "convnet", 2, 4.0, rivals, 6, 1, [2, 4, 6], [1, 2, 3, 4])


def _turntable(n: int = 660) -> Problem:
    data = datasets.turntable()
    train = data.train[:n]
    metadata = {name: values[train] for name, values in data.metadata.items()}
    graph = grid_graph(metadata, step={"azimuth": 20, "elevation": 5}, cyclic={"azimuth": 360}, ignore=["lighting"])
    rivals = [(250, 2e-3), (250, 1e-3), (100, 1e-3)]
    return Problem(
        data.images[train], graph, "two_layer", 3, 1.7, rivals, 60, 2, [10, 20, 40, 60], [5, 10, 20, 40], warm_up=30
    )


PROBLEMS = {"digits": _digits, "turntable": _turntable, "translated": _translated}
"""Makers of the problems by their names on the command line; each takes the number of images."""


def measure(n: int = 6000, seeds: Sequence[int] = (0, 1, 2), **sizes: Any) -> Measured:
    """Return the time to a fixed exact energy on digits, as a share of the time of the in-batch loop.

    The value is the median over seeds and levels. At each level the fastest baseline counts, at the first computation
    of its energy that is at or below the level.

    Parameters
    ----------
    n : int, default=6000
        Number of images.
    seeds : sequence of int, default=(0, 1, 2)
        Seeds of the weights and batches.
    **sizes
        Fields of `Problem` to replace, for a quick trial.

    Returns
    -------
    dict
        Result of `benchmarks.measuring.measured`; ``parts`` contains the shares by level, and the curves.
    """
    problem = _digits(n)._replace(**sizes)
    _compile()
    runs = [race(problem, seed) for seed in seeds]
    shares = [share for run in runs for share in run["shares"].values()]
    by_level = {
        f"share of the time, level of epoch {level}": statistics.median(run["shares"][level] for run in runs)
        for level in problem.levels
    }
    return measured(
        "time to a fixed exact energy on digits / in-batch contrastive loop",
        statistics.median(shares),
        "ratio",
        at_most=1 / 3,
        spread=quartiles(shares),
        parts={**by_level, "runs": runs},
        notes=f"levels: best energy of the loop after {', '.join(map(str, problem.levels))} epochs; median of "
        f"{len(shares)} shares, {len(runs)} seeds",
    )


def race(problem: Problem, seed: int) -> dict[str, Any]:
    """Run both sides once, and return curves, levels and the share of the time for each level."""
    curves = {f"batch {size}, rate {rate}": baseline(problem, size, rate, seed) for size, rate in problem.rivals}
    curve = ours(problem, seed)
    shares, levels = {}, {}
    for epoch in problem.levels:
        looks = epoch // problem.check
        levels[epoch] = min(energy for rival in curves.values() for _, energy in rival[:looks])
        theirs = min(first_reached(rival, levels[epoch]) for rival in curves.values())
        shares[epoch] = first_reached(curve, levels[epoch], between=True) / theirs
    return {"seed": seed, "levels": levels, "shares": shares, "ours": curve, "rivals": curves}


def first_reached(curve: Curve, level: float, *, between: bool = False) -> float:
    """Return the time at which a curve is first at or below a level, in seconds; infinity if it never is.

    Parameters
    ----------
    curve : list of (float, float)
        Points (seconds, energy), in the order of time.
    level : float
        Energy to reach.
    between : bool, default=False
        Whether to interpolate linearly between points, which is valid if the points are ends of separate runs.

    Examples
    --------
    >>> first_reached([(1.0, 0.5), (2.0, 0.25)], 0.375), first_reached([(1.0, 0.5), (2.0, 0.25)], 0.375, between=True)
    (2.0, 1.5)
    """
    before: tuple[float, float] | None = None
    for seconds, energy in curve:
        if energy <= level:
            if between and before is not None:
                return before[0] + (seconds - before[0]) * (before[1] - level) / (before[1] - energy)
            return seconds
        before = (seconds, energy)
    return float("inf")


def ours(problem: Problem, seed: int) -> Curve:
    """Fit once for each number of epochs, from the start, and return times with set-up and the energies."""
    curve = []
    for max_epochs in problem.ours:
        model = DrLIM(
            problem.n_components,
            encoder=lambda shape, _: _encoder(problem, seed),  # noqa: ARG005 - the weights the baseline starts from
            dissimilar_weight=problem.weight,
            max_epochs=max_epochs,
            tol=0.0,
            random_state=seed,
            verbose=False,
        )
        began = time.perf_counter()
        model.fit(problem.X, graph=problem.graph)
        seconds = time.perf_counter() - began
        curve.append((seconds, exact_energy(model.embedding_, problem.graph, dissimilar_weight=problem.weight)))
    return curve


def baseline(problem: Problem, batch_size: int, rate: float, seed: int) -> Curve:
    """Run the in-batch loop, and return its times with the energy after every ``problem.check`` epochs."""
    X = torch.from_numpy(np.ascontiguousarray(problem.X, dtype=np.float32))
    encoder, curve, clock = _encoder(problem, seed), [], 0.0
    epochs = _in_batch_epochs(encoder, X, problem, batch_size, rate, seed)
    for epoch in range(1, problem.epochs + 1):
        began = time.perf_counter()
        next(epochs)
        clock += time.perf_counter() - began
        if epoch % problem.check == 0:
            with torch.no_grad():
                Z = torch.cat([encoder(part) for part in X.split(500)]).numpy()
            curve.append((clock, exact_energy(Z, problem.graph, dissimilar_weight=problem.weight)))
    return curve


def _in_batch_epochs(
    encoder: nn.Module, X: Tensor, problem: Problem, batch_size: int, rate: float, seed: int
) -> Iterator[None]:
    """Train by autograd on all pairs within random batches, and yield after each epoch."""
    optimizer = torch.optim.Adam(encoder.parameters(), lr=rate)
    rise = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / (problem.warm_up + 1)))
    generator = torch.Generator().manual_seed(seed)
    similar = problem.graph.to_csr()
    while True:
        for batch in torch.randperm(len(X), generator=generator).split(min(batch_size, len(X))):
            index = batch.numpy()
            alike = torch.from_numpy(similar[index][:, index].toarray().astype(bool))
            optimizer.zero_grad()
            in_batch_loss(encoder(X[batch]), alike, problem.graph, problem.weight).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            rise.step()
        yield


def in_batch_loss(Z: Tensor, alike: Tensor, graph: NeighborhoodGraph, weight: float, margin: float = 1.0) -> Tensor:
    """Return the estimate of the balanced objective from the pairs of a batch.

    Parameters
    ----------
    Z : Tensor, shape (b, d)
    alike : Tensor of bool, shape (b, b)
    graph : NeighborhoodGraph
        All other pairs are dissimilar.
    weight : float
    margin : float, default=1.0
    """
    # Exact distances: the faster product form is off by a third where a map is dense.
    distance = torch.cdist(Z, Z, compute_mode="donot_use_mm_for_euclid_dist")  # (b, b)
    apart = ~alike & ~torch.eye(len(Z), dtype=torch.bool)
    attraction = 0.5 * distance[alike].square().sum()
    repulsion = 0.5 * (margin - distance[apart]).clamp_min(0.0).square().sum()
    n, b = graph.n_samples, len(Z)
    every = n * (n - 1) / (b * (b - 1)) / 2  # a pair stands twice in the square
    return every * (attraction / graph.n_similar + weight * repulsion / graph.n_dissimilar)


def _compile() -> None:
    """Fit a few samples, so that the time of compilation is not counted."""
    DrLIM(encoder="mlp", max_epochs=1, batch_size=50, verbose=False).fit(datasets.digits().X_train[:200])


def _encoder(problem: Problem, seed: int) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder = make_encoder(problem.encoder, problem.X.shape[1:], problem.n_components)
    encoder[0].fit(problem.X)  # type: ignore[operator]  # Standardize
    return encoder


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line: race on one problem, print shares and curves as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.time_to_energy", description=__doc__)
    parser.add_argument("problem", nargs="?", default="digits", choices=sorted(PROBLEMS))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    _compile()
    sys.stdout.write(json.dumps(race(PROBLEMS[given.problem](), given.seed), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
