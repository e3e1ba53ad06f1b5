"""Class and group labels of samples: as codes, and as the graphs that follow from them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from drlim._base.arrays import Array, Index, pairs_within
from drlim._base.checks import refuse_masked_values, short_repr
from drlim._base.forms import plain
from drlim.graph import NeighborhoodGraph, PairSet
from drlim.graph.blocks import Blocks
from drlim.relations.label_sets import are_label_sets, label_sets_graph
from drlim.relations.missing import is_missing

__all__ = ["group_codes", "is_missing", "label_array", "label_codes", "label_graph", "orbit_graph"]


def label_graph(y: ArrayLike | Sequence[AbstractSet[Hashable] | None] | sparse.sparray) -> NeighborhoodGraph:
    """Declare samples of one class similar, and samples of two classes dissimilar.

    Of samples with several labels, two are similar that share at least one, and dissimilar that share none.

    Pairs with an unlabelled sample are ignored. A few labels can therefore correct another graph: in
    ``(knn - ~labels) | labels`` labels overrule neighbours, and all other pairs stay as they are in ``knn``.

    Parameters
    ----------
    y : array-like, shape (n_samples,)
        A label for each sample: whole numbers, strings, booleans, pandas' categories or other hashable values. A
        sample labelled -1, or without a label (None, NaN, NaT or pandas' NA), is unlabelled. Labels of a list keep
        their type (1 is not "1", and "-1" is a label).

        Or several labels a sample, in one of two forms: a list of sets, with None for a sample of which nothing is
        known (an empty set is known to share nothing); or a matrix of 0 and 1, dense or sparse, with a column for each
        label, and NaN or -1 where it is unknown whether a sample has it. A pair that may or may not share a label is
        ignored.

    Returns
    -------
    NeighborhoodGraph
        A graph of one class only has no dissimilar pairs, and one without any label ignores all pairs. Such a graph
        cannot be trained on, but can be joined to another one.

    Raises
    ------
    ValueError, TypeError
        When ``y`` is empty, of another form or not hashable, or holds continuous, complex or masked values; or when
        samples of several labels would list more than 10^9 similar pairs.

    See Also
    --------
    orbit_graph : Small groups; samples of two groups, or of none, are dissimilar.
    target_graph : Continuous targets.

    Notes
    -----
    With one label a sample, the graph stores one number for each, whatever the size of a class. It does not list pairs:
    a class of 50,000 samples has 10^9. Similar pairs of samples with several labels are listed.

    Examples
    --------
    >>> from drlim.relations import label_graph
    >>> label_graph(["cat", "dog", None, "cat"])
    NeighborhoodGraph(n_samples=4, similar=1, dissimilar=2, ignored=3)

    A few labels overrule neighbours:

    >>> from drlim.neighbors import knn_graph
    >>> knn, labels = knn_graph([[0.0], [1.0], [5.0], [6.0]], 1), label_graph([3, 7, 3, -1])
    >>> ((knn - ~labels) | labels).similar.pairs().tolist()
    [[0, 2], [2, 3]]

    Several labels a sample:

    >>> label_graph([{"cat", "night"}, {"dog", "night"}, {"cat"}, None]).similar.pairs().tolist()
    [[0, 1], [0, 2]]
    """
    if are_label_sets(y):
        return label_sets_graph(y)
    codes, labels = group_codes(y, "'y'")
    _refuse_numbers(labels)
    similar, dissimilar = Blocks.from_codes(codes, within=1.0), Blocks.from_codes(codes, between=1.0)
    return NeighborhoodGraph.from_sets(
        len(codes), PairSet.from_blocks(similar), PairSet.from_blocks(dissimilar), rest="ignored"
    )


def orbit_graph(groups: ArrayLike) -> NeighborhoodGraph:
    """Declare samples of one group similar, and all other pairs dissimilar.

    A group holds the copies of one thing: translations of an image, views of an object, or recordings of one event
    by several sensors.

    Parameters
    ----------
    groups : array-like, shape (n_samples,)
        A label for each sample: numbers, strings or other hashable values. A sample labelled -1, or without a label
        (None, NaN, NaT or pandas' NA), is in no group, and similar to no other.

    Returns
    -------
    NeighborhoodGraph

    Raises
    ------
    ValueError, TypeError
        When ``groups`` is empty, not 1-D or not hashable, or there would be more than 10^9 pairs.

    See Also
    --------
    orbits : Makes the copies and this graph.
    label_graph : Large groups; pairs with an unlabelled sample are ignored.

    Notes
    -----
    The graph lists m (m - 1) / 2 pairs for a group of m samples.

    Examples
    --------
    >>> from drlim.relations import orbit_graph
    >>> orbit_graph(["cup", "hat", "cup", None, "cup"]).similar.pairs().tolist()
    [[0, 2], [0, 4], [2, 4]]
    """
    codes, _ = group_codes(groups)
    return NeighborhoodGraph.from_pairs(len(codes), pairs_within(codes))


def group_codes(groups: object, name: str = "'groups'") -> tuple[Index, list[Hashable]]:
    """Return the code of each sample's group (n,), from 0 on, or -1 for none, and the labels of the groups."""
    codes, labels = label_codes(groups, name)
    in_none = np.array([is_missing(label) or label == -1 for label in labels], dtype=bool)  # (number of labels,)
    numbers = np.where(in_none, -1, np.cumsum(~in_none) - 1)
    return numbers[codes], [label for label, none in zip(labels, in_none.tolist(), strict=True) if not none]


def label_codes(labels: object, name: str) -> tuple[Index, list[Hashable]]:
    """Return the code of each label (n,), and the distinct labels, which the codes index."""
    values = label_array(labels, name)
    if values.dtype.kind != "O":
        distinct, codes = np.unique(values, return_inverse=True)
        return codes.astype(np.int64), distinct.tolist() if distinct.dtype.kind not in "mM" else list(distinct)
    table: dict[Hashable, int] = {}
    try:
        numbers = (table.setdefault(value, len(table)) for value in values.tolist())
        return np.fromiter(numbers, dtype=np.int64, count=len(values)), list(table)
    except TypeError as error:
        raise TypeError(f"Expected {name} to hold numbers, strings or other hashable values ({error}).") from error


def label_array(labels: object, name: str) -> Array:
    """Return labels as a 1-D array. Those of a list keep their types, where NumPy would convert 1 to "1"."""
    refuse_masked_values(labels, name, "fill them in, with -1 where a sample has no label")
    labels = plain(labels, name)
    if isinstance(labels, list | tuple):
        values = np.fromiter(labels, dtype=object, count=len(labels))  # a tuple may be a label
    else:
        values = np.asarray(labels, dtype=None if hasattr(labels, "dtype") else object)
    if values.dtype == object and values.ndim == 1:
        values = _single(values, name)
    if values.ndim != 1 or len(values) == 0:
        got = f"shape {values.shape}" if values.ndim else short_repr(labels)
        raise ValueError(f"Expected {name} to be 1-D, with a value for each of at least one sample. Got {got}.")
    return values


def _single(values: Array, name: str) -> Array:
    """Return labels, those that are arrays or tensors of one value as that value; refuse those of several."""
    values = values.copy()
    for place, value in enumerate(values.tolist()):
        if hasattr(value, "shape") and not isinstance(value, np.generic):
            single = np.asarray(plain(value, name))
            if single.size != 1:
                raise ValueError(
                    f"Expected {name} to hold one label a sample. Got {short_repr(single)} for sample {place}: give "
                    "each sample one class, or state which samples are alike by graph=."
                )
            values[place] = single.item()
    return values


def _refuse_numbers(labels: list[Hashable]) -> None:
    """Refuse labels that are complex or continuous numbers."""
    if any(isinstance(label, complex | np.complexfloating) for label in labels):
        raise ValueError("Expected 'y' to hold class labels. Got complex numbers: cut their angle into classes.")
    numbers = (label for label in labels if isinstance(label, float | np.floating))
    continuous = next((number for number in numbers if not np.isfinite(number) or number != np.floor(number)), None)
    if continuous is not None:
        raise ValueError(
            f"Expected 'y' to hold class labels. Got continuous values, such as {continuous:.6g}: cut them into "
            "classes by numpy.digitize, or join near ones by radius_graph(y.reshape(-1, 1), radius) or "
            "target_graph(y, n_neighbors=...)."
        )
