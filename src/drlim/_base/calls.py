"""Calls of a user's own functions: what they raise names the parameter, and is kept as the cause."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from drlim._base.messages import one_line

__all__ = ["FailedCallError", "reason", "user_call"]


class FailedCallError(ValueError):
    """A function of the user's own has failed; its error is the cause."""


@contextmanager
def user_call(what: str) -> Iterator[None]:
    """Turn whatever the block raises into a `FailedCallError`; lack of memory is no fault of the function.

    Parameters
    ----------
    what : str
        The function and what it was called with, as the subject of the sentence. It names the parameter.

    Examples
    --------
    >>> with user_call("The 'orbit' given"):
    ...     [].pop()
    Traceback (most recent call last):
        ...
    drlim._base.calls.FailedCallError: The 'orbit' given fails: pop from empty list.
    """
    try:
        yield
    except (FailedCallError, MemoryError):
        raise
    except Exception as error:  # whatever a user's function raises
        raise FailedCallError(f"{what} fails: {reason(error)}.") from error


def reason(error: BaseException) -> str:
    """Return what a user's function has raised, on one line and without a full stop."""
    cause = error.__cause__ if isinstance(error, FailedCallError) and error.__cause__ is not None else error
    return one_line(cause).rstrip(".")
