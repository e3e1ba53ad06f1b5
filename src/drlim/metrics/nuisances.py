"""A map and the nuisances to judge it by, from copies under transforms or from columns of metadata.

A nuisance selects samples of the map: pairs of copies that differ in the nuisance, and samples whose value of the
nuisance is to be predicted from their position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Literal, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Array, Floats, Index
from drlim._base.calls import user_call
from drlim._base.checks import check_labels, check_same_length, count_rows, short_repr
from drlim.metrics.inputs import as_points, scaled
from drlim.relations import Orbits
from drlim.relations import orbits as copies_of
from drlim.relations.transforms import Transform
from drlim.transforms import Change, combined

__all__ = ["JudgedMap", "Kind", "Nuisance", "changes_in", "judged_copies", "judged_map"]

Kind = Literal["transform", "class", "number", "copies"]

Mapper = Callable[[ArrayLike], ArrayLike]
"""A function from samples to points."""

_CALL = "estimator(X)"
"""How a message names the call of a function."""


class _Frame(Protocol):
    """A table, as pandas and polars have it."""

    columns: Iterable[object]

    def __getitem__(self, name: object) -> ArrayLike: ...


_ROUNDS = 10
"""Number of times that the samples of one group are paired at random."""

_MOST_CLASSES = 10
"""Maximum number of distinct whole numbers that count as classes, as in `drlim.plotting.plot_views`."""


class Nuisance(NamedTuple):
    """A property that a map should ignore. All indices are of samples, that is of rows of `JudgedMap.Z`."""

    name: str
    kind: Kind
    first: Index  # (p,) copies of the samples in `second`
    second: Index  # (p,)
    samples: Index  # (m,) samples whose value is to be predicted
    values: Array  # (m,) class codes as integers, or numbers as float64


class JudgedMap(NamedTuple):
    """The points of a map, which of them are copies of one thing, and the nuisances."""

    Z: Floats  # (n, d) divided by the power of two `unit`, so that no coordinate exceeds 1
    unit: float
    groups: Index  # (n,) equal for copies of one thing
    unchanged: Index  # samples; two of them in different groups are unrelated
    nuisances: list[Nuisance]


def judged_map(
    estimator: object, X: object, orbits: object, groups: ArrayLike | None, rng: np.random.Generator
) -> JudgedMap:
    """Map the samples and collect the nuisances, in any form that `invariance_report` accepts."""
    if isinstance(estimator, type):
        raise TypeError(f"Expected 'estimator' to be a fitted object. Got the class {estimator.__name__} itself.")
    if isinstance(orbits, Mapping) and not orbits:
        raise ValueError("Expected 'orbits' to hold at least one transform or column. Got none.")
    changes = changes_in(orbits)
    if changes is not None:
        orbits = changes.extremes()
    if isinstance(orbits, Orbits) or _are_transforms(orbits):
        if groups is not None:
            raise ValueError(
                "'groups' belongs to metadata: under transforms, copies of one sample are a group. Drop it."
            )
        return _of_orbits(estimator, X, orbits)
    return _of_metadata(estimator, X, _table(orbits), groups, rng)


def changes_in(given: object) -> Change | None:
    """Return one or several changes of `drlim.transforms` as one; None for anything else."""
    if isinstance(given, Change):
        return given
    parts = list(given.values()) if isinstance(given, Mapping) else given
    if isinstance(parts, list | tuple) and parts and all(isinstance(one, Change) for one in parts):
        return combined(cast("list[Change]", parts))
    return None


def judged_copies(estimator: object, X: object, ids: ArrayLike, rng: np.random.Generator) -> JudgedMap:
    """Map samples of which those with one id are copies of one thing, whatever they differ in; nothing is predicted."""
    mapper = _mapper(estimator)
    Z = as_points(cast("ArrayLike", estimator), "estimator") if mapper is None else _mapped(*mapper, X)
    labels = check_labels(ids, "orbits", len(Z), "estimator" if mapper is None else "X")
    alone = np.arange(len(Z))
    group = np.unique(labels, return_inverse=True)[1]
    first, second = _pairs_across(alone, [group], rng)
    if not len(first) or not group.any():
        raise ValueError(
            "Expected 'orbits' to give some samples one id, and not all of them the same. "
            f"Got {int(group.max()) + 1} different ids of {len(Z)} samples."
        )
    return JudgedMap(*_unit_scale(Z), group, alone, [Nuisance("copies", "copies", first, second, alone, alone)])


def _mapper(estimator: object) -> tuple[Mapper, str] | None:
    """Return the function that maps samples and its name in messages; None for the points of a map.

    Points have a shape: a DataFrame of points has a method ``transform``, too.
    """
    if hasattr(estimator, "shape"):
        return None
    if hasattr(estimator, "transform"):
        return estimator.transform, "estimator.transform(X)"
    return (estimator, _CALL) if callable(estimator) else None


def _are_transforms(orbits: object) -> bool:
    values = list(orbits.values()) if isinstance(orbits, Mapping) else orbits
    return isinstance(values, list | tuple) and len(values) > 0 and all(map(callable, values))


def _of_orbits(estimator: object, X: object, orbits: object) -> JudgedMap:
    """Judge by transforms: each copy against its original, and the transforms against each other."""
    copies = _copies(estimator, X, orbits)
    codes, source = copies.transform, np.asarray(copies.source)  # (N,), (N,)
    members = [np.flatnonzero(codes == code) for code in range(len(copies.names))]  # t + 1 times (n,)
    members = [samples[np.argsort(source[samples], kind="stable")] for samples in members]
    Z = _mapped_copies(estimator, copies, members)
    unchanged, *moved = members
    named = zip(copies.names[1:], moved, strict=True)
    nuisances = [_against_unchanged(name, unchanged, samples) for name, samples in named]
    if len(moved) > 1:
        everything = np.concatenate(members)  # (N,)
        originals = np.tile(unchanged, len(moved))  # (t n,)
        values = np.asarray(codes)[everything].astype(np.intp)  # (N,)
        nuisances.append(Nuisance("any", "transform", np.concatenate(moved), originals, everything, values))
    return JudgedMap(*_unit_scale(Z), source, unchanged, nuisances)


def _copies(estimator: object, X: object, orbits: object) -> Orbits:
    """Return the copies given, or make them when they are read."""
    if isinstance(orbits, Orbits):
        if X is not None:
            check_same_length(count_rows(X, "X"), "X", int(orbits.source.max()) + 1, "orbits")
        return orbits
    if _mapper(estimator) is None:
        raise ValueError(
            "Points of a map cannot be made anew for transformed samples: give a map with 'transform', or make "
            "copies = drlim.orbits(X, transforms), map copies.X, and give those points with orbits=copies."
        )
    count_rows(X, "X")  # before the transforms, whose errors would not name it
    return copies_of(cast("ArrayLike", X), cast("Mapping[str, Transform]", orbits), lazy=True)


def _mapped_copies(estimator: object, copies: Orbits, members: list[Index]) -> Floats:
    """Return the points (N, d) of all copies, mapped one transform at a time: lazy copies are never all in memory."""
    mapper = _mapper(estimator)
    if mapper is None:
        Z = as_points(cast("ArrayLike", estimator), "estimator")
        check_same_length(len(Z), "estimator", len(copies.transform), "orbits.X")
        return Z
    parts = [_mapped(*mapper, copies.X[samples]) for samples in members]  # t + 1 times (n, d)
    Z = np.empty((len(copies.transform), parts[0].shape[1]))  # (N, d)
    for samples, part in zip(members, parts, strict=True):
        Z[samples] = part
    return Z


def _against_unchanged(name: str, unchanged: Index, moved: Index) -> Nuisance:
    both = np.concatenate([unchanged, moved])  # (2 n,)
    return Nuisance(name, "transform", moved, unchanged, both, np.repeat(np.arange(2), len(unchanged)))


def _of_metadata(
    estimator: object, X: object, table: dict[str, ArrayLike], groups: ArrayLike | None, rng: np.random.Generator
) -> JudgedMap:
    """Judge by columns: samples of one group that differ in one column and agree in the other classes."""
    mapper = _mapper(estimator)
    Z = as_points(cast("ArrayLike", estimator), "estimator") if mapper is None else _mapped(*mapper, X)
    other = "estimator" if mapper is None else "X"
    n = len(Z)
    columns = {name: _column(name, values, n, other) for name, values in table.items()}
    alone = np.arange(n)
    group = alone if groups is None else np.unique(check_labels(groups, "groups", n, other), return_inverse=True)[1]
    nuisances = []
    for name, (kind, values) in columns.items():
        first = second = np.empty(0, dtype=np.intp)
        if groups is not None:
            classes = [codes for title, (sort, codes) in columns.items() if sort == "class" and title != name]
            first, second = _pairs_across(values, [group, *classes], rng)
        nuisances.append(Nuisance(name, kind, first, second, alone, values))
    return JudgedMap(*_unit_scale(Z), group, alone, nuisances)


def _pairs_across(values: Array, agree: list[Index], rng: np.random.Generator) -> tuple[Index, Index]:
    """Return pairs of samples, drawn at random, that agree in all of ``agree`` and differ in ``values``."""
    cell = np.unique(np.stack(agree), axis=1, return_inverse=True)[1].ravel()  # (n,)
    first, second = [], []
    for _ in range(_ROUNDS):
        order = np.lexsort((rng.random(len(cell)), cell))
        here, there = order[:-1], order[1:]  # (n - 1,)
        apart = (cell[here] == cell[there]) & (values[here] != values[there])
        first.append(here[apart])  # (p of this round,)
        second.append(there[apart])
    return np.concatenate(first), np.concatenate(second)  # (p,), (p,)


def _mapped(mapper: Mapper, name: str, X: object) -> Floats:
    """Return the points (n, d) of samples."""
    columns = list(X.values()) if isinstance(X, Mapping) else [X]  # a table begins a pipeline
    n_samples = count_rows(columns[0] if columns else X, "X")
    with user_call(f"The function given as 'estimator', {name},") if name == _CALL else nullcontext():
        mapped = mapper(cast("ArrayLike", X))
    Z = as_points(mapped, name)
    check_same_length(len(Z), name, n_samples, "X")
    return Z


def _unit_scale(Z: Floats) -> tuple[Floats, float]:
    """Return points with coordinates of at most 1, and the power of two that they were divided by."""
    largest = float(np.abs(Z).max())
    return scaled(Z, largest), float(np.ldexp(1.0, np.frexp(largest)[1]))


def _table(metadata: object) -> dict[str, ArrayLike]:
    """Return the columns of a dict or a DataFrame by name."""
    if isinstance(metadata, Mapping):
        _check_names(list(metadata))
        return {str(name): values for name, values in metadata.items()}
    if hasattr(metadata, "columns") and len(metadata.columns):
        frame = cast("_Frame", metadata)
        _check_names(list(frame.columns))
        return {str(name): frame[name] for name in frame.columns}
    raise TypeError(
        "Expected 'orbits' to be what drlim.orbits returns, transforms (a dict or a list of functions) or metadata (a "
        f"dict of arrays or a DataFrame). Got {short_repr(metadata)}."
    )


def _check_names(names: list[object]) -> None:
    """Refuse columns whose names are written alike in the report, such as 1 and "1"."""
    written = [str(name) for name in names]
    if len(set(written)) < len(written):
        again = next(name for name in written if written.count(name) > 1)
        raise ValueError(
            f"Expected 'orbits' to have columns of distinct names, as str gives them. Got {short_repr(again)} "
            f"{written.count(again)} times: rename them."
        )


def _column(name: str, values: ArrayLike, n_samples: int, other: str) -> tuple[Literal["class", "number"], Array]:
    """Return the kind of a column, and its values (n,) as class codes or as numbers."""
    labels = check_labels(values, f"orbits[{name!r}]"[:60], n_samples, other)
    if labels.dtype.kind == "c":
        raise ValueError(
            f"Expected 'orbits' to hold real numbers or labels. Got complex numbers in column {name[:60]!r}: of an "
            "angle give the cosine and the sine as columns, of others the real and the imaginary part."
        )
    if labels.dtype.kind in "mM":
        labels = (labels - labels.min()).astype(np.float64)
    levels, codes = np.unique(labels, return_inverse=True)
    if len(levels) < 2:
        raise ValueError(
            f"Column {name[:60]!r} of 'orbits' is constant: a map can neither tell nor ignore it. Drop it."
        )
    if labels.dtype.kind in "fiu" and (len(levels) > _MOST_CLASSES or (levels != np.round(levels)).any()):
        return "number", scaled(as_points(labels[:, None], f"orbits[{name!r}]"[:60])[:, 0])  # (n,)
    return "class", codes
