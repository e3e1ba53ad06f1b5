"""Which epoch of a run was the best, and whether the run has come to its end."""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn

from drlim.training.distributed import Shares
from drlim.training.problem import EpochRecord, Settings, Stopped
from drlim.training.validation import HeldOut

__all__ = ["Best", "has_converged", "has_risen"]

_RISE = 0.1
"""Share by which the energy at the end may lie above the lowest before the end counts as a failure."""


class Best:
    """The weights of the best epoch so far: of the lowest energy, of the samples held out where there are any.

    Attributes
    ----------
    state : dict of str to Tensor
    epoch : int
        Number of epochs after which the weights were these; 0 before the first.
    energies : list of float
        Of the samples trained on, by epoch.
    """

    def __init__(self, state: dict[str, Tensor], validation: HeldOut | None, settings: Settings) -> None:
        self.state = state
        self.epoch = 0
        self.energies: list[float] = []
        self._validation = validation
        self._settings = settings
        self._judged: list[float] = []

    def see(self, record: EpochRecord, network: nn.Module, state: dict[str, Tensor], shares: Shares) -> None:
        """Judge an epoch by its record and weights; add the energy of the samples held out to the record."""
        if self._validation is not None:
            record["energy_validation"] = self._validation.energy(network, shares)
        self._see(record, state)

    def _see(self, record: EpochRecord, state: dict[str, Tensor]) -> None:
        self.energies.append(record["energy"])
        self._judged.append(record.get("energy_validation", record["energy"]))
        if self._judged[-1] <= min(self._judged):
            self.state, self.epoch = state, len(self._judged)

    def restore(self, history: list[EpochRecord], state: dict[str, Tensor]) -> None:
        """Take up a run whose epochs have these records, and the best of them these weights."""
        for record in history:
            self._see(record, state)

    @property
    def why_ended(self) -> Stopped | None:
        """Why to stop now; None to go on.

        "validation": the energy of the samples held out was lowest half of the run ago, ten epochs at least. With
        weight decay it may rise for a fifth of the run, and then fall below where it was (docs/overfitting.md).
        """
        since = len(self._judged) - 1 - int(np.argmin(self._judged))
        if self._validation is not None and since >= max(10, self._settings.max_epochs // 2):
            return "validation"
        return "converged" if has_converged(self.energies, self._settings) else None


def _window(settings: Settings) -> int:
    """Return the number of epochs over which a run is judged: a fifth, ten at least."""
    return max(10, settings.max_epochs // 5)


def has_risen(energies: list[float], settings: Settings) -> bool:
    """Whether the run ends clearly above the lowest mean energy of any of its fifths, ten epochs at least.

    Such a run has not come to rest. A tenth is far above the noise of means over ten epochs.
    """
    window = _window(settings)
    means = [float(np.mean(energies[end - window : end])) for end in range(len(energies), window - 1, -window)]
    return len(means) > 1 and means[0] > min(means) + _RISE * abs(min(means))


def has_converged(energies: list[float], settings: Settings) -> bool:
    """Whether the last fifth of the run, ten epochs at least, is on the mean no lower than the fifth before it.

    Means, because in-batch energies are noisy; a fifth, because Adam overshoots and comes back.
    """
    window = _window(settings)
    if len(energies) < 2 * window:
        return False
    before, lately = float(np.mean(energies[-2 * window : -window])), float(np.mean(energies[-window:]))
    return lately > before - settings.tol * abs(before)
