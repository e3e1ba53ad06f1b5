"""The value of a parameter that was a function or an object, of an estimator from a file: files hold no code."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from drlim._base.checks import InvalidParameterError

__all__ = ["LeftOut", "refuse_left_out", "without_left_out"]


@dataclass(frozen=True)
class LeftOut:
    """A function or another object of the user's own that a model file does not hold.

    A map is a function of its weights alone, so `transform` works without it. What would call it refuses this value, by
    `refuse_left_out`.

    Parameters
    ----------
    name : str
        Name of the function, or of the object's class.
    kind : {"function", "object"}, default="function"
    """

    name: str
    kind: str = "function"


def refuse_left_out(parameters: Mapping[str, object], owner: str, needed: Collection[str] | None = None) -> None:
    """Refuse the first of the parameters needed whose function has to be given again.

    Parameters
    ----------
    parameters : dict of str to object
    owner : str
        Name of the class, in an error.
    needed : collection of str, default=None
        Parameters that are going to be used; None is all.

    Raises
    ------
    InvalidParameterError
        It names the parameter, the function and the call that gives it again.
    """
    for name, value in parameters.items():
        if isinstance(value, LeftOut) and (needed is None or name in needed):
            article = "a" if value.kind == "function" else "an"
            raise InvalidParameterError(
                f"The {name!r} parameter of {owner} was {article} {value.kind}, {value.name[:60]!r}, and no code is in "
                f"a model file. Give the same again: model.set_params({name}=...)."
            )


def without_left_out(parameters: Mapping[str, object]) -> dict[str, object]:
    """Return the parameters whose values are there."""
    return {name: value for name, value in parameters.items() if not isinstance(value, LeftOut)}
