"""`NeighborhoodGraph`: which samples are known to be similar, which dissimilar, and which pairs do not count.

Step 1 of the paper's algorithm (section 2.3) finds for every X_i the set S_i of samples similar to it and labels
all other pairs dissimilar. A graph holds that labelling without holding the pairs: the similar ones as lists of
neighbours, the dissimilar ones by default as "all the rest".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from drlim._checks import check_parameters, integer_in, short_repr

__all__ = ["NeighborhoodGraph", "PairSet"]

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PairSet:
    """A symmetric set of pairs of samples, as compressed sparse rows without values.

    The samples paired with i are ``indices[indptr[i]:indptr[i + 1]]``, ascending; each pair stands in both its
    rows. Arrays are read-only.

    Attributes
    ----------
    indptr : ndarray of int64, shape (n_samples + 1,)
    indices : ndarray of int64, shape (2 * n_pairs,)
    """

    indptr: Index
    indices: Index

    @classmethod
    def from_pairs(cls, n_samples: int, pairs: ArrayLike, name: str = "similar") -> PairSet:
        """Build from an integer array of shape (n_pairs, 2); order, direction and repetition do not matter.

        Raises
        ------
        ValueError, TypeError
            When the shape is wrong, an index is not a whole number in [0, n_samples), or a sample is paired with
            itself; ``name`` is the parameter named in the message.
        """
        edges = _check_pairs(n_samples, pairs, name)
        first, second = edges[:, 0], edges[:, 1]
        # Sorting one key a pair is ten times as fast as np.unique, and as lexsort, on 10^7 pairs.
        keys = np.sort(np.minimum(first, second) * n_samples + np.maximum(first, second))  # (p,)
        keys = keys[np.append(True, keys[1:] != keys[:-1])[: len(keys)]]  # each unordered pair once
        low, high = np.divmod(keys, max(n_samples, 1))
        both = np.sort(np.concatenate([keys, high * n_samples + low]))  # (2p,) row by row
        indptr = np.zeros(n_samples + 1, dtype=np.int64)
        degrees = np.bincount(low, minlength=n_samples) + np.bincount(high, minlength=n_samples)
        np.cumsum(degrees, out=indptr[1:])
        return cls(_read_only(indptr), _read_only(both % max(n_samples, 1)))

    @property
    def n_pairs(self) -> int:
        """Number of unordered pairs."""
        return len(self.indices) // 2

    @property
    def degrees(self) -> Index:
        """Number of partners of each sample, shape (n_samples,)."""
        return cast(Index, np.diff(self.indptr))

    def pairs(self) -> Index:
        """Return each pair once, as rows (i, j) with i < j, sorted; shape (n_pairs, 2)."""
        rows = np.repeat(np.arange(len(self.indptr) - 1), self.degrees)  # (2p,)
        once = rows < self.indices
        return np.column_stack([rows[once], self.indices[once]])

    def within(self, samples: Index, position: Index) -> Index:
        """Return the pairs that lie inside ``samples``, renumbered by their place there.

        Parameters
        ----------
        samples : ndarray of int64, shape (b,)
            Distinct sample indices.
        position : ndarray of int64, shape (n_samples,)
            Scratch filled with -1, and given back so: allocating it once keeps the cost at the neighbours of the
            b samples, whatever n is.

        Returns
        -------
        ndarray of int64, shape (p, 2)
            Rows (a, b) with a < b, indices into ``samples``.
        """
        position[samples] = np.arange(len(samples))
        starts = self.indptr[samples]  # (b,)
        degrees = self.indptr[samples + 1] - starts  # (b,)
        first = np.repeat(np.arange(len(samples)), degrees)  # (e,)
        offset = np.arange(len(first)) - np.repeat(np.cumsum(degrees) - degrees, degrees)
        second = position[self.indices[starts[first] + offset]]  # (e,) -1 outside the batch
        position[samples] = -1
        inside: Index = np.column_stack([first, second])[second > first]
        return inside

    def __setstate__(self, state: dict[str, Index]) -> None:
        """Restore from pickle, or copy deeply: numpy's own way back would leave the arrays writable."""
        self.__dict__.update({name: _read_only(array) for name, array in state.items()})


@dataclass(frozen=True, eq=False)
class NeighborhoodGraph:
    """What is known of a set of samples: an immutable, symmetric graph without self-loops.

    Every pair of distinct samples is in one of three states:

    - *similar* (the paper's Y = 0): listed in ``similar``;
    - *dissimilar* (Y = 1): listed in ``dissimilar``, or, when ``dissimilar`` is None, every pair not listed
      elsewhere. This is the paper's rule;
    - *ignored*: listed in ``ignored``, or, when ``dissimilar`` is given, every pair not listed elsewhere. An
      ignored pair has no spring.

    Build one with `from_pairs`, `from_csr` or a builder such as `drlim.knn_graph`.

    Attributes
    ----------
    n_samples : int
    similar : PairSet
    dissimilar : PairSet or None
        None means all the rest.
    ignored : PairSet or None

    Examples
    --------
    Four samples; the first two are alike, and so are the last two:

    >>> graph = NeighborhoodGraph.from_pairs(4, [(0, 1), (3, 2)])
    >>> graph
    NeighborhoodGraph(n_samples=4, similar=2, dissimilar=4, ignored=0)
    >>> graph.neighbors(2)
    array([3])
    """

    n_samples: int
    similar: PairSet
    dissimilar: PairSet | None = None
    ignored: PairSet | None = None

    @classmethod
    def from_pairs(
        cls,
        n_samples: int,
        similar: ArrayLike,
        *,
        dissimilar: ArrayLike | None = None,
        ignored: ArrayLike | None = None,
    ) -> NeighborhoodGraph:
        """Build from index pairs.

        Parameters
        ----------
        n_samples : int
            Number of samples, in [1, inf).
        similar : array-like of int, shape (n_pairs, 2)
            Similar pairs, in any order and direction; repetitions count once.
        dissimilar : array-like of int, shape (n_pairs, 2), default=None
            Dissimilar pairs. None, the paper's rule, makes all pairs dissimilar that are listed nowhere.
        ignored : array-like of int, shape (n_pairs, 2), default=None
            Pairs without a spring.

        Returns
        -------
        NeighborhoodGraph

        Raises
        ------
        ValueError, TypeError
            When an array is not of shape (n_pairs, 2), an index is not a whole number in [0, n_samples), a sample
            is paired with itself, or a pair is given in two states.
        """
        check_parameters({"n_samples": n_samples}, {"n_samples": [integer_in(1)]}, "NeighborhoodGraph")
        n_samples = int(n_samples)
        sets = {"similar": similar, "dissimilar": dissimilar, "ignored": ignored}
        built = {
            name: PairSet.from_pairs(n_samples, cast(ArrayLike, pairs), name)
            for name, pairs in sets.items()
            if pairs is not None or name == "similar"
        }
        _check_disjoint(n_samples, built)
        return cls(n_samples, built["similar"], built.get("dissimilar"), built.get("ignored"))

    @classmethod
    def from_csr(cls, matrix: Any) -> NeighborhoodGraph:
        """Build from a square sparse or dense matrix whose non-zero entries are similar pairs.

        The diagonal is dropped, and a pair counts if either of its two entries is non-zero. Values are not kept.

        Parameters
        ----------
        matrix : sparse matrix, sparse array or array-like, shape (n_samples, n_samples)

        Raises
        ------
        ValueError
            When the matrix is not square, not numeric, or has a NaN or infinite entry.

        Examples
        --------
        >>> NeighborhoodGraph.from_csr([[0, 1, 0], [0, 0, 0], [0, 0, 5]]).similar.pairs()
        array([[0, 1]])
        """
        try:
            given: Any = matrix if sparse.issparse(matrix) else np.atleast_2d(np.asarray(matrix))
            given = sparse.coo_array(given)
        except (ValueError, TypeError) as error:  # rows of unequal length, objects, strings
            raise ValueError(f"Expected 'matrix' to hold finite real numbers. Got {short_repr(matrix)}.") from error
        given.sum_duplicates()  # 1 and -1 for one pair say nothing of it
        if len(given.shape) != 2 or given.shape[0] != given.shape[1]:
            raise ValueError(f"Expected 'matrix' to be square (n_samples, n_samples). Got shape {given.shape}.")
        if given.dtype.kind not in "biuf" or not np.isfinite(given.data).all():
            raise ValueError(f"Expected 'matrix' to hold finite real numbers. Got {short_repr(given)}.")
        kept = (given.data != 0) & (given.row != given.col)
        return cls.from_pairs(given.shape[0], np.column_stack([given.row[kept], given.col[kept]]))

    def to_csr(self) -> sparse.csr_array:
        """Return the similar pairs as a symmetric boolean CSR array, shape (n_samples, n_samples)."""
        data = np.ones(len(self.similar.indices), dtype=bool)
        shape = (self.n_samples, self.n_samples)
        return sparse.csr_array((data, self.similar.indices.copy(), self.similar.indptr.copy()), shape=shape)

    def neighbors(self, sample: int) -> Index:
        """Return the samples similar to ``sample``: the paper's S_i, ascending."""
        check_parameters(
            {"sample": sample}, {"sample": [integer_in(0, self.n_samples - 1)]}, "NeighborhoodGraph.neighbors"
        )
        return self.similar.indices[self.similar.indptr[sample] : self.similar.indptr[sample + 1]]

    @property
    def n_similar(self) -> int:
        """Number of similar pairs."""
        return self.similar.n_pairs

    @property
    def n_dissimilar(self) -> int:
        """Number of dissimilar pairs, those not listed included."""
        if self.dissimilar is not None:
            return self.dissimilar.n_pairs
        listed = self.n_similar + (0 if self.ignored is None else self.ignored.n_pairs)
        return self.n_samples * (self.n_samples - 1) // 2 - listed

    @property
    def n_ignored(self) -> int:
        """Number of pairs without a spring, those not listed included."""
        return self.n_samples * (self.n_samples - 1) // 2 - self.n_similar - self.n_dissimilar

    def subgraph(self, samples: Index, position: Index | None = None) -> NeighborhoodGraph:
        """Return what is known of some of the samples, renumbered in the order given.

        Parameters
        ----------
        samples : ndarray of int, shape (b,)
            Distinct indices in [0, n_samples).
        position : ndarray of int64, shape (n_samples,), default=None
            Scratch filled with -1, to be reused over many calls; see `PairSet.within`. ``samples`` is then trusted.

        Returns
        -------
        NeighborhoodGraph
            On b samples.

        Raises
        ------
        ValueError, TypeError
            When ``samples`` repeats an index or holds one that is not an integer in [0, n_samples).

        Examples
        --------
        >>> graph = NeighborhoodGraph.from_pairs(4, [(0, 1), (2, 3)])
        >>> graph.subgraph(np.array([3, 0, 2])).similar.pairs()
        array([[0, 2]])
        """
        if position is None:
            samples = _check_samples(self.n_samples, samples)
            position = np.full(self.n_samples, -1, dtype=np.int64)

        def cut(pairs: PairSet | None) -> PairSet | None:
            inside = None if pairs is None else pairs.within(samples, position)
            return None if inside is None else PairSet.from_pairs(len(samples), inside)

        return NeighborhoodGraph(
            len(samples), cast(PairSet, cut(self.similar)), cut(self.dissimilar), cut(self.ignored)
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NeighborhoodGraph):
            return NotImplemented
        return self.n_samples == other.n_samples and all(
            _same(mine, theirs)
            for mine, theirs in zip(
                (self.similar, self.dissimilar, self.ignored),
                (other.similar, other.dissimilar, other.ignored),
                strict=True,
            )
        )

    def __hash__(self) -> int:
        return hash((self.n_samples, self.similar.indices.tobytes()))

    def __repr__(self) -> str:
        return (
            f"NeighborhoodGraph(n_samples={self.n_samples}, similar={self.n_similar}, "
            f"dissimilar={self.n_dissimilar}, ignored={self.n_ignored})"
        )


def _same(mine: PairSet | None, theirs: PairSet | None) -> bool:
    if mine is None or theirs is None:
        return mine is theirs
    return np.array_equal(mine.indptr, theirs.indptr) and np.array_equal(mine.indices, theirs.indices)


def _read_only(array: Index) -> Index:
    array.flags.writeable = False
    return array


def _check_samples(n_samples: int, samples: ArrayLike) -> Index:
    """Return distinct sample indices as int64 of shape (b,), or refuse them."""
    given = np.asarray(samples)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise TypeError(f"Expected 'samples' to be a 1-D array of integer indices. Got {short_repr(given)}.")
    if given.size and (given.min() < 0 or given.max() >= n_samples or len(np.unique(given)) < len(given)):
        raise ValueError(f"Expected 'samples' to hold distinct indices in [0, {n_samples}). Got {short_repr(samples)}.")
    return given.astype(np.int64)


def _check_pairs(n_samples: int, pairs: ArrayLike, name: str) -> Index:
    """Return ``pairs`` as int64 of shape (p, 2), or refuse it by ``name``."""
    try:
        given = np.asarray(pairs)
    except ValueError:  # rows of unequal length
        given = np.empty((), dtype=object)
    if given.ndim == 0:
        raise ValueError(f"Expected '{name}' to be index pairs of shape (n_pairs, 2). Got {short_repr(pairs)}.")
    if given.size == 0:
        return np.empty((0, 2), dtype=np.int64)
    if given.ndim != 2 or given.shape[1] != 2:
        raise ValueError(f"Expected '{name}' to be index pairs of shape (n_pairs, 2). Got {short_repr(given)}.")
    if given.dtype.kind not in "iuf":
        raise TypeError(f"Expected '{name}' to hold integer sample indices. Got {short_repr(given)}.")
    if given.dtype.kind == "f" and not (np.isfinite(given) & (given == np.floor(given))).all():
        row = int(np.argmax(~(np.isfinite(given) & (given == np.floor(given))).all(axis=1)))
        raise ValueError(f"Expected '{name}' to hold whole, finite indices. Got {given[row].tolist()} at row {row}.")
    outside = ((given < 0) | (given >= n_samples)).any(axis=1)
    if outside.any():
        row = int(np.argmax(outside))
        raise ValueError(
            f"Expected '{name}' to hold indices in [0, {n_samples}), one for each of {n_samples} samples. "
            f"Got {given[row].tolist()} at row {row}."
        )
    loops = given[:, 0] == given[:, 1]
    if loops.any():
        row = int(np.argmax(loops))
        raise ValueError(
            f"Expected '{name}' to pair distinct samples. Got {given[row].tolist()} at row {row}: drop such rows."
        )
    return given.astype(np.int64)


def _check_disjoint(n_samples: int, sets: dict[str, PairSet]) -> None:
    """Refuse a pair that is given in two states."""
    keys = {name: pairs.pairs() @ np.array([n_samples, 1]) for name, pairs in sets.items()}
    names = list(keys)
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            both = np.intersect1d(keys[first], keys[second])
            if len(both):
                pair = [int(part) for part in divmod(int(both[0]), n_samples)]
                raise ValueError(
                    f"{len(both)} pairs are both '{first}' and '{second}', first {pair}: give each pair one state."
                )
