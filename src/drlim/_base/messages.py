"""Parts of the sentences in messages to the user: short descriptions of values, errors on one line, near words."""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Collection, Iterable, Sequence

__all__ = ["LONGEST_COMPLAINT", "aligned", "did_you_mean", "got_of", "listed", "one_line", "short_repr"]

LONGEST_COMPLAINT = 300
"""Maximum number of characters of another library's error in a message."""

_FEW = 8
"""Maximum number of names that a message lists."""

_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")
"""Pattern of an object's address in memory, which differs from run to run and says nothing."""

_MOST_DIGITS = 1000
"""Maximum number of digits of an integer in a message."""

_LONGEST_VALUE = 120
"""Maximum number of characters of a refused value in a message. The whole message then stays below 600 characters."""


def short_repr(value: object) -> str:
    """Describe ``value`` on one line: an array by its shape and dtype, a long text without its middle.

    Examples
    --------
    >>> import numpy as np
    >>> short_repr(np.zeros((3, 2)))
    'an array of shape (3, 2) and dtype float64'
    >>> short_repr(-1)
    '-1'
    """
    shape = getattr(value, "shape", ())
    if isinstance(shape, tuple) and shape != ():
        if hasattr(value, "dtype"):
            return f"an array of shape {tuple(shape)} and dtype {value.dtype}"
        return f"a {type(value).__name__} of shape {shape}"
    text = " ".join(_Repr().repr(value).split())
    if len(text) > _LONGEST_VALUE:
        text = f"{text[: _LONGEST_VALUE // 2]}...{text[-_LONGEST_VALUE // 2 :]}"
    return text


class _Repr(reprlib.Repr):
    """Short forms of values, without addresses in memory, also of objects that cannot describe themselves."""

    def repr_int(self, value: int, level: int) -> str:
        """Return the short form of an integer; Python itself writes none of more than 4300 digits."""
        digits = value.bit_length() * 0.30103
        return super().repr_int(value, level) if digits < _MOST_DIGITS else f"an integer of {digits:.0f} digits"

    def repr_instance(self, value: object, level: int) -> str:  # noqa: ARG002 - reprlib's signature
        """Return the short form of an object that is of none of Python's own types."""
        try:
            text = _ADDRESS.sub("", repr(value))
        except Exception:  # whatever a user's class raises
            text = f"<{type(value).__name__}>"
        begin = (self.maxother - 3) // 2
        end = self.maxother - 3 - begin
        return text if len(text) <= self.maxother else f"{text[:begin]}...{text[-end:]}"


def one_line(error: BaseException | str, longest: int = 200) -> str:
    r"""Return the text of an error on one line.

    Parameters
    ----------
    error : BaseException or str
        The error, or its text. An error without text is described by the name of its type.
    longest : int, default=200
        Maximum number of characters of the text. The rest is cut off.

    Examples
    --------
    >>> one_line(ValueError("first line\n  second line"))
    'first line second line'
    >>> one_line(ValueError())
    'ValueError'
    """
    text = _ADDRESS.sub("", " ".join(str(error).split()))[:longest]
    return text or ("" if isinstance(error, str) else type(error).__name__)


def did_you_mean(word: str, words: Iterable[str], otherwise: str = "", *, capital: bool = True) -> str:
    """Return a question that offers the word most like a mistyped one.

    Parameters
    ----------
    word : str
        The mistyped word.
    words : iterable of str
        The words to choose from.
    otherwise : str, default=""
        The result when none of ``words`` is like ``word``.
    capital : bool, default=True
        Whether the question begins with a capital letter.

    Examples
    --------
    >>> did_you_mean("lineal", ["mlp", "linear"])
    "Did you mean 'linear'?"
    >>> did_you_mean("resnet", ["mlp", "linear"], "Choose from mlp, linear.")
    'Choose from mlp, linear.'
    """
    near = difflib.get_close_matches(word, list(words), n=1)
    return f"{'Did' if capital else 'did'} you mean {near[0]!r}?" if near else otherwise


def got_of(name: str, known: Iterable[str]) -> str:
    """Return the end of a message: the name refused, and the one most like it or else those that there are.

    Examples
    --------
    >>> got_of("nera", ["same", "near"])
    "Got 'nera': did you mean 'near'?"
    """
    words = list(map(str, known))
    rest = f"there are {', '.join(map(repr, words[:_FEW]))[:200]}." if words else "they have no columns by name."
    return f"Got {name!r}: {did_you_mean(name, words, rest, capital=False)}"


def listed(names: Collection[str]) -> str:
    """Return the first few names for a message.

    Examples
    --------
    >>> listed(["a", "b"]), listed([])
    ("'a', 'b'", 'none')
    """
    shown = ", ".join(repr(name)[:60] for name in list(names)[:_FEW])
    return f"{shown} and {len(names) - _FEW} more" if len(names) > _FEW else shown or "none"


def aligned(lines: Sequence[Sequence[str]], left: Collection[int]) -> list[str]:
    """Return lines of cells as text in columns; those numbered in ``left`` begin at one place, the others end at one.

    Examples
    --------
    >>> aligned([("name", "size"), ("a", "12")], left={0})
    ['name  size', 'a       12']
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            text.ljust(width) if place in left else text.rjust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
