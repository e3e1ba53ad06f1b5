"""Wrong pairs found by their tension: one in a hundred labels of pairs is flipped, and a map is trained on all of them.

Half of the flips declare similar a pair drawn at random from the dissimilar ones (stretched). The other half declares
dissimilar a pair of nearest neighbours (pressed). Measured is the share of each half that is among the 5 % of its kind
with the highest energy: similar pairs are ranked among similar ones, dissimilar pairs among dissimilar ones.

``python -m benchmarks.flipped_labels`` measures it for 6000 digits of MNIST and three seeds, about a minute each on two
cores. ``--small`` takes 1300 digits of 8 x 8 pixels, some seconds each.

Some flips cannot be found, because no other pair contradicts them. Two digits drawn at random can be close to each
other on a plane, and two neighbours without common neighbours can be separated at no cost. With fewer than 40 epochs,
fewer of the pairs declared dissimilar are found. Dividing the energy of a pair by that of the other springs of its
samples, or by the density of the map there, changed little.
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
"""Share of the pairs of a kind, by energy, in which a flipped pair counts as found."""

WANTED = 0.8
"""Minimum share of flipped pairs to be found."""

TRAINING: dict[str, Any] = {"max_epochs": 60, "verbose": 0}
"""Parameters of the estimator. Wrong pairs stand out only when the energy is close to its minimum."""


class Flipped(NamedTuple):
    """A graph with some wrong pairs."""

    graph: NeighborhoodGraph
    stretched: NDArray[np.int64]  # (k, 2) dissimilar, declared similar
    pressed: NDArray[np.int64]  # (k, 2) similar, declared dissimilar


def flip_labels(graph: NeighborhoodGraph, share: float = 0.01, seed: int = 0) -> Flipped:
    """Flip labels of pairs, half of them of similar ones and half of dissimilar ones.

    Parameters
    ----------
    graph : NeighborhoodGraph
        A graph whose unlisted pairs are dissimilar.
    share : float, default=0.01
        Number of flips divided by the number of similar pairs.
    seed : int, default=0
        Seed of the choice.

    Returns
    -------
    Flipped
    """
    rng = np.random.default_rng(seed)
    n, listed = graph.n_samples, graph.similar.pairs()
    count = max(1, round(share * len(listed) / 2))
    gone = rng.choice(len(listed), count, replace=False)
    drawn = np.unique(np.sort(rng.integers(0, n, (4 * count + 20, 2)), axis=1), axis=0)
    strangers = drawn[graph.dissimilar.weight_of(*drawn.T) > 0]  # without pairs of a sample and itself
    stretched = rng.permutation(strangers)[:count]
    similar = np.concatenate([np.delete(listed, gone, axis=0), stretched])
    return Flipped(NeighborhoodGraph.from_pairs(n, similar), stretched, listed[gone])


def found(Z: NDArray[Any], flipped: Flipped) -> tuple[float, float]:
    """Return the shares of the stretched and of the pressed flips that are in the top of their kind by energy."""
    both = (pair_tension(Z, flipped.graph, half).share <= TOP for half in (flipped.stretched, flipped.pressed))
    stretched, pressed = (float(half.mean()) for half in both)
    return stretched, pressed


def measure(seeds: int = 3, small: bool = False, **parameters: Any) -> list[Measured]:
    """Train one map for each seed on flipped labels, and return a line for each half of the flips: the mean over seeds.

    Parameters
    ----------
    seeds : int, default=3
        Number of seeds. Each draws its own flips and initial weights.
    small : bool, default=False
        Whether to take the digits of 8 x 8 pixels.
    **parameters
        Parameters of `DrLIM` that replace those of `TRAINING`.
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
