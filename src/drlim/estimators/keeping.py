"""Checkpoints of a fit: what it depends on, so that it goes on from none but its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Integral
from typing import NamedTuple, cast

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import nn

from drlim._base.arrays import Array
from drlim._base.checks import InvalidParameterError, check_parameters
from drlim._base.hashing import blocks_of, hashed, of_module
from drlim._base.joining import present_group
from drlim._base.messages import one_line
from drlim._base.torch import RowSource, device_of
from drlim.graph import NeighborhoodGraph
from drlim.springs import Springs
from drlim.training import Anchor, fingerprint
from drlim.training.checkpoints import Checkpoint, CheckpointFolder, Identity, Keeper, check_every, refuse_other
from drlim.training.neighbor_layout import Anchored
from drlim.training.packing import Packed

__all__ = ["Keeping", "keeping"]

_NO_MATTER = frozenset(("callbacks", "checkpoint", "checkpoint_every", "device", "random_state", "verbose"))
"""Parameters that a run does not depend on, or by what follows from them alone: the seed and the kind of device."""


class Keeping(NamedTuple):
    """The folder of checkpoints of a fit, and the one that it goes on from.

    Attributes
    ----------
    folder : CheckpointFolder
    every : int or str
    found : Checkpoint or None
    identity : dict
        What the fit depends on; `add` completes it.
    """

    folder: CheckpointFolder
    every: int | str
    found: Checkpoint | None
    identity: Identity

    def add(self, part: Mapping[str, Packed]) -> None:
        """Add to what the fit depends on; refuse a checkpoint of something else."""
        self.identity.update(part)
        if self.found is not None:
            refuse_other(self.found, part)

    def add_training(
        self,
        samples: RowSource,
        graph: NeighborhoodGraph,
        encoder: nn.Module,
        springs: Springs,
        seed: int,
        anchor: Anchor | None,
        n_before: int,
    ) -> None:
        """Add what a training of a `DrLIM` depends on beside the parameters.

        Parameters
        ----------
        samples : Samples
            Those of the anchor included.
        graph : NeighborhoodGraph
        encoder : torch.nn.Module
            With the weights that training begins with.
        springs : Springs
        seed : int
        anchor : Anchor or None
        n_before : int
            Number of epochs of earlier calls.
        """
        self.add(_of_data(samples, graph))
        self.add({"the number of epochs before": n_before, **_of_start(encoder, springs, seed)})
        if anchor is not None:
            positions = hashed(blocks_of(anchor.positions.cpu().numpy()))
            self.add({"the weight of the anchor": float(anchor.weight), "positions of the anchor": positions})

    def add_relaxation(
        self,
        samples: RowSource,
        graph: NeighborhoodGraph,
        trunk: nn.Module,
        laws: Springs | None,
        seed: int,
        start: Array | None,
        anchored: Anchored | None,
    ) -> Array | None:
        """Add what a fit of a `NeighborMap` depends on beside the parameters.

        Parameters
        ----------
        samples : Samples
            Those that are relaxed.
        graph : NeighborhoodGraph
        trunk : torch.nn.Module
            With the weights that training begins with.
        laws : Springs or None
        seed : int
        start : ndarray or None
            Where the samples are on the present map, in `partial_fit`.
        anchored : Anchored or None
            Its anchors.

        Returns
        -------
        ndarray or None
            The layout (n, d) of the checkpoint to go on from, None without one.
        """
        self.add(_of_data(samples, graph))
        self.add(_of_start(trunk, laws, seed))
        self.add({} if start is None else {"positions on the present map": hashed(blocks_of(start))})
        self.add({} if anchored is None else {"the weight of the anchor": float(anchored.kept)})
        return None if self.found is None else self.found.constants["layout"].numpy()

    def keeper(self, planned: int, **constants: Array) -> Keeper:
        """Return what writes the checkpoints, once all that the fit depends on was added.

        Parameters
        ----------
        planned : int
            Maximum number of epochs.
        **constants : ndarray
            What was computed before the training, and is kept with its state.
        """
        arrays = {name: torch.from_numpy(np.array(array)) for name, array in constants.items()}
        group = present_group()
        group.agree({"the epoch to go on from": "none" if self.found is None else str(len(self.found.state.history))})
        return Keeper(self.folder, self.every, self.identity, planned, self.found, arrays, writes=group.rank == 0)


def keeping(estimator: BaseEstimator, resume: bool, method: str, seed: int) -> tuple[Keeping | None, int]:
    """Return the checkpoints of a fit, None where there are none, and its seed; refuse what cannot be gone on from.

    Parameters
    ----------
    estimator : BaseEstimator
        With checked parameters.
    resume : bool
    method : str
        The method that was called.
    seed : int
        That of a new fit. One that goes on takes that of the checkpoint, unless ``random_state`` names one.
    """
    owner = f"{type(estimator).__name__}.{method}"
    check_parameters({"resume": resume}, {"resume": ["boolean"]}, owner)
    check_every(estimator.checkpoint_every)
    if estimator.checkpoint is None:
        if resume:
            raise InvalidParameterError(
                f"The 'resume' parameter of {owner} needs the folder of the checkpoints: set checkpoint='folder'."
            )
        return None, seed
    folder = _made_folder(estimator.checkpoint, owner)
    if not resume:
        folder.check_free()
    kept = Keeping(folder, estimator.checkpoint_every, folder.newest() if resume else None, {})
    kept.add({"the call": owner, **_described(estimator)})
    if kept.found is not None and not isinstance(estimator.random_state, Integral):
        seed = int(cast(int, kept.found.identity.get("seed", seed)))
    return kept, seed


def _made_folder(path: str | os.PathLike[str], owner: str) -> CheckpointFolder:
    """Make the folder before any work, or refuse what is none."""
    try:
        folder = CheckpointFolder(path)
        folder.make()
    except (OSError, ValueError, TypeError) as error:
        raise InvalidParameterError(
            f"The 'checkpoint' parameter of {owner} must be a folder that can be written: {one_line(error)[:200]}."
        ) from error
    return folder


def _described(estimator: BaseEstimator) -> Identity:
    """Return the versions and the parameters that a fit depends on, as short texts."""
    parameters = {name: value for name, value in estimator.get_params(deep=False).items() if name not in _NO_MATTER}
    if isinstance(estimator.random_state, Integral):
        parameters["random_state"] = int(estimator.random_state)
    return {**fingerprint.versions(), **fingerprint.of_parameters(parameters)}


def _of_data(samples: RowSource, graph: NeighborhoodGraph) -> Identity:
    """Return shapes and fingerprints of samples and relations."""
    return {
        "the shape of 'X'": [int(side) for side in samples.shape],
        "samples": fingerprint.of_samples(samples),
        "the number of similar pairs": int(graph.n_similar),
        "relations": fingerprint.of_graph(graph),
    }


def _of_start(encoder: nn.Module, springs: Springs | None, seed: int) -> Identity:
    """Return what a training begins with."""
    return {
        "seed": seed,
        "the kind of device": device_of(encoder).type,
        "laws of springs": None if springs is None else fingerprint.of_springs(springs),
        "weights to begin with": of_module(encoder),
    }
