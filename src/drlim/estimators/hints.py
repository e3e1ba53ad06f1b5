"""A hint for a misspelt parameter: Python and scikit-learn refuse one without saying which was meant."""

from __future__ import annotations

import inspect
from typing import Self

from drlim._base.messages import did_you_mean

__all__ = ["HintingMixin"]


class HintingMixin:
    """Refuse parameters that an estimator does not have by the name that is most like each."""

    def __new__(cls, *args: object, **parameters: object) -> Self:  # noqa: ARG004 - `__init__` takes the positional ones
        """Refuse unknown parameters of the constructor, which then gets them all."""
        _refuse_unknown(cls, parameters)
        return super().__new__(cls)

    def set_params(self, **parameters: object) -> Self:
        """Set parameters, as scikit-learn does.

        Parameters
        ----------
        **parameters : object
            By name.

        Returns
        -------
        object
            The estimator itself.

        Raises
        ------
        ValueError
            When there is no such parameter; the message names the one most like it.
        """
        try:
            _refuse_unknown(type(self), {name: value for name, value in parameters.items() if "__" not in name})
        except TypeError as error:
            raise ValueError(str(error)) from None
        changed: Self = super().set_params(**parameters)  # type: ignore[misc]  # scikit-learn's, which comes after
        return changed


def _refuse_unknown(kind: type, parameters: dict[str, object]) -> None:
    known = [name for name in inspect.signature(kind.__init__).parameters if name != "self"]  # type: ignore[misc]
    for name in parameters:
        if name not in known:
            hint = did_you_mean(name, known, f"It has {', '.join(known)}.")
            raise TypeError(f"{kind.__name__} has no parameter {name!r}. {hint}")
