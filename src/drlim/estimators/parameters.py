"""What each parameter of `DrLIM` accepts: the one place where they are checked."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from drlim._base.checks import StrOptions, check_parameters, has_methods, integer_in, real_in
from drlim.encoders import ENCODERS
from drlim.springs import Springs

__all__ = ["check_all", "check_anchor_weight"]

_ACCEPTED = {
    "n_components": [integer_in(1)],
    "encoder": [StrOptions({"auto", *ENCODERS}), nn.Module, callable],
    "n_neighbors": [integer_in(1)],
    "neighbors": [None, callable, has_methods("fit_transform")],
    "orbit": [None, callable],
    "margin": [real_in(0.0)],
    "dissimilar_weight": [real_in(0.0)],
    "springs": [None, Springs, tuple],
    "optimizer": [StrOptions({"auto", "adam", "lbfgs"})],
    "learning_rate": [real_in(0.0), StrOptions({"auto"})],
    "batch_size": [integer_in(2), StrOptions({"auto", "all"})],
    "interactions": [StrOptions({"all", "batch"})],
    "max_epochs": [integer_in(1), StrOptions({"auto"})],
    "tol": [real_in(0.0, closed="left")],
    "device": [str, torch.device],
    "random_state": ["random_state"],
    "verbose": ["verbose", None],
}


def check_all(parameters: Mapping[str, object], owner: str = "DrLIM") -> None:
    """Refuse the first parameter of the estimator that is out of range.

    Parameters
    ----------
    parameters : dict of str to object
        As ``get_params(deep=False)`` returns them.
    owner : str, default="DrLIM"
        Name of the class, in an error.

    Raises
    ------
    InvalidParameterError
        A ``ValueError`` and a ``TypeError``; it names the parameter, what it accepts and what was given.
    """
    check_parameters(parameters, _ACCEPTED, owner)


def check_anchor_weight(anchor_weight: object) -> None:
    """Refuse a weight of the anchors in `DrLIM.partial_fit` that is out of range."""
    accepted = {"anchor_weight": [real_in(0.0, 1e6, closed="right")]}
    check_parameters({"anchor_weight": anchor_weight}, accepted, "DrLIM.partial_fit")
