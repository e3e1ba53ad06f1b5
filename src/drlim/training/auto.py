"""The settings that "auto" stands for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

from torch import nn

from drlim.training.problem import Settings, refuse_decay

__all__ = ["resolve_settings"]

_FEW_SAMPLES = 1000
"""Number of samples up to which L-BFGS reaches any energy first on dense networks: 660 by far, 1300 a tie
(docs/training.md)."""

_DECAY = 3.0
"""Weight decay where samples are held out: stopping alone leaves a network that has begun to learn its samples by heart
(docs/overfitting.md)."""

_AUTO_STEPS = 3000
"""Number of steps that ``max_epochs="auto"`` aims at: where the energy of 6000 digits has flattened
(docs/training.md)."""


def resolve_settings(parameters: Mapping[str, object], n_rows: int, encoder: nn.Module) -> Settings:
    """Return the settings of a run.

    Parameters
    ----------
    parameters : dict of str to object
        Checked parameters of `drlim.DrLIM`.
    n_rows : int
        Number of rows to train on, copies included.
    encoder : torch.nn.Module
        The encoder that will be trained.

    Raises
    ------
    ValueError
        When L-BFGS is to train on batches, or with weight decay.
    """
    is_lbfgs = _takes_lbfgs(parameters, n_rows, encoder)
    weight_decay = _weight_decay(parameters, is_lbfgs)
    batch_size = _batch_size(parameters, n_rows, is_lbfgs)
    rate, epochs = parameters["learning_rate"], parameters["max_epochs"]
    refuse_decay(is_lbfgs, weight_decay)
    return Settings(
        optimizer="lbfgs" if is_lbfgs else "adam",
        learning_rate=(1.0 if is_lbfgs else 2e-3) if rate == "auto" else float(cast(float, rate)),
        batch_size=batch_size,
        interactions="all" if parameters["interactions"] == "all" else "batch",
        max_epochs=_auto_epochs(n_rows, batch_size) if epochs == "auto" else int(cast(int, epochs)),
        tol=float(cast(float, parameters["tol"])),
        dissimilar_weight=float(cast(float, parameters["dissimilar_weight"])),
        weight_decay=weight_decay,
    )


def _batch_size(parameters: Mapping[str, object], n_rows: int, is_lbfgs: bool) -> int | None:
    """Return the number of samples a step, None for all of them."""
    given = parameters["batch_size"]
    if given == "auto":
        given = "all" if is_lbfgs else (150 if parameters["interactions"] == "all" else 250)
    batch_size = None if given == "all" or cast(int, given) >= n_rows else int(cast(int, given))
    if is_lbfgs and batch_size is not None:
        raise ValueError(f"optimizer='lbfgs' steps on all samples: set batch_size='all'. Got batch_size={batch_size}.")
    return batch_size


def _auto_epochs(n_rows: int, batch_size: int | None) -> int:
    steps = 1 if batch_size is None else math.ceil(n_rows / batch_size)
    return min(500, max(20, math.ceil(_AUTO_STEPS / steps)))


def _weight_decay(parameters: Mapping[str, object], is_lbfgs: bool) -> float:
    """Return the decay. Where samples are held out and Adam trains, "auto" has one."""
    if parameters["weight_decay"] != "auto":
        return float(cast(float, parameters["weight_decay"]))
    return 0.0 if parameters["validation"] is None or is_lbfgs else _DECAY


def _takes_lbfgs(parameters: Mapping[str, object], n_rows: int, encoder: nn.Module) -> bool:
    """Whether to train by L-BFGS. "auto" takes it where it is surely the faster and nothing is set for Adam."""
    if parameters["optimizer"] != "auto":
        return parameters["optimizer"] == "lbfgs"
    is_named = isinstance(parameters["encoder"], str)
    is_dense = is_named and not any(isinstance(part, nn.Conv2d) for part in encoder.modules())
    set_for_adam = (
        parameters["batch_size"] != "auto"
        or parameters["learning_rate"] != "auto"
        or parameters["interactions"] != "all"
        or parameters["orbit"] is not None
        or parameters["weight_decay"] not in ("auto", 0)
    )
    return n_rows <= _FEW_SAMPLES and is_dense and not set_for_adam
