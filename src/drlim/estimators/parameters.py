"""What each parameter of the estimators accepts: the one place where they are checked."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import cast

import numpy as np
import torch
from torch import nn

from drlim._base.checks import StrOptions, check_parameters, has_methods, integer_in, real_in
from drlim.encoders import ENCODERS
from drlim.encoders.networks import refuse_huge_map
from drlim.estimators.left_out import refuse_left_out, without_left_out
from drlim.estimators.watching import check_callbacks
from drlim.neighbors.measured import METRICS
from drlim.spaces import NAMES, Space, space_of
from drlim.springs import Springs

__all__ = ["check_all", "check_anchor_weight", "check_map_parameters", "check_n_neighbors", "check_two"]

_ACCEPTED = {
    "n_components": [integer_in(1)],
    "space": [StrOptions({"euclidean", *NAMES}), Space],
    "encoder": [StrOptions({"auto", *ENCODERS}), nn.Module, callable],
    "n_neighbors": [integer_in(1)],
    "metric": [StrOptions(set(METRICS) - {"precomputed"})],
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
    "weight_decay": [real_in(0.0, float("inf"), closed="left"), StrOptions({"auto"})],
    "validation": [real_in(0.0, 1.0), None, list, tuple, range, np.ndarray],
    "device": [str, torch.device],
    "random_state": ["random_state"],
    "verbose": ["verbose", None],
    "callbacks": [None, list, tuple],
    "checkpoint": [None, str, os.PathLike],
    "checkpoint_every": [integer_in(1), str],
}


def check_all(parameters: Mapping[str, object], owner: str = "DrLIM", needed: Collection[str] | None = None) -> None:
    """Refuse the first parameter of the estimator that is out of range.

    Parameters
    ----------
    parameters : dict of str to object
        As ``get_params(deep=False)`` returns them.
    owner : str, default="DrLIM"
        Name of the class, in an error.
    needed : collection of str, default=None
        Functions that are going to be called, and must be there after an estimator came from a file; None is all.

    Raises
    ------
    InvalidParameterError
        A ``ValueError`` and a ``TypeError``; it names the parameter, what it accepts and what was given.
    """
    refuse_left_out(parameters, owner, needed)
    check_parameters(without_left_out(parameters), _ACCEPTED, owner)
    refuse_huge_map(cast(int, parameters["n_components"]), owner)
    check_callbacks(parameters["callbacks"], owner)
    space_of(cast("str | Space", parameters["space"]), cast(int, parameters["n_components"]))


_OF_A_NEIGHBOR_MAP = {
    **{name: _ACCEPTED[name] for name in ("n_components", "orbit", "springs", "device")},
    **{name: _ACCEPTED[name] for name in ("max_epochs", "random_state", "verbose")},
    **{name: _ACCEPTED[name] for name in ("callbacks", "checkpoint", "checkpoint_every")},
    "n_neighbors": [integer_in(1), StrOptions({"auto"})],
    "metric": [StrOptions(set(METRICS)), callable],
    "encoder": [StrOptions({"auto"}), nn.Module, callable],
    "n_places": [integer_in(1), StrOptions({"auto"})],
}


def check_map_parameters(
    parameters: Mapping[str, object], owner: str = "NeighborMap", needed: Collection[str] | None = None
) -> None:
    """Refuse the first parameter of `NeighborMap` that is out of range, as `check_all` does for `DrLIM`."""
    refuse_left_out(parameters, owner, needed)
    check_parameters(without_left_out(parameters), _OF_A_NEIGHBOR_MAP, owner)
    refuse_huge_map(cast(int, parameters["n_components"]), owner)
    check_callbacks(parameters["callbacks"], owner)


def check_n_neighbors(n_neighbors: object, n_samples: int, owner: str) -> None:
    """Refuse as many neighbours as there are samples."""
    check_parameters({"n_neighbors": n_neighbors}, {"n_neighbors": [integer_in(1, n_samples - 1)]}, owner)


def check_two(n_samples: int) -> None:
    """Refuse a single sample, which has no neighbour."""
    if n_samples < 2:
        raise ValueError(f"Expected 'X' to hold at least 2 samples. Got {n_samples}.")


def check_anchor_weight(anchor_weight: object, owner: str = "DrLIM") -> None:
    """Refuse a weight of the anchors in ``partial_fit`` that is out of range."""
    accepted = {"anchor_weight": [real_in(0.0, 1e6, closed="right")]}
    check_parameters({"anchor_weight": anchor_weight}, accepted, f"{owner}.partial_fit")
