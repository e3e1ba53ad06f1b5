"""A map, and its rows that tell of each nuisance: from copies under transforms, or from columns of metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.checks import check_labels, check_same_length, count_rows, short_repr
from drlim.metrics._nearest import Integers
from drlim.metrics._rows import Floats, check_rows, scaled
from drlim.relations import Orbits
from drlim.relations import orbits as copies_of

__all__ = ["JudgedMap", "Nuisance", "judged_map"]

_ROUNDS = 10
"""Times that samples of one group are paired at random."""

_MOST_CLASSES = 10
"""Distinct whole numbers that still are classes, as in `drlim.plotting.plot_embedding`."""


class Nuisance(NamedTuple):
    """One thing that should not matter, and the rows of the map that tell of it."""

    name: str
    kind: Literal["transform", "class", "number"]
    first: Integers  # (p,) rows of the map that are copies of those in `second`
    second: Integers  # (p,)
    rows: Integers  # (m,) rows to predict
    values: NDArray[Any]  # (m,) class codes as integers, or numbers as float64


class JudgedMap(NamedTuple):
    """Points, what is copied from what, and the nuisances."""

    Z: Floats  # (n_rows, d) scaled by a power of two to at most 1
    unit: float  # the scale taken out
    groups: Integers  # (n_rows,) copies of one thing have one number
    unchanged: Integers  # rows among which two of different groups are unrelated
    nuisances: list[Nuisance]


def judged_map(estimator: Any, X: Any, orbits: Any, groups: ArrayLike | None, rng: np.random.Generator) -> JudgedMap:
    """Map the samples, whatever form map and nuisances have."""
    if isinstance(estimator, type):
        raise TypeError(f"Expected 'estimator' to be a fitted object. Got the class {estimator.__name__} itself.")
    if isinstance(orbits, Mapping) and not orbits:
        raise ValueError("Expected 'orbits' to hold at least one transform or column. Got none.")
    if isinstance(orbits, Orbits) or _are_transforms(orbits):
        if groups is not None:
            raise ValueError(
                "'groups' belongs to metadata: under transforms, copies of one sample are a group. Drop it."
            )
        return _of_orbits(estimator, X, orbits)
    return _of_metadata(estimator, X, _table(orbits), groups, rng)


def _is_map(estimator: Any) -> bool:
    """Tell a map from its points; a DataFrame of points has a method ``transform``, too."""
    return not hasattr(estimator, "shape") and (hasattr(estimator, "transform") or callable(estimator))


def _are_transforms(orbits: Any) -> bool:
    values = list(orbits.values()) if isinstance(orbits, Mapping) else orbits
    return isinstance(values, list | tuple) and len(values) > 0 and all(map(callable, values))


def _of_orbits(estimator: Any, X: Any, orbits: Any) -> JudgedMap:
    if not isinstance(orbits, Orbits):
        if not _is_map(estimator):
            raise ValueError(
                "Points of a map cannot be made anew for transformed samples: give a map with 'transform', or make "
                "copies = drlim.orbits(X, transforms), map copies.X, and give those points with orbits=copies."
            )
        count_rows(X, "X")  # before the transforms, which would not name it
        orbits = copies_of(X, orbits, lazy=True)
    elif X is not None:
        check_same_length(count_rows(X, "X"), "X", int(orbits.source.max()) + 1, "orbits")
    codes, source = orbits.transform, np.asarray(orbits.source)
    members = [np.flatnonzero(codes == code) for code in range(len(orbits.names))]  # t + 1 times (n,)
    members = [rows[np.argsort(source[rows], kind="stable")] for rows in members]
    if _is_map(estimator):
        # One transform at a time: copies that are made when read are never all there.
        parts = [_mapped(estimator, orbits.X[rows]) for rows in members]
        Z = np.empty((len(codes), parts[0].shape[1]))
        for rows, part in zip(members, parts, strict=True):
            Z[rows] = part
    else:
        Z = check_rows(estimator, "estimator")
        check_same_length(len(Z), "estimator", len(codes), "orbits.X")
    unchanged, *moved = members
    nuisances = [
        _told_from_unchanged(name, unchanged, rows) for name, rows in zip(orbits.names[1:], moved, strict=True)
    ]
    if len(moved) > 1:
        everything = np.concatenate(members)
        originals = np.tile(unchanged, len(moved))
        kinds = np.asarray(codes)[everything].astype(np.intp)
        nuisances.append(Nuisance("any", "transform", np.concatenate(moved), originals, everything, kinds))
    return JudgedMap(*_unit_scale(Z), source, unchanged, nuisances)


def _told_from_unchanged(name: str, unchanged: Integers, moved: Integers) -> Nuisance:
    rows = np.concatenate([unchanged, moved])
    return Nuisance(name, "transform", moved, unchanged, rows, np.repeat(np.arange(2), len(unchanged)))


def _of_metadata(
    estimator: Any, X: Any, table: dict[str, Any], groups: ArrayLike | None, rng: np.random.Generator
) -> JudgedMap:
    Z = _mapped(estimator, X) if _is_map(estimator) else check_rows(estimator, "estimator")
    other = "X" if _is_map(estimator) else "estimator"
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


def _pairs_across(values: NDArray[Any], agree: list[Integers], rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Return rows that agree in all of ``agree`` and differ in ``values``, each paired with others at random."""
    cell = np.unique(np.stack(agree), axis=1, return_inverse=True)[1].ravel()  # (n,)
    first, second = [], []
    for _ in range(_ROUNDS):
        order = np.lexsort((rng.random(len(cell)), cell))
        here, there = order[:-1], order[1:]
        apart = (cell[here] == cell[there]) & (values[here] != values[there])
        first.append(here[apart])
        second.append(there[apart])
    return np.concatenate(first), np.concatenate(second)


def _mapped(estimator: Any, X: Any) -> Floats:
    """Return the points of samples."""
    n_samples = count_rows(X, "X")
    is_method = hasattr(estimator, "transform")
    name = "estimator.transform(X)" if is_method else "estimator(X)"
    Z = check_rows(estimator.transform(X) if is_method else estimator(X), name)
    check_same_length(len(Z), name, n_samples, "X")
    return Z


def _unit_scale(Z: Floats) -> tuple[Floats, float]:
    largest = float(np.abs(Z).max())
    return scaled(Z, largest), float(np.ldexp(1.0, np.frexp(largest)[1]))


def _table(metadata: Any) -> dict[str, Any]:
    if isinstance(metadata, Mapping):
        _check_names(list(metadata))
        return {str(name): values for name, values in metadata.items()}
    if hasattr(metadata, "columns") and len(metadata.columns):
        _check_names(list(metadata.columns))
        return {str(name): metadata[name] for name in metadata.columns}
    raise TypeError(
        "Expected 'orbits' to be what drlim.orbits returns, transforms (a dict or a list of functions) or metadata (a "
        f"dict of arrays or a DataFrame). Got {short_repr(metadata)}."
    )


def _check_names(names: list[Any]) -> None:
    """Refuse columns that a report could not tell apart, such as 1 and "1"."""
    written = [str(name) for name in names]
    if len(set(written)) < len(written):
        again = next(name for name in written if written.count(name) > 1)
        raise ValueError(
            f"Expected 'orbits' to have columns of distinct names, as str gives them. Got {short_repr(again)} "
            f"{written.count(again)} times: rename them."
        )


def _column(name: str, values: Any, n_samples: int, other: str) -> tuple[Literal["class", "number"], NDArray[Any]]:
    """Return a column as class codes or as numbers."""
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
        return "number", scaled(check_rows(labels[:, None], f"orbits[{name!r}]"[:60])[:, 0])
    return "class", codes
