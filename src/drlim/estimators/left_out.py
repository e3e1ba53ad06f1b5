"""The value of a parameter that was a function, after its estimator came from a file: files hold no code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from drlim._base.checks import InvalidParameterError

__all__ = ["LeftOut", "refuse_left_out"]


@dataclass(frozen=True)
class LeftOut:
    """A function that a model file does not hold.

    A map is a function of its weights alone, so `transform` works without it. What would call the function refuses
    this value, by `refuse_left_out`.

    Parameters
    ----------
    name : str
        Name of the function.
    """

    name: str


def refuse_left_out(parameters: Mapping[str, object], owner: str) -> None:
    """Refuse the first parameter whose function has to be given again.

    Raises
    ------
    InvalidParameterError
        It names the parameter, the function and the call that gives it again.
    """
    for name, value in parameters.items():
        if isinstance(value, LeftOut):
            raise InvalidParameterError(
                f"The {name!r} parameter of {owner} was a function, {value.name[:60]!r}, and no code is in a model "
                f"file. Give the same again: set_params({name}=...)."
            )
