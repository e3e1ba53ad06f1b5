"""Relations as a file states them in TOML: builders by name, and the algebra that joins them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from drlim._base.checks import check_same_length, count_rows, short_repr
from drlim._base.disk import checked_path, refuse_special
from drlim._base.messages import got_of, one_line
from drlim._base.notices import warn_user
from drlim.graph import NeighborhoodGraph
from drlim.relations.expression import Expression, parsed
from drlim.relations.kinds import KINDS, Columns, Entry, Source, kind_of, refuse_keys
from drlim.tables.by_name import TableColumns
from drlim.tables.files import TABLE_SUFFIXES, open_table

__all__ = ["RelationsFile", "read", "read_file"]

_USE = "use"
_COLUMNS = "columns"

_LARGEST = 2**24
"""Maximum number of bytes of a file; long lists of pairs belong into a table beside it."""


class RelationsFile(NamedTuple):
    """A file of relations that was read and not yet applied to samples.

    Attributes
    ----------
    path : Path
    relations : dict of str to dict
        The relations by name, as TOML has them.
    use : Expression
        What joins them.
    columns : str or None
        Name of a table with what is known of each sample, relative to the file.
    """

    path: Path
    relations: dict[str, Entry]
    use: Expression
    columns: str | None

    def columns_used(self) -> list[str]:
        """Return the columns that say which samples are alike, and so are no features."""
        if self.columns is not None:
            return []
        found: dict[str, None] = {}
        for name in self.use.names:
            entry = self.relations[name]
            kind = kind_of(entry)
            named = list(entry) if kind is None else KINDS[kind].columns(entry)
            found.update(dict.fromkeys(one for one in named if isinstance(one, str)))
        return list(found)

    @property
    def measures(self) -> bool:
        """Whether a relation that is used measures neighbours of the samples."""
        entries = [self.relations[name] for name in self.use.names]
        return any(kind_of(entry) in ("knn", "radius") and "columns" not in entry for entry in entries)

    def build(self, n_samples: int, samples: object, columns: Columns) -> dict[str, NeighborhoodGraph]:
        """Return the graph of each relation that is used, by its name."""
        if self.columns is not None:
            columns = self._own_columns(n_samples)
        source = Source(n_samples, samples, columns, self.path.parent)
        return {name: self._built(name, source) for name in self.use.names}

    def joined(self, graphs: Mapping[str, NeighborhoodGraph]) -> NeighborhoodGraph:
        """Return the graph that ``use`` makes of those of `build`."""
        with _named(self.path, _USE):
            return self.use.evaluate(graphs)

    def _own_columns(self, n_samples: int) -> Columns:
        with _named(self.path, _COLUMNS):
            path = self.path.parent / str(self.columns)
            if path.suffix.lower() not in TABLE_SUFFIXES:
                raise ValueError(f"Expected a table, .csv, .tsv or .parquet. Got {path}.")
            columns = TableColumns(open_table(path))
            check_same_length(columns.table.n_rows, self.columns or "", n_samples, "the data")
            return columns

    def _built(self, name: str, source: Source) -> NeighborhoodGraph:
        entry = self.relations[name]
        with _named(self.path, name):
            kind = kind_of(entry)
            if kind is not None:
                return KINDS[kind].build(entry, source)
            for key in entry:
                if key not in source.columns:
                    hint = got_of(key, [*KINDS, *source.columns])
                    raise ValueError(f"There is no such kind of relation, nor such a column. {hint}")
            return KINDS["grid"].build({"grid": entry}, source)


def read(path: str | os.PathLike[str], X: object = None, *, columns: object = None) -> NeighborhoodGraph:
    """Build the graph that a file of relations states of samples.

    Parameters
    ----------
    path : str or path-like
        A file in TOML; see the notes.
    X : array-like, shape (n_samples, ...), default=None
        The samples, of which ``knn`` and ``radius`` measure neighbours. May be left out where neither is used.
    columns : DataFrame or dict of str to array-like of shape (n_samples,), default=None
        What is known of each sample, by the names that the file uses. None takes the columns of ``X``, a data frame.

    Returns
    -------
    NeighborhoodGraph

    Raises
    ------
    ValueError, TypeError
        When the file cannot be read, a key is unknown, a column is missing or a value cannot be used. The message names
        the file and the relation.
    OSError
        When the system cannot read the file.

    Notes
    -----
    Each key of the file is the name of a relation: letters, digits and underscores. Its table has one of these forms:

    ====================================================== ===================================================
    ``{knn = 10, metric = "cosine"}``                      `drlim.knn_graph`; ``columns = ["x", "y"]`` measures those
    ``{radius = 0.5}``                                     `drlim.radius_graph`, with the same options
    ``{groups = "object"}``                                `drlim.orbit_graph` of a column
    ``{labels = "class"}``                                 `drlim.label_graph` of a column; -1 and blanks are unknown
    ``{azimuth = {step = 20, cyclic = 360}, level = 5}``   `drlim.grid_graph`; ``size = ["S", "M"]`` lists levels in
                                                           order, ``object = "equal"`` must be equal; or all of it
                                                           as ``{grid = {...}, tolerance = 0.1, same = false}``
    ``{time = "t", window = 5, groups = "film"}``          `drlim.sequence_graph`; of dates ``window = "36 h"``
    ``{pairs = [[0, 1]]}`` or ``{pairs = "pairs.csv"}``    `drlim.pairs`, similar ones; ``ids = "name"`` of a column
    ``{similar = ..., dissimilar = ..., ignored = ...}``   the same, with pairs of other kinds
    ====================================================== ===================================================

    ``use = "same | grid - cannot"`` joins them by the operators of `NeighborhoodGraph`, which bind as in Python; a
    weight stands as ``2 * same``. A file with one relation needs no ``use``. ``columns = "about.csv"`` names a table
    with a row for each sample, from which all columns are taken. Names of files are relative to the file.

    Nothing in the file is executed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from drlim import relations
    >>> text = '''
    ... same = {groups = "object"}
    ... near = {azimuth = {step = 20, cyclic = 360}}
    ... use = "same | near"
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "relations.toml"
    ...     _ = path.write_text(text)
    ...     graph = relations.read(path, columns={"object": ["a", "b", "a"], "azimuth": [0, 340, 180]})
    >>> graph.similar.pairs().tolist()
    [[0, 1], [0, 2]]
    """
    by_name = _by_name(columns if columns is not None else X if hasattr(X, "columns") else {})
    file = read_file(path)
    return file.joined(file.build(_count(X, by_name, file), X, by_name))


def _by_name(given: object) -> Columns:
    """Return the columns of a data frame or of a dict."""
    if isinstance(given, Mapping):
        return {str(name): column for name, column in given.items()}
    if hasattr(given, "columns") and hasattr(given, "__getitem__"):
        return {str(name): given[name] for name in given.columns}
    raise TypeError(f"Expected 'columns' to be a DataFrame or a dict of arrays. Got {short_repr(given)}.")


def _count(X: object, columns: Mapping[str, Any], file: RelationsFile) -> int:
    """Return the number of samples."""
    if X is not None:
        return count_rows(X, "X")
    if columns:
        return len(next(iter(columns.values())))
    if file.columns is not None:
        return open_table(file.path.parent / file.columns).n_rows
    raise ValueError("Expected samples, 'X', or what is known of each, 'columns'. Got neither.")


def read_file(path: str | os.PathLike[str]) -> RelationsFile:
    """Read a file of relations without applying it to samples; parameters and errors as of `read`."""
    path = checked_path(path)
    given = _toml(path)
    use, columns = given.pop(_USE, None), given.pop(_COLUMNS, None)
    if columns is not None and not isinstance(columns, str):
        raise ValueError(f"{path}: columns: Expected the name of a table. Got {short_repr(columns)}.")
    if not given:
        raise ValueError(f"{path} states no relation. Write one, such as near = {{knn = 10}}.")
    for name, entry in given.items():
        with _named(path, name):
            _check_entry(name, entry)
    with _named(path, _USE):
        expression = parsed(_text_of_use(use, list(given)), given)
    _warn_of_idle(path, given, expression)
    return RelationsFile(path, given, expression, columns)


def _toml(path: Path) -> dict[str, Any]:
    refuse_special(path)
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"{path} has more than {_LARGEST:,} bytes. Put long lists of pairs into a table beside it.")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no TOML that can be read: {one_line(error)}.") from error


def _check_entry(name: str, entry: object) -> None:
    if not (name.isascii() and name.isidentifier()):
        raise ValueError("Expected a name of letters, digits and underscores, which 'use' can hold.")
    if not isinstance(entry, Mapping) or not entry:
        raise ValueError(f"Expected a relation, such as {{knn = 10}}. Got {short_repr(entry)}.")
    kind = kind_of(entry)
    if kind is not None:
        refuse_keys(entry, kind)


def _text_of_use(use: object, names: list[str]) -> str:
    if use is None and len(names) == 1:
        return names[0]
    if use is None:
        raise ValueError(
            f'Expected a line that joins the relations, such as use = "{" | ".join(names[:4])}". Got none.'
        )
    if not isinstance(use, str):
        raise TypeError(f'Expected text, such as "{names[0]}". Got {short_repr(use)}.')
    return use


def _warn_of_idle(path: Path, given: Mapping[str, object], use: Expression) -> None:
    idle = [name for name in given if name not in use.names]
    if idle:
        warn_user(f"{path}: 'use' leaves out {', '.join(map(repr, idle[:8]))}.")


@contextmanager
def _named(path: Path, key: str) -> Iterator[None]:
    """Name the file and the key in errors about a value."""
    try:
        yield
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{path}: {key[:60]}: {error}") from error
