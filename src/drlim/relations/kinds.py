"""Kinds of relation that a file of relations may state: their keys, and the builder of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from drlim._base.arrays import Array
from drlim._base.checks import short_repr
from drlim._base.messages import got_of
from drlim.graph import NeighborhoodGraph
from drlim.graph.statements import KINDS as STATES
from drlim.neighbors import knn_graph, radius_graph
from drlim.relations.constraints import pairs
from drlim.relations.grids import grid_graph
from drlim.relations.labels import label_graph, orbit_graph
from drlim.relations.sequences import sequence_graph
from drlim.tables.files import TABLE_SUFFIXES, open_table

__all__ = ["KINDS", "Columns", "Entry", "Kind", "Source", "kind_of", "refuse_keys"]

_EQUAL = "equal"
"""Value of a column of a grid in which similar samples are equal."""

_UNITS = {"us": "us", "ms": "ms", "s": "s", "min": "m", "h": "h", "d": "D", "days": "D", "w": "W", "weeks": "W"}
"""Units of a window of time, and NumPy's codes of them."""

Entry = Mapping[str, Any]
"""A relation as the file gives it: its keys and values, as TOML has them."""

Column = Any
"""What is known of each sample, array-like of shape (n_samples,): of pandas, too."""

Columns = Mapping[str, Column]
"""Columns by name."""

_Options = dict[str, Any]
"""Arguments of a builder, which checks them."""


class Source(NamedTuple):
    """What relations are built from.

    Attributes
    ----------
    n_samples : int
        Number of samples.
    samples : object or None
        The samples, from which neighbours are measured.
    columns : dict of str to array-like of shape (n_samples,)
        What is known of each sample.
    folder : Path
        Folder that names of files are relative to.
    """

    n_samples: int
    samples: object
    columns: Columns
    folder: Path

    def column(self, name: object, key: str) -> Column:
        """Return a column by name, or refuse it as the value of a key."""
        if not isinstance(name, str):
            raise TypeError(f"Expected {key!r} to be the name of a column. Got {short_repr(name)}.")
        if name not in self.columns:
            raise ValueError(f"{key!r} names a column that the data do not have. {got_of(name, self.columns)}")
        column = self.columns[name]
        if len(column) != self.n_samples:
            raise ValueError(f"Column {name!r} has {len(column)} values, and there are {self.n_samples} samples.")
        return column


class Kind(NamedTuple):
    """A kind of relation.

    Attributes
    ----------
    keys : frozenset of str
        Keys that its table may have.
    build : callable
        Returns the graph, given the table and the source.
    columns : callable
        Returns the names of the columns that say which samples are alike, and so are no features.
    """

    keys: frozenset[str]
    build: Callable[[Entry, Source], NeighborhoodGraph]
    columns: Callable[[Entry], list[object]]


def kind_of(entry: Entry) -> str | None:
    """Return the key that tells the kind of a relation; None where none does, so that its keys are those of a grid."""
    return next((kind for kind in KINDS if kind in entry), None)


def refuse_keys(entry: Entry, kind: str) -> None:
    """Refuse the keys that a relation of a kind does not have."""
    for key in entry:
        if key not in KINDS[kind].keys:
            raise ValueError(f"A relation by {kind!r} has no such key. {got_of(key, sorted(KINDS[kind].keys))}")


def _knn(entry: Entry, source: Source) -> NeighborhoodGraph:
    return knn_graph(_measured(entry, source), entry["knn"], **_chosen(entry, "metric"))


def _radius(entry: Entry, source: Source) -> NeighborhoodGraph:
    return radius_graph(_measured(entry, source), entry["radius"], **_chosen(entry, "metric"))


def _chosen(entry: Entry, *keys: str) -> _Options:
    return {key: entry[key] for key in keys if key in entry}


def _measured(entry: Entry, source: Source) -> Column:
    """Return the samples, or some of the columns as such."""
    if "columns" in entry:
        names = entry["columns"]
        if not isinstance(names, list) or not names:
            raise TypeError(f"Expected 'columns' to be a list of names of columns. Got {short_repr(names)}.")
        return np.column_stack([np.asarray(source.column(name, "columns")) for name in names])
    if source.samples is None:
        raise ValueError("Expected samples to measure neighbours of. Got none: give 'X', or name 'columns'.")
    return source.samples


def _groups(entry: Entry, source: Source) -> NeighborhoodGraph:
    return orbit_graph(source.column(entry["groups"], "groups"))


def _labels(entry: Entry, source: Source) -> NeighborhoodGraph:
    return label_graph(source.column(entry["labels"], "labels"))


def _time(entry: Entry, source: Source) -> NeighborhoodGraph:
    if "window" not in entry:
        raise ValueError("Expected 'window', the longest time between similar samples, such as 5 or \"36 h\".")
    groups = source.column(entry["groups"], "groups") if "groups" in entry else None
    times, window = _times(source.column(entry["time"], "time"), entry["window"])
    return sequence_graph(times, window, groups)


def _times(column: Column, window: object) -> tuple[Column, Column]:
    """Return times and their window: of dates as text, as NumPy has them."""
    values = np.asarray(column)
    if values.dtype.kind in "UO" and all(isinstance(value, str) for value in values.tolist()):
        try:
            column = values.astype("datetime64[us]")
        except ValueError as error:
            raise ValueError(
                f"Expected 'time' to name a column of numbers or dates, as 2006-06-17: {error}."
            ) from error
    return column, window if not isinstance(window, str) else _duration(window)


def _duration(text: str) -> np.timedelta64:
    found = re.fullmatch(r"\s*(\d{1,9})\s*([a-z]+)\s*", text.lower(), re.ASCII)
    unit = _UNITS.get(found[2]) if found else None
    if found is None or unit is None:
        raise ValueError(
            f"Expected 'window' to be a number, or of dates a whole number of {', '.join(_UNITS)}, such as \"36 h\". "
            f"Got {short_repr(text)}."
        )
    duration: np.timedelta64 = np.array([int(found[1])], dtype=f"timedelta64[{unit}]")[0]
    return duration


def _grid(entry: Entry, source: Source) -> NeighborhoodGraph:
    axes = entry["grid"]
    if not isinstance(axes, Mapping) or not axes:
        raise TypeError(f"Expected 'grid' to be a table of columns and their steps. Got {short_repr(axes)}.")
    step: _Options = {}
    cyclic: dict[str, float | None] = {}
    for name, axis in axes.items():
        if axis == _EQUAL:
            continue
        given = axis if isinstance(axis, Mapping) else {"step": axis}
        _check_axis(name, given)
        step[name] = given["step"]
        if "cyclic" in given:
            cyclic[name] = given["cyclic"]
    metadata = {name: source.column(name, "grid") for name in axes}
    return grid_graph(metadata, step=step, cyclic=cyclic, **_chosen(entry, "tolerance", "same"))


def _check_axis(name: str, axis: Entry) -> None:
    for key in axis:
        if key not in ("step", "cyclic"):
            raise ValueError(f"Column {name!r} has a key that there is not. {got_of(key, ('step', 'cyclic'))}")
    if "step" not in axis:
        raise ValueError(f"Expected 'step' of column {name!r}, the difference between contiguous values. Got none.")


def _pairs(entry: Entry, source: Source) -> NeighborhoodGraph:
    """Return pairs listed in the file, or in a file of their own."""
    given = {"similar": entry["pairs"]} if "pairs" in entry else _chosen(entry, *STATES)
    ids = _listed(source.column(entry["ids"], "ids")) if "ids" in entry else None
    stated: _Options = {state: _pairs_of(some, source, ids) for state, some in given.items()}
    return pairs(source.n_samples, **stated, ids=ids)


def _listed(column: Column) -> list[Hashable]:
    return list(np.asarray(column).tolist())


def _pairs_of(given: object, source: Source, ids: list[Hashable] | None) -> Column:
    if not isinstance(given, str):
        return given
    path = source.folder / given
    if path.suffix.lower() not in TABLE_SUFFIXES:
        raise ValueError(f"Expected a file of pairs in two columns, .csv, .tsv or .parquet. Got {path}.")
    table = open_table(path)
    if table.n_columns != 2:
        raise ValueError(f"{path}: expected two columns, one pair a row. Got {table.n_columns}.")
    if ids is not None and table.names is not None and set(table.names) <= set(map(str, ids)):
        raise ValueError(f"{path}: the first row is a pair of ids. Put a row of names above it, such as first,second.")
    columns: list[Array] = [table.values(place) for place in range(2)]
    return np.column_stack(columns)


def _named(*keys: str) -> Callable[[Entry], list[object]]:
    return lambda entry: [entry[key] for key in keys if key in entry]


def _axes(entry: Entry) -> list[object]:
    axes = entry["grid"]
    return list(axes) if isinstance(axes, Mapping) else []


_OF_PAIRS = Kind(frozenset({*STATES, "ids"}), _pairs, _named("ids"))

KINDS: dict[str, Kind] = {
    "knn": Kind(frozenset({"knn", "metric", "columns"}), _knn, _named()),
    "radius": Kind(frozenset({"radius", "metric", "columns"}), _radius, _named()),
    "time": Kind(frozenset({"time", "window", "groups"}), _time, _named("time", "groups")),
    "grid": Kind(frozenset({"grid", "tolerance", "same"}), _grid, _axes),
    "pairs": Kind(frozenset({"pairs", "ids"}), _pairs, _named("ids")),
    "groups": Kind(frozenset({"groups"}), _groups, _named("groups")),
    "labels": Kind(frozenset({"labels"}), _labels, _named("labels")),
    **dict.fromkeys(STATES, _OF_PAIRS),
}
"""Kinds of relation, by the key that tells each."""
