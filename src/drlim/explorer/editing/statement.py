"""One statement about sets of samples, read from JSON that is not trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

import numpy as np

from drlim._base.arrays import Index, frozen
from drlim._base.messages import got_of, short_repr

__all__ = ["LARGEST_STATEMENT", "LONGEST_TEXT", "Kind", "Statement", "checked_text", "read_statement"]

Kind = Literal["alike", "not alike", "ignore", "label"]
"""What is stated of samples."""

LONGEST_TEXT = 200
"""Maximum number of characters of a name or a label."""

LARGEST_STATEMENT = 500_000
"""Maximum number of pairs of a statement: all pairs of 1000 samples. A label states more, in one number a sample."""

_KEYS = {"kind", "samples", "others", "label", "name"}


@dataclass(frozen=True, eq=False)
class Statement:
    """What a person states of samples.

    Attributes
    ----------
    kind : {"alike", "not alike", "ignore", "label"}
        "alike", "not alike": all pairs of ``samples``; where there are ``others``, the pairs of one of ``samples`` with
        one of ``others``. "ignore": the same pairs have no spring; without ``others``, the samples take no part at all.
        "label": the samples have ``label``.
    samples : ndarray of int64, shape (k,)
        Numbers of rows of the data, from 0 on, ascending, distinct. Read-only.
    others : ndarray of int64, shape (l,)
        A second set, which has no sample of the first; empty without one. Read-only.
    label : str
        Empty but for a label.
    name : str
        What the list of statements calls it.
    """

    kind: Kind
    samples: Index
    others: Index
    label: str
    name: str

    @property
    def n_pairs(self) -> int:
        """Number of pairs that are listed for it; none for a label or for samples that take no part."""
        if self.states_of_samples:
            return 0
        k = len(self.samples)
        return k * len(self.others) if len(self.others) else k * (k - 1) // 2

    @property
    def states_of_samples(self) -> bool:
        """Whether it states something of each sample and lists no pairs."""
        return self.kind == "label" or (self.kind == "ignore" and len(self.others) == 0)

    def pairs(self) -> Index:
        """Return the pairs that are listed for it, (n_pairs, 2), the smaller number first."""
        if self.states_of_samples:
            return np.empty((0, 2), dtype=np.int64)
        if len(self.others) == 0:
            first, second = np.triu_indices(len(self.samples), 1)
            return np.column_stack([self.samples[first], self.samples[second]])
        both = np.column_stack([np.repeat(self.samples, len(self.others)), np.tile(self.others, len(self.samples))])
        return np.sort(both, axis=1)

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON has it."""
        found: dict[str, object] = {"kind": self.kind, "name": self.name, "samples": self.samples.tolist()}
        if len(self.others):
            found["others"] = self.others.tolist()
        if self.kind == "label":
            found["label"] = self.label
        return found


def read_statement(given: object, n_samples: int) -> Statement:
    """Return a statement about ``n_samples`` samples, or refuse it.

    Parameters
    ----------
    given : object
        What JSON held: an object with ``kind`` and ``samples``, and where they are wanted ``others``, ``label`` and
        ``name``. Without a name the statement gets one that says what it is.
    n_samples : int

    Raises
    ------
    ValueError, TypeError
        When a key is unknown or missing, a number is no row, a set is too small or too large, the two sets have a
        sample in common, or a text is too long or empty.

    Examples
    --------
    >>> statement = read_statement({"kind": "alike", "samples": [4, 1, 7]}, 10)
    >>> statement.name, statement.pairs().tolist()
    ('3 samples alike', [[1, 4], [1, 7], [4, 7]])
    """
    if not isinstance(given, Mapping):
        raise TypeError(f"Expected a statement to be an object. Got {short_repr(given)}.")
    unknown = sorted(map(str, given.keys() - _KEYS))
    if unknown:
        raise ValueError(f"A statement has no '{unknown[0][:LONGEST_TEXT]}'. It has {', '.join(sorted(_KEYS))}.")
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in get_args(Kind):
        raise ValueError(f"There is no such kind of statement. {got_of(str(kind)[:LONGEST_TEXT], get_args(Kind))}")
    samples = _rows(given.get("samples"), "samples", n_samples)
    others = _rows(given.get("others", []), "others", n_samples)
    label = checked_text(given["label"], "label") if "label" in given else ""
    statement = Statement(cast(Kind, kind), samples, others, label, "")
    _check_sets(statement)
    name = checked_text(given["name"], "name") if "name" in given else _usual_name(statement)
    return Statement(statement.kind, samples, others, label, name)


def checked_text(given: object, what: str) -> str:
    """Return a name or a label without blanks around it, or refuse it."""
    if not isinstance(given, str):
        raise TypeError(f"Expected '{what}' to be text. Got {short_repr(given)}.")
    text = given.strip()
    if not 1 <= len(text) <= LONGEST_TEXT:
        raise ValueError(f"Expected '{what}' to have 1 to {LONGEST_TEXT} characters. Got {len(text)}.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"Expected '{what}' to be text that can be written. Got half of a pair of UTF-16.") from None
    return text


def _rows(given: object, what: str, n_samples: int) -> Index:
    """Return numbers of rows, ascending and distinct."""
    if not isinstance(given, list):
        raise TypeError(f"Expected '{what}' to be a list of numbers of rows. Got {short_repr(given)}.")
    if len(given) > n_samples:
        raise ValueError(f"Expected '{what}' to name each of {n_samples} samples once. Got {len(given)} numbers.")
    for one in given:
        if type(one) is not int or not 0 <= one < n_samples:  # True is no row
            raise ValueError(f"Expected '{what}' to hold numbers of rows, 0 to {n_samples - 1}. Got {short_repr(one)}.")
    rows: Index = np.unique(np.array(given, dtype=np.int64))
    if len(rows) < len(given):
        raise ValueError(f"Expected '{what}' to name each sample once. It repeats {len(given) - len(rows)}.")
    return frozen(rows)


def _check_sets(statement: Statement) -> None:
    """Refuse sets that state nothing or too much, and a label where there is none to be."""
    kind, samples, others = statement.kind, statement.samples, statement.others
    if (kind == "label") != bool(statement.label):
        raise ValueError(f"Expected 'label' with a statement of kind \"label\" and with no other. Got kind {kind!r}.")
    if kind == "label" and len(others):
        raise ValueError("Expected no 'others' with a label: it is given to 'samples'.")
    least = 2 if kind in ("alike", "not alike") and len(others) == 0 else 1
    if len(samples) < least:
        raise ValueError(f"Expected at least {least} sample{'s' * (least > 1)} for {kind!r}. Got {len(samples)}.")
    both = np.intersect1d(samples, others)
    if len(both):
        raise ValueError(f"Expected two sets without a sample in common. Sample {both[0]} is in both.")
    if statement.n_pairs > LARGEST_STATEMENT:
        raise ValueError(
            f"Expected at most {LARGEST_STATEMENT:,} pairs in a statement. Got {statement.n_pairs:,}: select fewer "
            "samples, or give the samples labels, which may have any number."
        )


def _usual_name(statement: Statement) -> str:
    """Return a name that says what is stated."""
    k, others = len(statement.samples), len(statement.others)
    if statement.kind == "label":
        return f"{k} labelled {statement.label}"[:LONGEST_TEXT]
    what = {"alike": "alike", "not alike": "not alike", "ignore": "ignored"}[statement.kind]
    return f"{k} and {others} samples {what}" if others else f"{k} sample{'s' * (k != 1)} {what}"
