"""The algebra of relations as text, such as ``same | grid - cannot``: read by a grammar of its own, never executed.

The operators are those of `NeighborhoodGraph` and bind as they do in Python, the strongest first::

    unary     ~a
    product   2 * a, a * 0.5
    less      a - b
    both      a & b
    union     a | b
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from drlim._base.checks import short_repr
from drlim._base.messages import got_of
from drlim.graph import NeighborhoodGraph

__all__ = ["Expression", "parsed"]

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_]\w*)|(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<sign>[|&*~()-]))", re.ASCII
)

_LONGEST = 2000
"""Maximum number of characters of an expression."""

_DEEPEST = 50
"""Maximum depth of parentheses and of ``~``, so that no text exhausts Python's stack."""

_BINARY: dict[str, Callable[[NeighborhoodGraph, NeighborhoodGraph], NeighborhoodGraph]] = {
    "|": NeighborhoodGraph.__or__,
    "&": NeighborhoodGraph.__and__,
    "-": NeighborhoodGraph.__sub__,
}
"""Operators of two graphs, the weakest first."""

_Build = Callable[[Mapping[str, NeighborhoodGraph]], NeighborhoodGraph]


class Expression(NamedTuple):
    """An expression that was read.

    Attributes
    ----------
    text : str
        The expression as it was given.
    names : tuple of str
        The relations that occur in it, each once, in their order.
    evaluate : callable
        Returns the graph, given a graph for each name.
    """

    text: str
    names: tuple[str, ...]
    evaluate: _Build


class _Token(NamedTuple):
    """A name, a number or a sign, with its place in the text, counted from 1."""

    kind: str
    text: str
    place: int


def parsed(text: str, known: Iterable[str]) -> Expression:
    """Read an expression.

    Parameters
    ----------
    text : str
        The expression, at most 2000 characters.
    known : iterable of str
        Names of the relations that there are.

    Returns
    -------
    Expression

    Raises
    ------
    ValueError
        When the text is no such expression, or names a relation that there is not.

    Examples
    --------
    >>> from drlim.relations import pairs
    >>> graphs = {"same": pairs(4, similar=[(0, 1)]), "near": pairs(4, similar=[(1, 2), (2, 3)])}
    >>> graphs["cannot"] = pairs(4, similar=[(2, 3)])
    >>> expression = parsed("same | near - cannot", graphs)
    >>> expression.names
    ('same', 'near', 'cannot')
    >>> expression.evaluate(graphs).similar.pairs().tolist()
    [[0, 1], [1, 2]]
    >>> parsed("same | nera", graphs)
    Traceback (most recent call last):
        ...
    ValueError: 'same | nera' names a relation that there is not. Got 'nera': did you mean 'near'?
    """
    if len(text) > _LONGEST:
        raise ValueError(f"Expected at most {_LONGEST} characters. Got {len(text)}.")
    parser = _Parser(text)
    evaluate = parser.union(0)
    parser.end()
    names = tuple(dict.fromkeys(parser.names))
    words = list(known)
    for name in names:
        if name not in words:
            raise ValueError(f"{short_repr(text)} names a relation that there is not. {got_of(name, words)}")
    return Expression(text, names, evaluate)


class _Parser:
    """Recursive descent: a method for each line of the grammar."""

    def __init__(self, text: str) -> None:
        self.names: list[str] = []
        self._text = text
        self._tokens = _tokens(text)
        self._next = 0

    def union(self, depth: int, level: int = 0) -> _Build:
        """Read operands of the weakest operator from ``level`` on."""
        signs = list(_BINARY)
        if level == len(signs):
            return self._product(depth)
        combine = _BINARY[signs[level]]
        found = self.union(depth, level + 1)
        while self._take(signs[level]):
            found = _combined(combine, found, self.union(depth, level + 1))
        return found

    def end(self) -> None:
        """Refuse what stands after the expression."""
        if self._next < len(self._tokens):
            raise self._unexpected("an operator, such as | or -,")

    def _product(self, depth: int) -> _Build:
        """Read a relation, with a weight before or after it where there is one."""
        weight = self._number()
        if weight is not None:
            if not self._take("*"):
                raise self._unexpected("* after the weight")
            return _weighted(self._unary(depth), weight)
        found = self._unary(depth)
        while self._take("*"):
            weight = self._number()
            if weight is None:
                raise self._unexpected("a weight, such as 0.5,")
            found = _weighted(found, weight)
        return found

    def _unary(self, depth: int) -> _Build:
        if depth > _DEEPEST:
            raise ValueError(
                f"Expected at most {_DEEPEST} nested parentheses and ~. Got more in {short_repr(self._text)}."
            )
        if self._take("~"):
            return _inverted(self._unary(depth + 1))
        if self._take("("):
            inner = self.union(depth + 1)
            if not self._take(")"):
                raise self._unexpected("a closing parenthesis")
            return inner
        token = self._peek()
        if token is None or token.kind != "name":
            raise self._unexpected("the name of a relation")
        self._next += 1
        self.names.append(token.text)
        name = token.text
        return lambda graphs: graphs[name]

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self, sign: str) -> bool:
        token = self._peek()
        taken = token is not None and token.kind == "sign" and token.text == sign
        self._next += taken
        return taken

    def _number(self) -> float | None:
        token = self._peek()
        if token is None or token.kind != "number":
            return None
        self._next += 1
        return float(token.text)

    def _unexpected(self, wanted: str) -> ValueError:
        token = self._peek()
        got = "the end" if token is None else f"{token.text!r} at character {token.place}"
        return ValueError(f"Expected {wanted} in {short_repr(self._text)}. Got {got}.")


def _tokens(text: str) -> list[_Token]:
    found, place, end = [], 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            bad = len(text[:place]) + len(text[place:]) - len(text[place:].lstrip())
            raise ValueError(
                f"Expected names of relations, numbers, parentheses and | & - ~ * in {short_repr(text)}. "
                f"Got {text[bad]!r} at character {bad + 1}."
            )
        kind = str(match.lastgroup)
        found.append(_Token(kind, match[kind], match.start(kind) + 1))
        place = match.end()
    return found


def _combined(
    combine: Callable[[NeighborhoodGraph, NeighborhoodGraph], NeighborhoodGraph], first: _Build, second: _Build
) -> _Build:
    return lambda graphs: combine(first(graphs), second(graphs))


def _weighted(inner: _Build, weight: float) -> _Build:
    return lambda graphs: inner(graphs) * weight


def _inverted(inner: _Build) -> _Build:
    return lambda graphs: ~inner(graphs)
