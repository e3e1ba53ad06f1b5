"""How a map fits its relations at each sample: energy and tension of its springs, and how new a sample is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Array, Floats, Index
from drlim.explorer.charts import curved_space
from drlim.explorer.columns import Column, numbers

if TYPE_CHECKING:
    from drlim.estimators import DrLIM, NeighborMap
    from drlim.graph import NeighborhoodGraph
    from drlim.graph.pairset import PairSet

__all__ = ["listed_springs", "novelty_column", "spring_columns"]

_MOST_JUDGED = 10_000
"""Maximum number of samples whose energy is computed, over all pairs: 3 seconds."""

_MOST_LISTED = 500_000
"""Maximum number of springs that a page holds, 2 MB."""

_MOST_COMPARED = 100_000
"""Maximum number of samples whose novelty is computed."""


def spring_columns(estimator: DrLIM | NeighborMap, Z: Array) -> list[Column]:
    """Return energy and tension of the springs of each training sample; none where there are too many.

    On a curved space distances are those along it.
    """
    if len(Z) > _MOST_JUDGED or len(Z) < 2:
        return []
    from drlim.estimators.map_score import usual_laws
    from drlim.metrics.energy import spring_tension

    given = estimator.get_params(deep=False)
    laws = given["springs"]
    if laws is None and "margin" not in given:  # a NeighborMap
        laws = usual_laws()
    energy, forces = spring_tension(
        np.asarray(Z, dtype=np.float64),
        estimator.graph_,
        margin=given.get("margin", 1.0),
        dissimilar_weight=given.get("dissimilar_weight", 1.0),
        springs=laws,
        space=curved_space(estimator),
    )
    mean = float(energy.mean()) or 1.0
    force: Floats = np.linalg.norm(forces, axis=1)
    usual = float(force.mean()) or 1.0
    return [
        numbers("energy", energy / mean, "Energy of the sample's springs; 1 is the mean of all samples."),
        numbers("tension", force / usual, "Net force of the springs on the sample; 1 is the mean of all samples."),
    ]


def novelty_column(estimator: DrLIM | NeighborMap, samples: ArrayLike, n_samples: int) -> list[Column]:
    """Return how far samples lie from those trained on; none where it is not known, or there are too many."""
    if getattr(estimator, "_reference", None) is None or n_samples > _MOST_COMPARED:
        return []
    found = estimator.novelty(samples)[:, 0]  # (n,)
    return [numbers("novelty", found, "Distance to the nearest kept training sample; 1 is usual in training.")]


def listed_springs(graph: NeighborhoodGraph) -> tuple[dict[str, Array], str]:
    """Return the springs of each sample, and a sentence on those that are left out.

    Returns
    -------
    arrays : dict of str to ndarray
        ``similar_starts``, shape (n + 1,), and ``similar_others``: sample i is tied to the entries
        ``starts[i]`` up to ``starts[i + 1]``. The same of pairs that are stated dissimilar.
    said : str
        "" if none is left out.
    """
    arrays: dict[str, Array] = {}
    left_out = []
    for kind, pairs in (("similar", graph.similar), ("dissimilar", graph.stated_dissimilar)):
        if pairs.n_pairs > _MOST_LISTED:
            left_out.append(f"{pairs.n_pairs:,} {kind} pairs")
        elif pairs.n_pairs:
            starts, others = _both_ways(pairs)
            arrays |= {f"{kind}_starts": starts.astype(np.uint32), f"{kind}_others": others.astype(np.uint32)}
    said = f"The page leaves out {' and '.join(left_out)}: they are too many to be drawn." if left_out else ""
    return arrays, said


def _both_ways(pairs: PairSet) -> tuple[Index, Index]:
    """Return where the partners of each sample begin, and the partners."""
    listed = pairs.pairs()  # (p, 2)
    ends = np.concatenate([listed, listed[:, ::-1]])  # (2p, 2)
    order = np.lexsort((ends[:, 1], ends[:, 0]))
    counts = np.bincount(ends[:, 0], minlength=pairs.n_samples)
    return np.concatenate([[0], np.cumsum(counts)]), ends[order, 1]
