"""The list of statements about a map: named, undone, on the disk as they are made."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from drlim._base.disk import check_target
from drlim._base.sealed import unusable
from drlim.explorer.editing.journal import Journal
from drlim.explorer.editing.stated import graph_of
from drlim.explorer.editing.statement import Statement, checked_text, read_statement
from drlim.graph import NeighborhoodGraph

__all__ = ["GRAPH_SUFFIX", "JOURNAL_SUFFIX", "Statements"]

GRAPH_SUFFIX, JOURNAL_SUFFIX = ".safetensors", ".jsonl"

_MOST = 10_000
"""Maximum number of statements, undone ones included."""

_MOST_PAIRS = 2_000_000
"""Maximum number of pairs that all statements list together: the graph's file then has 32 MB."""

_MOST_LABELS = 500
"""Maximum number of different labels. A graph holds up to 2048 joint classes."""


class _State(NamedTuple):
    """All statements in the order in which they were made, and the places of those that are undone."""

    made: tuple[Statement, ...] = ()
    undone: frozenset[int] = frozenset()

    def active(self) -> list[Statement]:
        return [one for place, one in enumerate(self.made) if place not in self.undone]

    def place(self, number: object) -> int:
        """Return the place of a statement by its number, or refuse the number."""
        if type(number) is not int or not 1 <= number <= len(self.made):
            raise ValueError(f"There is no such statement. There are {len(self.made)}.")
        return number - 1

    def after(self, entry: Mapping[str, object], n_samples: int) -> _State:
        """Return the state after a change, or refuse it."""
        if entry["op"] == "state":
            return self._replace(made=(*self.made, read_statement(entry["statement"], n_samples)))
        place = self.place(entry["number"])
        if entry["op"] == "rename":
            old, name = self.made[place], checked_text(entry["name"], "name")
            renamed = Statement(old.kind, old.samples, old.others, old.label, name)
            return self._replace(made=(*self.made[:place], renamed, *self.made[place + 1 :]))
        if (entry["op"] == "undo") == (place in self.undone):
            raise ValueError(f"Statement {place + 1} is {'' if place in self.undone else 'not '}undone.")
        if entry["op"] == "undo":
            return self._replace(undone=self.undone | {place})
        return self._replace(undone=self.undone - {place})


class Statements:
    """Statements about the samples of a map.

    Each call that changes them returns once the change is in the journal, forced to the disk, and the graph's file is
    written whole. Calls may come from several threads.

    Parameters
    ----------
    path : path-like
        The graph's file, by custom ``*.safetensors``, which `NeighborhoodGraph.load` reads. The journal, from which the
        statements are restored, lies beside it, with the suffix ``.jsonl``.
    n_samples : int
    data : str
        Digest of the samples: statements about other samples are refused.

    Raises
    ------
    ModelFileError
        When the journal is damaged, about other samples or open in another process.
    OSError
        When the system cannot read or write.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "said.safetensors"
    ...     statements = Statements(path, 5, "digest")
    ...     number = statements.add({"kind": "alike", "samples": [0, 3]})
    ...     statements.close()
    ...     NeighborhoodGraph.load(path).similar.pairs().tolist()
    [[0, 3]]
    """

    def __init__(self, path: str | os.PathLike[str], n_samples: int, data: str) -> None:
        self.path, self.n_samples = Path(path), n_samples
        check_target(self.path)
        self._lock = threading.Lock()
        self._state = _State()
        self._journal = Journal(self.path.with_suffix(JOURNAL_SUFFIX), {"n_samples": n_samples, "data": data})
        try:
            for place, entry in enumerate(self._journal.entries):
                self._state = self._repeated(place, entry)
            self._write(self._state)  # the process may have been killed after a line and before the graph
        except BaseException:
            self.close()
            raise

    def add(self, given: object) -> int:
        """Make a statement, as `read_statement` takes it; return its number, from 1 on.

        Raises
        ------
        ValueError, TypeError
            When it cannot be used, or there are too many statements, pairs or labels.
        OSError
            When the system cannot write it. The statement then is not made.
        """
        statement = read_statement(given, self.n_samples)
        with self._lock:
            self._do({"op": "state", "statement": statement.to_dict()})
            return len(self._state.made)

    def rename(self, number: object, name: object) -> None:
        """Give a statement another name; the graph stays as it is."""
        with self._lock:
            self._do({"op": "rename", "number": number, "name": checked_text(name, "name")})

    def undo(self, number: object) -> None:
        """Take a statement back. It stays in the list, and `restore` makes it again."""
        with self._lock:
            self._do({"op": "undo", "number": number})

    def restore(self, number: object) -> None:
        """Make a statement again that was undone."""
        with self._lock:
            self._do({"op": "restore", "number": number})

    def active(self) -> list[Statement]:
        """Return the statements that are not undone, in the order in which they were made."""
        return self._state.active()

    def graph(self, weights: Sequence[float] | None = None) -> NeighborhoodGraph:
        """Return what the statements that are not undone say: see `graph_of`."""
        return graph_of(self.active(), self.n_samples, weights)

    def to_list(self) -> list[dict[str, object]]:
        """Return all statements as JSON has them, with ``number``, ``undone`` and ``n_pairs``."""
        made, undone = self._state
        return [
            {**one.to_dict(), "number": place + 1, "undone": place in undone, "n_pairs": one.n_pairs}
            for place, one in enumerate(made)
        ]

    def close(self) -> None:
        """Close the journal, and let other processes open it."""
        self._journal.close()

    def _do(self, entry: Mapping[str, object]) -> None:
        """Check a change, write it to the journal and to the graph, and make it."""
        state = self._state.after(entry, self.n_samples)
        _check_room(state)
        self._journal.append(entry)
        try:
            self._write(state)
        except BaseException:
            self._journal.take_back()
            raise
        self._state = state

    def _repeated(self, place: int, entry: Mapping[str, object]) -> _State:
        """Return the state after a change that the journal holds."""
        try:
            return self._state.after(entry, self.n_samples)
        except (ValueError, TypeError, LookupError) as error:
            raise unusable(self._journal.path, f"holds no statement in line {place + 2}: {error}") from error

    def _write(self, state: _State) -> None:
        graph_of(state.active(), self.n_samples).save(self.path)


def _check_room(state: _State) -> None:
    """Refuse a state with too many statements, pairs or labels."""
    active = state.active()
    if len(state.made) > _MOST:
        raise ValueError(f"There are {_MOST:,} statements, the most there may be. Begin another file.")
    n_pairs = sum(one.n_pairs for one in active)
    if n_pairs > _MOST_PAIRS:
        raise ValueError(
            f"All statements together would list {n_pairs:,} pairs, more than {_MOST_PAIRS:,}: undo some, or give "
            "the samples labels, which list none."
        )
    if len({one.label for one in active if one.kind == "label"}) > _MOST_LABELS:
        raise ValueError(f"There would be more than {_MOST_LABELS} different labels. Undo some.")
