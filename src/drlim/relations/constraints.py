"""Pairs that the user lists one by one: similar (must-link), dissimilar (cannot-link) or ignored."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from numpy.typing import ArrayLike

from drlim._base.checks import check_parameters, integer_in
from drlim.graph import NeighborhoodGraph
from drlim.relations.ids import id_table, places

__all__ = ["pairs"]

Pairs = ArrayLike | Iterable[Sequence[Hashable]]


def pairs(
    n_samples: int | None = None,
    *,
    similar: Pairs = (),
    dissimilar: Pairs | None = None,
    ignored: Pairs | None = None,
    ids: ArrayLike | Iterable[Hashable] | None = None,
) -> NeighborhoodGraph:
    """Build a graph from pairs listed one by one: must-link, cannot-link and ignored pairs.

    Parameters
    ----------
    n_samples : int, default=None
        Number of samples, in [1, inf). May be left out when ``ids`` are given.
    similar : array-like, shape (n_pairs, 2), default=()
        Must-link: pairs of sample indices, or of ids when ``ids`` are given. Order, direction and repetition do
        not matter.
    dissimilar : array-like, shape (n_pairs, 2), default=None
        Cannot-link. With None, all pairs that are not listed are dissimilar, which is the paper's rule. With an
        array, even an empty one, all pairs that are not listed are ignored.
    ignored : array-like, shape (n_pairs, 2), default=None
        Pairs without a spring: they have no influence on the map.
    ids : array-like of hashable, shape (n_samples,), default=None
        A unique id for each sample, such as a file name or a key of a table. Ids of a list keep their types (1 is
        not "1"); those of an array have one type.

    Returns
    -------
    NeighborhoodGraph

    Raises
    ------
    ValueError, TypeError
        When neither ``n_samples`` nor ``ids`` is given or they disagree; an id is missing, repeated or unknown; an
        index is not in [0, n_samples); a sample is paired with itself; or a pair is given in two states. Messages
        about the last two give samples by their place in ``ids``.

    See Also
    --------
    label_graph : Similar and dissimilar pairs from class labels.

    Examples
    --------
    >>> from drlim.relations import pairs
    >>> pairs(4, similar=[(0, 1)])
    NeighborhoodGraph(n_samples=4, similar=1, dissimilar=5, ignored=0)

    With ids; the pair that is not listed is ignored:

    >>> people = ["ann.png", "ann_2.png", "bob.png"]
    >>> graph = pairs(ids=people, similar=[("ann.png", "ann_2.png")], dissimilar=[("bob.png", "ann.png")])
    >>> graph
    NeighborhoodGraph(n_samples=3, similar=1, dissimilar=1, ignored=1)
    >>> graph.neighbors(0)
    array([1])
    """
    check_parameters({"n_samples": n_samples}, {"n_samples": [integer_in(1), None]}, "pairs")
    stated: dict[str, Any] = {"similar": similar, "dissimilar": dissimilar, "ignored": ignored}
    if ids is not None:
        table = id_table(ids)
        if n_samples is not None and n_samples != len(table):
            raise ValueError(f"Expected 'ids' to name {n_samples} samples, as 'n_samples' says. Got {len(table)} ids.")
        n_samples = len(table)
        stated = {name: None if given is None else places(ids, table, given, name) for name, given in stated.items()}
    if n_samples is None:
        raise ValueError("Expected 'n_samples', how many samples there are, or 'ids', one for each. Got neither.")
    return NeighborhoodGraph.from_pairs(int(n_samples), **stated)
