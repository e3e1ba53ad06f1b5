"""Builders that say what is known of samples without measuring them: pairs, labels, copies, grids, sequences.

Step 1 of the paper's algorithm takes any prior knowledge, not nearest neighbours only. Here each kind of it becomes
a `NeighborhoodGraph`, in memory that grows with the pairs listed and never with the square of the samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from itertools import islice, repeat
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.arrays import pairs_within
from drlim._base.checks import check_parameters, integer_in, short_repr
from drlim.graph import NeighborhoodGraph, PairSet
from drlim.graph.blocks import Blocks
from drlim.relations.labels import group_codes, is_missing

__all__ = ["label_graph", "orbit_graph", "pairs"]

Index = NDArray[np.int64]

_CHUNK = 2**16
"""Rows of ids turned into Python objects at a time."""


def pairs(
    n_samples: int | None = None,
    *,
    similar: Any = (),
    dissimilar: Any = None,
    ignored: Any = None,
    ids: Any = None,
) -> NeighborhoodGraph:
    """State pairs one by one: must-link, cannot-link, and pairs that do not count.

    Parameters
    ----------
    n_samples : int, default=None
        Number of samples, in [1, inf). May be left out when ``ids`` are given.
    similar : array-like, shape (n_pairs, 2), default=()
        Must-link: pairs of sample indices, or of ids when ``ids`` are given. Order, direction and repetition do
        not matter.
    dissimilar : array-like, shape (n_pairs, 2), default=None
        Cannot-link. None, the paper's rule, makes every pair dissimilar that is listed nowhere. When given, even
        empty, pairs listed nowhere are ignored: nothing is known of them.
    ignored : array-like, shape (n_pairs, 2), default=None
        Pairs without a spring.
    ids : array-like of hashable, shape (n_samples,), default=None
        A name for each sample, such as a file name or a key of a table. Ids of a list keep their type (1 is not
        "1"); an array has one type.

    Returns
    -------
    NeighborhoodGraph

    Raises
    ------
    ValueError, TypeError
        When neither ``n_samples`` nor ``ids`` is given or they disagree; an id is missing, repeated or unknown; an
        index is not in [0, n_samples); a sample is paired with itself; or a pair is given in two states. Messages
        about the last two name samples by their place in ``ids``.

    Examples
    --------
    >>> from drlim.relations import pairs
    >>> pairs(4, similar=[(0, 1)])
    NeighborhoodGraph(n_samples=4, similar=1, dissimilar=5, ignored=0)

    With names, and nothing said of pairs that are not listed:

    >>> people = ["ann.png", "ann_2.png", "bob.png"]
    >>> graph = pairs(ids=people, similar=[("ann.png", "ann_2.png")], dissimilar=[("bob.png", "ann.png")])
    >>> graph
    NeighborhoodGraph(n_samples=3, similar=1, dissimilar=1, ignored=1)
    >>> graph.neighbors(0)
    array([1])
    """
    check_parameters({"n_samples": n_samples}, {"n_samples": [integer_in(1), None]}, "pairs")
    stated = {"similar": similar, "dissimilar": dissimilar, "ignored": ignored}
    if ids is not None:
        table = _id_table(ids)
        if n_samples is not None and n_samples != len(table):
            raise ValueError(f"Expected 'ids' to name {n_samples} samples, as 'n_samples' says. Got {len(table)} ids.")
        n_samples = len(table)
        stated = {name: None if given is None else _places(ids, table, given, name) for name, given in stated.items()}
    if n_samples is None:
        raise ValueError("Expected 'n_samples', how many samples there are, or 'ids', one for each. Got neither.")
    return NeighborhoodGraph.from_pairs(int(n_samples), **stated)


def orbit_graph(groups: ArrayLike) -> NeighborhoodGraph:
    """Declare samples of one group to be copies of one thing: all pairs within it similar, all others dissimilar.

    The copies may be translations of an image, views of an object, one event seen by several sensors.

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
    orbits : Makes the copies as well.

    Notes
    -----
    A group of m samples lists m (m - 1) / 2 pairs, so that this is for small groups.

    Examples
    --------
    >>> from drlim.relations import orbit_graph
    >>> orbit_graph(["cup", "hat", "cup", None, "cup"]).similar.pairs().tolist()
    [[0, 2], [0, 4], [2, 4]]
    """
    codes, _ = group_codes(groups)
    return NeighborhoodGraph.from_pairs(len(codes), pairs_within(codes))


def label_graph(y: ArrayLike) -> NeighborhoodGraph:
    """State what class labels say: samples of one class are similar, samples of two classes dissimilar.

    Of a sample without a label nothing is said, so that a few labels can join what else is known: in
    ``(knn - ~labels) | labels`` labels overrule neighbours.

    Parameters
    ----------
    y : array-like, shape (n_samples,)
        A label for each sample: whole numbers, strings, booleans, pandas' categories or other hashable values. A
        sample labelled -1, or without a label (None, NaN, NaT or pandas' NA), is unlabelled. Labels of a list keep
        their type (1 is not "1", and "-1" is a label).

    Returns
    -------
    NeighborhoodGraph
        Pairs with an unlabelled sample are ignored. With one class only nothing is dissimilar, and without any
        label nothing is said: such a graph cannot be trained on, but joined to another one.

    Raises
    ------
    ValueError, TypeError
        When ``y`` is empty, not 1-D or not hashable, or holds continuous, complex or masked values.

    See Also
    --------
    orbit_graph : Groups of which the rest is dissimilar, and which list their pairs.

    Notes
    -----
    Kept as one number a sample, whatever the size of a class: 10^9 pairs of a class of 50,000 are never listed.

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
    """
    codes, labels = group_codes(y, "'y'")
    numbers = (label for label in labels if isinstance(label, float | np.floating))
    if any(isinstance(label, complex | np.complexfloating) for label in labels):
        raise ValueError("Expected 'y' to hold class labels. Got complex numbers: cut their angle into classes.")
    continuous = next((number for number in numbers if not np.isfinite(number) or number != np.floor(number)), None)
    if continuous is not None:
        raise ValueError(
            f"Expected 'y' to hold class labels. Got continuous values, such as {continuous:.6g}: cut them into "
            "classes by numpy.digitize, or join near ones by radius_graph(y.reshape(-1, 1), radius)."
        )
    alike, apart = Blocks.from_codes(codes, within=1.0), Blocks.from_codes(codes, between=1.0)
    return NeighborhoodGraph.from_sets(
        len(codes), PairSet.from_blocks(alike), PairSet.from_blocks(apart), rest="ignored"
    )


# Ids


def _id_table(ids: Any) -> dict[Any, int]:
    """Place of each id."""
    unordered = isinstance(ids, str | bytes | Set) or not isinstance(ids, Iterable)
    if unordered or getattr(ids, "ndim", 1) != 1:
        raise TypeError(f"Expected 'ids' to be one hashable id for each sample. Got {short_repr(ids)}.")
    values = ids.tolist() if hasattr(ids, "tolist") else list(ids)
    try:
        table = {value: place for place, value in enumerate(values)}
    except TypeError as error:
        raise TypeError(f"Expected 'ids' to be one hashable id for each sample ({error}).") from error
    if not table:
        raise ValueError("Expected 'ids' to name at least one sample. Got none.")
    missing = next((place for value, place in table.items() if is_missing(value)), None)
    if missing is not None:
        raise ValueError(f"Expected 'ids' to name each sample. Got {short_repr(values[missing])} at row {missing}.")
    for place, value in enumerate(values if len(table) < len(values) else ()):
        if table[value] != place:
            raise ValueError(
                f"Expected 'ids' to name each sample once. Got {short_repr(value)} at rows {place} and "
                f"{values.index(value, place + 1)}; {len(values) - len(table)} rows repeat an id."
            )
    return table


def _places(ids: Any, table: dict[Any, int], given: Any, name: str) -> Index:
    """Pairs of ids as pairs of sample indices, shape (p, 2)."""
    given = given if hasattr(given, "__len__") else list(given) if isinstance(given, Iterable) else given
    try:
        if _is_integer_array(ids) and _is_integer_array(given) and np.shape(given)[1:] == (2,):
            found = _integer_places(np.asarray(ids), np.asarray(given).ravel())
        else:
            found = np.fromiter(map(table.get, _flat(given, name), repeat(-1)), dtype=np.int64)
    except TypeError as error:  # an id that cannot be hashed
        raise TypeError(f"Expected '{name}' to be pairs of sample ids of shape (n_pairs, 2) ({error}).") from error
    if (found < 0).any():
        place = int(np.argmax(found < 0))
        unknown = next(islice(_flat(given, name), place, None))
        raise ValueError(
            f"Expected '{name}' to pair sample ids. Got {short_repr(unknown)} at row {place // 2}, which is not one "
            f"of 'ids' (such as {short_repr(next(iter(table)))})."
        )
    return found.reshape(-1, 2)


def _is_integer_array(values: Any) -> bool:
    return hasattr(values, "dtype") and np.can_cast(np.asarray(values).dtype, np.int64, "safe")


def _integer_places(ids: NDArray[Any], wanted: NDArray[Any]) -> Index:
    """Return the place of each wanted id, or -1; sorting both sides is five times faster than millions of look-ups."""
    order, queue = np.argsort(ids), np.argsort(wanted)
    nearest = np.minimum(np.searchsorted(ids[order], wanted[queue]), len(ids) - 1)
    places = np.empty(len(wanted), dtype=np.int64)
    places[queue] = np.where(ids[order[nearest]] == wanted[queue], order[nearest], -1)
    return places


def _flat(given: Any, name: str) -> Iterator[Any]:
    """Ids of pairs one after the other, as Python objects."""
    if hasattr(given, "shape"):
        array = np.asarray(given)
        if array.size and (array.ndim != 2 or array.shape[1] != 2):
            raise ValueError(f"Expected '{name}' to be pairs of sample ids, shape (n_pairs, 2). Got {array.shape}.")
        for start in range(0, len(array), _CHUNK):
            yield from array[start : start + _CHUNK].ravel().tolist()
        return
    for row, pair in enumerate(given):
        if isinstance(pair, str | bytes) or not hasattr(pair, "__len__") or len(pair) != 2:
            raise ValueError(f"Expected '{name}' to be pairs of sample ids. Got {short_repr(pair)} at row {row}.")
        yield from pair
