"""The state of a run of any training as a file of tensors and JSON holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor

from drlim.training.packing import Packed, packed, unpacked
from drlim.training.problem import EpochRecord

__all__ = ["RunState", "Savable", "restore_optimizer"]


class RunState(NamedTuple):
    """All of a run after an epoch; nothing in it changes as the run goes on.

    Attributes
    ----------
    numbers : dict
        As JSON stores them.
    tensors : dict of str to Tensor
        On the CPU.
    """

    numbers: dict[str, Packed]
    tensors: dict[str, Tensor]

    @classmethod
    def of(cls, parts: Mapping[str, object]) -> RunState:
        """Take parts apart, of which one is the history.

        Raises
        ------
        TypeError
            When there is something in them that is neither a tensor nor a number.
        """
        tensors: dict[str, Tensor] = {}
        return cls({name: packed(value, name, tensors) for name, value in parts.items()}, tensors)

    def parts(self) -> dict[str, object]:
        """Return the parts."""
        return {name: unpacked(value, self.tensors) for name, value in self.numbers.items()}

    @property
    def history(self) -> list[EpochRecord]:
        """One record for each epoch."""
        return cast("list[EpochRecord]", unpacked(self.numbers["history"], {}))


class Savable(Protocol):
    """A run that can be saved between two epochs and restored."""

    def state(self) -> RunState:
        """Return all of the run."""
        ...

    def restore(self, state: RunState) -> None:
        """Go on from a state."""
        ...


def restore_optimizer(optimizer: torch.optim.Optimizer, state: object) -> None:
    """Give an optimizer the state that another of the same weights had, each tensor arranged in memory as its weight.

    Fused steps go through weight and moments in the order in which they lie in memory.
    """
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    for weight, values in optimizer.state.items():
        for name, value in values.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                values[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)
