"""The state of an optimizer or a module as tensors by name and numbers, as a file of tensors and JSON holds them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

__all__ = ["Packed", "packed", "under", "unpacked"]

Packed = None | bool | int | float | str | list["Packed"] | dict[str, "Packed"]
"""A value as JSON stores it; some dicts stand for what JSON does not have."""

_TENSOR = "tensor"
"""Key of a dict that stands for a tensor, by its name."""

_NOT_FINITE = "not finite"
"""Key of a dict that stands for NaN or an infinity, which JSON does not have."""

_INTEGER_KEYS = "by_number"
"""Key of a dict whose keys were integers, which JSON does not have."""


def packed(value: object, name: str, tensors: dict[str, Tensor]) -> Packed:
    """Return a value made of numbers, texts, None, tensors, lists and dicts as JSON; put copies of its tensors apart.

    Parameters
    ----------
    value : object
    name : str
        Beginning of the names of the tensors.
    tensors : dict of str to Tensor
        Gets the tensors, on the CPU.

    Raises
    ------
    TypeError
        When there is something else in it; the error names its place.

    Examples
    --------
    >>> import torch
    >>> tensors = {}
    >>> packed({"step": 3, "past": [torch.ones(2)]}, "adam", tensors)
    {'step': 3, 'past': [{'tensor': 'adam.past.0'}]}
    >>> tensors
    {'adam.past.0': tensor([1., 1.])}
    """
    if isinstance(value, Tensor):
        tensors[name] = value.detach().to("cpu", copy=True).contiguous()
        return {_TENSOR: name}
    if isinstance(value, float) and not math.isfinite(value):
        return {_NOT_FINITE: str(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [packed(one, f"{name}.{place}", tensors) for place, one in enumerate(value)]
    if isinstance(value, Mapping):
        return _packed_dict(value, name, tensors)
    raise TypeError(f"{name!r} is a {type(value).__name__}, and neither a tensor nor a number.")


def _packed_dict(value: Mapping[object, object], name: str, tensors: dict[str, Tensor]) -> Packed:
    entries = {str(key): packed(one, f"{name}.{key}", tensors) for key, one in value.items()}
    return {_INTEGER_KEYS: entries} if any(isinstance(key, int) for key in value) else entries


def unpacked(value: Packed, tensors: Mapping[str, Tensor]) -> object:
    """Return the value that `packed` took apart; the tensors are those given, not copies.

    Examples
    --------
    >>> tensors = {}
    >>> unpacked(packed({0: [1.5, None]}, "lbfgs", tensors), tensors)
    {0: [1.5, None]}
    """
    if isinstance(value, list):
        return [unpacked(one, tensors) for one in value]
    if not isinstance(value, dict):
        return value
    if list(value) == [_TENSOR]:
        return tensors[str(value[_TENSOR])]
    if list(value) == [_NOT_FINITE]:
        return float(str(value[_NOT_FINITE]))
    numbered = value.get(_INTEGER_KEYS)
    if isinstance(numbered, dict):
        return {int(key): unpacked(one, tensors) for key, one in numbered.items()}
    return {key: unpacked(one, tensors) for key, one in value.items()}


def under(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names begin with a name and a full stop, by the rest of their names.

    Examples
    --------
    >>> sorted(under("best", {"best.weight": 1, "best.bias": 2, "besting": 3}))
    ['bias', 'weight']
    """
    begin = f"{name}."
    return {key.removeprefix(begin): value for key, value in tensors.items() if key.startswith(begin)}
