"""What the command line prints: results on the standard output, all else as single lines on the standard error."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterable, Mapping

import typer

from drlim._base.launched import launched_rank
from drlim._base.messages import did_you_mean, one_line

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
"""Maximum number of characters of a line."""


class UsageError(ValueError):
    """A command that cannot be understood: exit code 2."""


def answer(as_json: bool, result: Mapping[str, object], lines: Iterable[str]) -> None:
    """Print the result, once, to the standard output: of several processes the first prints."""
    if launched_rank():
        return
    if as_json:
        typer.echo(json.dumps(_json_ready(result), allow_nan=False))
        return
    for line in lines:
        typer.echo(line)


def _json_ready(value: object) -> object:
    """Return a value with None in place of numbers that JSON cannot hold."""
    if isinstance(value, dict):
        return {key: _json_ready(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_json_ready(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def nearest(word: str, words: Iterable[str]) -> str:
    """Return a sentence that offers the word most like a mistyped one, or all words."""
    known = list(words)
    return " " + did_you_mean(word, known, f"Choose from {', '.join(known)}.")


def is_usage(error: Exception) -> bool:
    """Return whether an error is about the command, and not about the work."""
    if isinstance(error, OSError):  # a missing file is answered before anything slow is imported
        return False
    from drlim._base.checks import InvalidParameterError  # imports NumPy, which `--help` does not need

    return isinstance(error, UsageError | InvalidParameterError) or hasattr(error, "format_message")


def sentence(error: Exception) -> str:
    """Return the text of an error for a person, on one line."""
    text = _usage_text(error) if hasattr(error, "format_message") else _failure_text(error)
    line = one_line(text, LONGEST_LINE + 1)
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}..."


def _usage_text(error: Exception) -> str:
    """Describe an error that typer raises for a command it cannot parse."""
    context = getattr(error, "ctx", None)
    path = "drlim" if context is None else context.command_path
    known = getattr(error, "possibilities", None)  # of a mistyped option; the wording differs between versions
    if known:
        option = str(getattr(error, "option_name", ""))
        text = f"No such option: {option}.{nearest(option, known)}"
    else:
        text = error.format_message().rstrip(".") + "."  # type: ignore[attr-defined]
    return f"{text} See '{path} --help'."


def _failure_text(error: Exception) -> str:
    """Describe an error of the work itself."""
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, MemoryError):
        return f"Out of memory. {error}"
    is_callback = type(error).__name__ == "CallbackError"  # of a module that imports torch
    if is_callback or isinstance(error, ValueError | TypeError | OSError | ArithmeticError | ImportError):
        return str(error)
    return f"{type(error).__name__}: {error}. This is a defect of drlim; --debug shows where."


def say(kind: str, text: str) -> None:
    """Print one line to the standard error stream; of several processes, each but the first says which it is."""
    rank = launched_rank()
    typer.echo(f"drlim: {kind}: {f'rank {rank}: ' if rank else ''}{text}", err=True)


def show_warnings_in_one_line() -> None:
    """Show warnings meant for users, each on one line, until a `warnings.catch_warnings` block ends."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        say("warning", " ".join(str(message).split())[:LONGEST_LINE])

    warnings.simplefilter("ignore")
    if launched_rank():  # the first of several processes says it
        return
    warnings.simplefilter("always", UserWarning)
    warnings.simplefilter("default", RuntimeWarning)
    # Columns of files are found by name before scikit-learn sees an array without names.
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    warnings.showwarning = show
