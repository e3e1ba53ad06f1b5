"""Wrong statements, found by their tension: one in a hundred pair labels is flipped, and a map trained on the rest.

Half of the flips declare similar what was drawn at random from the dissimilar pairs, the other half declares dissimilar
what are nearest neighbours. Of each half, which share stands among the 5 % of its kind that have the highest energy?
Stretched: similar pairs, ranked among the similar ones. Pressed: dissimilar pairs among the dissimilar ones.

Run by ``python -m benchmarks.flipped_labels``, for 6000 digits of MNIST and three seeds; about a minute each on two
cores. ``--small`` takes 1300 digits of 8 x 8 pixels, some seconds each.

Not all can be found. Two digits drawn at random lie near each other on a plane now and then, and a pair of neighbours
that nothing else holds together can be parted at no cost: neither statement is contradicted by the others. A run of
fewer than 40 epochs finds fewer of those declared dissimilar. To divide a pair's energy by that of its samples' other
springs, or by how crowded its place is, was tried and changed little.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Measured, measured
from drlim import DrLIM, NeighborhoodGraph, datasets, knn_graph
from drlim.metrics import pair_tension

__all__ = ["Flipped", "flip_labels", "found", "main", "measure"]

TOP = 0.05
"""Share of a kind in which a flipped pair counts as found."""

WANTED = 0.8

TRAINING: dict[str, Any] = {"max_epochs": 60, "verbose": 0}
"""Springs have to come near to rest before the wrong ones stand out."""


class Flipped(NamedTuple):
    """A graph some of whose statements are wrong."""

    graph: NeighborhoodGraph
    stretched: NDArray[np.int64]  # (k, 2) dissimilar, declared similar
    pressed: NDArray[np.int64]  # (k, 2) similar, declared dissimilar


def flip_labels(graph: NeighborhoodGraph, share: float = 0.01, seed: int = 0) -> Flipped:
    """Flip labels of pairs, half of them of similar ones and half of dissimilar ones.

    Parameters
    ----------
    graph : NeighborhoodGraph
        Whose pairs listed nowhere are dissimilar.
    share : float, default=0.01
        How many are flipped, as a part of the number of similar pairs.
    seed : int, default=0
    """
    rng = np.random.default_rng(seed)
    n, listed = graph.n_samples, graph.similar.pairs()
    count = max(1, round(share * len(listed) / 2))
    gone = rng.choice(len(listed), count, replace=False)
    drawn = np.unique(np.sort(rng.integers(0, n, (4 * count + 20, 2)), axis=1), axis=0)
    strangers = drawn[graph.dissimilar.weight_of(*drawn.T) > 0]  # no sample is a stranger to itself
    stretched = rng.permutation(strangers)[:count]
    similar = np.concatenate([np.delete(listed, gone, axis=0), stretched])
    return Flipped(NeighborhoodGraph.from_pairs(n, similar), stretched, listed[gone])


def found(Z: NDArray[Any], flipped: Flipped) -> tuple[float, float]:
    """Return which share of the stretched and of the pressed flips is in the top of tension."""
    both = (pair_tension(Z, flipped.graph, half).share <= TOP for half in (flipped.stretched, flipped.pressed))
    stretched, pressed = (float(half.mean()) for half in both)
    return stretched, pressed


def measure(seeds: int = 3, small: bool = False, **parameters: Any) -> list[Measured]:
    """Train one map a seed on flipped labels; return one line for each half of the flips, of the mean over seeds.

    Parameters
    ----------
    seeds : int, default=3
        Each draws its own flips and its own initial weights.
    small : bool, default=False
        Take 8 x 8 digits.
    **parameters
        Of `DrLIM`, instead of `TRAINING`.
    """
    data = datasets.digits() if small else datasets.digits49()
    graph = knn_graph(data.X_train, n_neighbors=5)
    shares = []
    for seed in range(seeds):
        flipped = flip_labels(graph, seed=seed)
        model = DrLIM(random_state=seed, **{**TRAINING, **parameters}).fit(data.X_train, graph=flipped.graph)
        shares.append(found(model.embedding_, flipped))
    halves = zip(("declared similar", "declared dissimilar"), np.array(shares).T, strict=True)
    return [
        measured(
            f"flipped pairs in the top 5 % of tension: {half}",
            float(values.mean()),
            "share",
            at_least=WANTED,
            spread=(float(values.min()), float(values.max())),
            parts={f"seed {seed}": float(value) for seed, value in enumerate(values)},
            notes=f"{len(data.X_train)} digits, {len(flipped.pressed)} flips; the spread is from least to most",
        )
        for half, values in halves
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flipped_labels", description=__doc__)
    parser.add_argument("--small", action="store_true", help="8 x 8 digits")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--components", type=int, default=2, help="dimensions of the map")
    parser.add_argument("--epochs", type=int, default=TRAINING["max_epochs"])
    given = parser.parse_args(arguments)
    for line in measure(given.seeds, given.small, n_components=given.components, max_epochs=given.epochs):
        each = " ".join(f"{value:.3f}" for value in line["parts"].values())
        sys.stdout.write(f"{line['what']}: {line['value']:.3f} (at least {line['wanted']}; by seed {each})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
