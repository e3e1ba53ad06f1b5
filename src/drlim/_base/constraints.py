"""Kinds of value that a parameter accepts, each with the words that describe it in an error message.

The words are those of scikit-learn's messages, so that errors of `DrLIM` read like those of any estimator.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Literal, Protocol

import numpy as np

__all__ = [
    "LARGEST_INTEGER",
    "Constraint",
    "StrOptions",
    "as_constraint",
    "has_methods",
    "integer_in",
    "joined_words",
    "real_in",
]

LARGEST_INTEGER = 2**63 - 1
"""Largest integer that is accepted where one is wanted: NumPy and torch count in 64 bits."""

Closed = Literal["left", "right", "both", "neither"]


class Constraint(Protocol):
    """A kind of value. Its ``str`` completes the sentence "The parameter must be ..."."""

    def accepts(self, value: object) -> bool:
        """Return whether ``value`` is of this kind."""
        ...


@dataclass(frozen=True)
class _Interval:
    """Numbers of one type between two bounds; a bound of None is infinite."""

    of: type[Integral] | type[Real]
    low: float
    high: float | None
    closed: Closed

    def accepts(self, value: object) -> bool:
        if not isinstance(value, self.of) or (not isinstance(value, Integral) and np.isnan(np.asarray(value))):
            return False
        if self.of is Integral and value > LARGEST_INTEGER:  # type: ignore[operator]  # an Integral compares
            return False
        above = operator.ge if self.closed in ("left", "both") else operator.gt
        below = operator.le if self.closed in ("right", "both") else operator.lt
        return bool(above(value, self.low) and below(value, math.inf if self.high is None else self.high))

    def __str__(self) -> str:
        opening = "[" if self.closed in ("left", "both") else "("
        closing = "]" if self.closed in ("right", "both") else ")"
        high = math.inf if self.high is None else self.high
        if self.of is Integral:
            return f"an int in the range {opening}{self.low}, {high}{closing}"
        return f"a float in the range {opening}{float(self.low)}, {float(high)}{closing}"


def integer_in(low: int, high: int | None = None) -> Constraint:
    """Integers from ``low`` to ``high``, both included; the upper end is `LARGEST_INTEGER` when ``high`` is None."""
    if high is not None and high < low:
        raise ValueError(f"right can't be less than left. Got left={low} and right={high}")
    if high == low:
        return _Interval(Integral, low, low + 1, "left")
    return _Interval(Integral, low, high, "left" if high is None else "both")


def real_in(low: float, high: float | None = None, *, closed: Closed = "neither") -> Constraint:
    """Real numbers, integers included, from ``low`` to ``high``; ``closed`` names the ends that are included."""
    return _Interval(Real, low, high, closed)


@dataclass(frozen=True)
class StrOptions:
    """A choice of strings. A message lists them in alphabetical order."""

    options: Collection[str]

    def accepts(self, value: object) -> bool:
        """Return whether ``value`` is one of the strings."""
        return isinstance(value, str) and value in self.options

    def __str__(self) -> str:
        return f"a str among {{{', '.join(map(repr, sorted(self.options)))}}}"


@dataclass(frozen=True)
class _HasMethods:
    methods: tuple[str, ...]

    def accepts(self, value: object) -> bool:
        return all(callable(getattr(value, method, None)) for method in self.methods)

    def __str__(self) -> str:
        return f"an object implementing {joined_words([repr(method) for method in self.methods], 'and')}"


def has_methods(*methods: str) -> Constraint:
    """Objects of any type that have all these methods."""
    return _HasMethods(methods)


@dataclass(frozen=True)
class _InstancesOf:
    type: type

    def accepts(self, value: object) -> bool:
        return isinstance(value, self.type)

    def __str__(self) -> str:
        module, name = self.type.__module__, self.type.__qualname__
        return f"an instance of {name if module == 'builtins' else f'{module}.{name}'!r}"


class _Callables:
    def accepts(self, value: object) -> bool:
        return callable(value)

    def __str__(self) -> str:
        return "a callable"


class _OnlyNone:
    def accepts(self, value: object) -> bool:
        return value is None

    def __str__(self) -> str:
        return "None"


@dataclass(frozen=True)
class _AnyOf:
    """Values that at least one of several constraints accepts."""

    constraints: tuple[Constraint, ...]

    def accepts(self, value: object) -> bool:
        return any(constraint.accepts(value) for constraint in self.constraints)

    def __str__(self) -> str:
        return joined_words([str(constraint) for constraint in self.constraints], "or")


_BOOLEANS = (_InstancesOf(bool), _InstancesOf(np.bool_))
_BY_WORD = {
    "boolean": _AnyOf(_BOOLEANS),
    "verbose": _AnyOf((integer_in(0), *_BOOLEANS)),
    "random_state": _AnyOf((integer_in(0, 2**32 - 1), _InstancesOf(np.random.RandomState), _OnlyNone())),
}


def as_constraint(accepted: object) -> Constraint:
    """Return the constraint that a short form stands for.

    Parameters
    ----------
    accepted : Constraint, type, None, the builtin callable, "boolean", "verbose" or "random_state"
        A type accepts its instances, None itself, ``callable`` all that can be called. The words accept a bool, a bool
        or an integer of at least 0, and what seeds a random number generator.

    Raises
    ------
    ValueError
        When it is none of these.
    """
    if accepted is None:
        return _OnlyNone()
    if accepted is callable:
        return _Callables()
    if isinstance(accepted, type):
        return _InstancesOf(accepted)
    if isinstance(accepted, str) and accepted in _BY_WORD:
        return _BY_WORD[accepted]
    if isinstance(accepted, _Interval | StrOptions | _HasMethods):
        return accepted
    raise ValueError(f"Unknown constraint type: {accepted}")


def joined_words(words: Sequence[str], conjunction: str) -> str:
    """Return words as a list in a sentence.

    Examples
    --------
    >>> joined_words(["a str", "a callable", "None"], "or")
    'a str, a callable or None'
    """
    return f" {conjunction} ".join(filter(None, (", ".join(words[:-1]), words[-1])))
