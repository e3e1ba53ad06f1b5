"""How the command line speaks: results on the standard output, all else as single lines on the standard error."""

from __future__ import annotations

import difflib
import json
import math
import re
import warnings
from collections.abc import Iterable
from typing import Any

import typer

__all__ = [
    "LONGEST_LINE",
    "UsageError",
    "answer",
    "is_usage",
    "nearest",
    "say",
    "sentence",
    "show_warnings_in_one_line",
]

LONGEST_LINE = 700


class UsageError(ValueError):
    """A command that cannot be understood: exit code 2."""


def answer(as_json: bool, told: dict[str, Any], lines: Iterable[str]) -> None:
    """Print the result, once, to the standard output."""
    if as_json:
        typer.echo(json.dumps(_json_ready(told), allow_nan=False))
        return
    for line in lines:
        typer.echo(line)


def _json_ready(value: Any) -> Any:
    """Return a value with None for numbers that JSON has not."""
    if isinstance(value, dict):
        return {key: _json_ready(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_json_ready(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def nearest(word: str, words: Iterable[str]) -> str:
    """Return the sentence that helps with a mistyped word."""
    known = list(words)
    near = difflib.get_close_matches(word, known, 1)
    return f" Did you mean {near[0]!r}?" if near else f" Choose from {', '.join(known)}."


def is_usage(error: Exception) -> bool:
    """Tell a command not understood from work that failed."""
    # By name, for scikit-learn takes a second to import and may not be needed.
    names = {kind.__name__ for kind in type(error).__mro__}
    return isinstance(error, UsageError) or hasattr(error, "format_message") or "InvalidParameterError" in names


def sentence(error: Exception) -> str:
    """Return what an error says to a person, on one line."""
    if hasattr(error, "format_message"):  # typer's own
        context = getattr(error, "ctx", None)
        path = "drlim" if context is None else context.command_path
        known = getattr(error, "possibilities", None)  # of a mistyped option; the wording differs between versions
        text = f"No such option: {error.option_name}.{nearest(error.option_name, known)}" if known else ""  # type: ignore[attr-defined]
        text = f"{text or error.format_message().rstrip('.') + '.'} See '{path} --help'."
    elif isinstance(error, OSError) and error.strerror and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    elif isinstance(error, MemoryError):
        text = f"Out of memory. {error}"
    elif isinstance(error, ValueError | TypeError | OSError | ArithmeticError | ImportError):
        text = str(error)
        refused = re.fullmatch(r"(.*)Got '(.*)' instead\.", text, re.DOTALL)
        near = refused and difflib.get_close_matches(refused[2], re.findall(r"'(\w+)'", refused[1])[1:], 1)
        text += f" Did you mean {near[0]!r}?" if near else ""
    else:
        text = f"{type(error).__name__}: {error}. This is a defect of drlim; --debug shows where."
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}..."


def say(kind: str, text: str) -> None:
    """Print one line to the standard error stream."""
    typer.echo(f"drlim: {kind}: {text}", err=True)


def show_warnings_in_one_line() -> None:
    """Show warnings meant for users, for the length of a `warnings.catch_warnings` block."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        say("warning", " ".join(str(message).split())[:LONGEST_LINE])

    warnings.simplefilter("ignore")
    warnings.simplefilter("always", UserWarning)
    warnings.simplefilter("default", RuntimeWarning)
    # Columns of files are found by name before scikit-learn sees an array without names.
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    warnings.showwarning = show
