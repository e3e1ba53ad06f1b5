"""Samples and their changed copies, stored or made when they are read, and the graph of the copies of one sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from drlim._base.arrays import Array, Index, pairs_within
from drlim._base.checks import check_parameters, check_points, short_repr
from drlim._base.sparse_rows import AnyRows
from drlim.graph import NeighborhoodGraph
from drlim.relations.transforms import Transform, holding, named_transforms, transformed

__all__ = ["LazyCopies", "Orbits", "orbits"]


@dataclass(frozen=True, eq=False, repr=False)
class Orbits:
    """Samples and their copies: N = n (t + 1) rows, for n samples and t transforms. The result of `orbits`.

    Attributes
    ----------
    X : ndarray or LazyCopies, shape (N, ...)
        The samples, and then their copies: row ``t * n + i`` is sample i under transform t, 0 being none.
    graph : NeighborhoodGraph
        Graph of the N rows: those of one sample are similar, all others dissimilar.
    source : ndarray of int64, shape (N,)
        The sample that each row is a copy of, in [0, n).
    transform : ndarray of int64, shape (N,)
        The transform that made each row, in [0, t]; 0 is none.
    names : tuple of str, length t + 1
        Names of the transforms; ``names[0]`` is "unchanged".

    Examples
    --------
    >>> import numpy as np
    >>> copies = orbits(np.arange(6.0).reshape(3, 2), {"negative": lambda X: -X})
    >>> copies, copies.names, copies.source.tolist()
    (Orbits(X (6, 2), 3 samples, 2 copies of each), ('unchanged', 'negative'), [0, 1, 2, 0, 1, 2])
    """

    X: Array | LazyCopies
    graph: NeighborhoodGraph
    source: Index
    transform: Index
    names: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Orbits(X {self.X.shape}, {len(self.X) // len(self.names)} samples, {len(self.names)} copies of each)"


def orbits(X: ArrayLike, transforms: Sequence[Transform] | Mapping[str, Transform], *, lazy: bool = False) -> Orbits:
    """Copy all samples under each transform, and declare the copies of one sample similar.

    Parameters
    ----------
    X : array-like, shape (n_samples, ...)
        Samples of two or more dimensions.
    transforms : sequence of callable, or dict of str to callable
        Each takes a batch of samples and returns as many changed ones, of the same shape. It must change each sample
        independently of the others in the batch. The keys of a dict are the names of the transforms; in a sequence
        their places are, from "1".
    lazy : bool, default=False
        Whether copies are made when they are read and never stored. ``X`` then is `LazyCopies`, which
        `drlim.DrLIM` trains on like on an array; only the samples take memory. Each epoch runs all transforms again,
        so that a transform which draws random numbers makes a new copy at each reading.

    Returns
    -------
    Orbits
        Its ``X`` has the dtype of the input; whole numbers become floats if a transform returns floats, as a rotation
        of images does. Its ``graph`` has no neighbours: `with_copies` adds them.

    Raises
    ------
    ValueError, TypeError
        When ``X`` is not a finite numeric array, there is no transform or one is not callable, or a transform
        returns another shape, values that are not finite, or a type that the dtype of ``X`` cannot hold.

    See Also
    --------
    with_copies : Adds the neighbours of the samples to the graph, as the paper does.
    shifts : The paper's translations, as transforms.

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006,
    section 3.3.

    Examples
    --------
    >>> from drlim.relations import orbits
    >>> copies = orbits([[1, 2], [3, 4]], {"negated": lambda batch: -batch, "swapped": lambda batch: batch[:, ::-1]})
    >>> copies
    Orbits(X (6, 2), 2 samples, 3 copies of each)
    >>> copies.X.tolist()
    [[1, 2], [3, 4], [-1, -2], [-3, -4], [2, 1], [4, 3]]
    >>> copies.graph.neighbors(0).tolist(), copies.source.tolist()
    ([2, 4], [0, 1, 0, 1, 0, 1])

    With ``lazy=True`` the copies are not stored:

    >>> lazy = orbits([[1, 2], [3, 4]], {"negated": lambda batch: -batch}, lazy=True)
    >>> lazy.X, lazy.X[2].tolist()
    (LazyCopies(shape=(4, 2), dtype=int64), [-1, -2])
    """
    check_parameters({"lazy": lazy}, {"lazy": ["boolean"]}, "orbits")
    samples = check_points(X, name="X", ndim=None, dtype="numeric")
    named = named_transforms(transforms)
    samples = holding(samples, named)
    source = np.tile(np.arange(len(samples), dtype=np.int64), len(named) + 1)  # (N,)
    return Orbits(
        _lazy_copies(samples, named) if lazy else _stored_copies(samples, named),
        NeighborhoodGraph.from_pairs(len(source), pairs_within(source)),
        source,
        np.repeat(np.arange(len(named) + 1, dtype=np.int64), len(samples)),
        ("unchanged", *named),
    )


def _stored_copies(samples: Array, named: Mapping[str, Transform]) -> Array:
    """Return the samples and all their copies, shape (N, ...)."""
    copies = np.empty((len(named) + 1, *samples.shape), dtype=samples.dtype)  # (t + 1, n, ...)
    copies[0] = samples
    for place, (name, transform) in enumerate(named.items(), start=1):
        copies[place] = transformed(samples, transform, name)
    return copies.reshape(-1, *samples.shape[1:])  # (N, ...)


def _lazy_copies(samples: Array, named: Mapping[str, Transform]) -> LazyCopies:
    """Return copies to be made later. A transform whose result does not fit two samples is refused now."""
    for name, transform in named.items():
        transformed(samples[:2], transform, name)
    return LazyCopies(samples, named)


class LazyCopies:
    """Samples and copies of them that are made when they are read and never stored; see ``lazy`` of `orbits`.

    An index along the first axis works as on an array. It makes the rows that it selects, with one call of each
    transform needed. ``numpy.asarray`` makes all rows.

    Parameters
    ----------
    samples : ndarray of shape (n, ...), or SparseRows
        Samples. They are not copied: a memory map stays on disk, and sparse rows stay sparse.
    transforms : dict of str to callable
        Transforms by name, as for `orbits`.

    Attributes
    ----------
    shape : tuple of int
        (N, ...), with N = n (t + 1) for t transforms.
    dtype : dtype
        The dtype of ``samples``.

    Examples
    --------
    >>> import numpy as np
    >>> copies = LazyCopies(np.array([[1, 2], [3, 4]]), {"negated": np.negative})
    >>> copies
    LazyCopies(shape=(4, 2), dtype=int64)
    >>> copies[np.array([3, 0])].tolist(), copies[-1].tolist()
    ([[-3, -4], [1, 2]], [-3, -4])
    """

    def __init__(self, samples: AnyRows, transforms: Mapping[str, Transform]) -> None:
        self._samples = samples
        self._transforms = dict(transforms)
        self.shape: tuple[int, ...] = (len(samples) * (len(transforms) + 1), *samples.shape[1:])
        self.dtype = samples.dtype

    @property
    def originals(self) -> AnyRows:
        """The samples that the rows are copies of."""
        return self._samples

    @property
    def n_originals(self) -> int:
        """Number of samples that the rows are copies of: row i is one of sample ``i % n_originals``."""
        return len(self._samples)

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"LazyCopies(shape={self.shape}, dtype={self.dtype})"

    def __getitem__(self, index: object) -> Array:
        if isinstance(index, tuple) and len(index) == 2 and index[1] is Ellipsis:
            index = index[0]  # scikit-learn indexes arrays by (rows, ...)
        rows = _row_numbers(index, len(self))  # () or (b,)
        if rows.ndim:
            return self.take(rows)  # (b, ...)
        row: Array = self.take(rows[None])[0]  # (...)
        return row

    def take(self, index: Index) -> Array:
        """Make the rows at ``index``, shape (b, ...).

        Parameters
        ----------
        index : ndarray of int64, shape (b,)
            Row numbers in [0, N), in any order; repetitions are allowed.

        Returns
        -------
        ndarray, shape (b, ...)

        Raises
        ------
        ValueError
            When a transform returns another shape, values that are not finite, or a type that the dtype of the
            samples cannot hold.
        """
        transform, source = np.divmod(index, len(self._samples))  # (b,), (b,)
        made = np.empty((len(index), *self.shape[1:]), dtype=self.dtype)
        untouched = transform == 0
        made[untouched] = self._samples[source[untouched]]
        for place, (name, function) in enumerate(self._transforms.items(), start=1):
            wanted = transform == place
            if wanted.any():
                made[wanted] = transformed(self._samples[source[wanted]], function, name)
        return made

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("Expected 'copy' not to be False: lazy copies are in no memory yet.")
        return self.take(np.arange(len(self))).astype(self.dtype if dtype is None else dtype, copy=False)


def _row_numbers(index: object, n_rows: int) -> Index:
    """Return the row numbers that an index along the first axis selects, in [0, n_rows): () for one row, else (b,)."""
    if isinstance(index, slice):
        return np.arange(*index.indices(n_rows))  # (b,)
    given = np.asarray(index)
    if given.dtype.kind == "b" and given.shape == (n_rows,):
        return np.flatnonzero(given)  # (b,)
    _check_row_numbers(index, given, n_rows)
    rows = given.astype(np.int64)
    return np.where(rows < 0, rows + n_rows, rows)


def _check_row_numbers(index: object, given: Array, n_rows: int) -> None:
    """Refuse what is no row number in [-n_rows, n_rows), nor a 1-D array of them; an empty list has type float."""
    if isinstance(index, tuple) or given.ndim > 1 or (given.size and given.dtype.kind not in "iu"):
        raise IndexError(
            f"Lazy copies take a row number, a slice, a 1-D array of row numbers, or one of {n_rows} booleans. "
            f"Got {short_repr(index)}."
        )
    if given.size and (given.min() < -n_rows or given.max() >= n_rows):
        raise IndexError(f"Expected rows in [{-n_rows}, {n_rows}). Got values from {given.min()} to {given.max()}.")
