"""What a `DrLIM` trains: its checked parameters, its network in units of the margin, the samples not held out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import torch
from torch import nn

from drlim._base.torch import Rows, device_of, pick_device
from drlim.estimators.parameters import check_all
from drlim.estimators.running import check_routed_pairs, drawn_seed, functions_called, judging_seed, training_rows
from drlim.estimators.samples import Samples
from drlim.graph import NeighborhoodGraph
from drlim.relations import LazyCopies
from drlim.springs import Springs
from drlim.springs.make import springs_for
from drlim.training import Anchor, DivergenceError, Settings
from drlim.training.auto import resolve_settings
from drlim.training.checkpoints import Keeper
from drlim.training.fresh import Orbit
from drlim.training.loop import train_rows
from drlim.training.units import check_unit, in_margins
from drlim.training.validation import HeldOut, held_out_rows, split
from drlim.training.warm_start import warm_start
from drlim.training.watching import CallbackError, Watch

if TYPE_CHECKING:
    from drlim.estimators.drlim import DrLIM

__all__ = ["Plan", "check_validation", "checked_parameters", "plan_training", "train_kept"]


class Plan(NamedTuple):
    """The arguments of a training, all lengths in units of the margin.

    Attributes
    ----------
    network : torch.nn.Module
        Shares its weights with the encoder of the estimator.
    rows : Rows
        Samples to train on, with fresh copies where there is an orbit.
    graph : NeighborhoodGraph
        Of the rows.
    springs : Springs
    settings : Settings
    anchor : Anchor or None
    validation : HeldOut or None
    unit : float
        The margin.
    """

    network: nn.Module
    rows: Rows
    graph: NeighborhoodGraph
    springs: Springs
    settings: Settings
    anchor: Anchor | None
    validation: HeldOut | None
    unit: float


def checked_parameters(
    estimator: DrLIM, pairs: object, graph: object, *, trains: bool = True
) -> tuple[Springs, torch.device, int]:
    """Check the parameters of an estimator; return the springs, the device and the seed that follow from them.

    Parameters
    ----------
    estimator : DrLIM
    pairs, graph : object
        As the call got them.
    trains : bool, default=True
        Whether the call trains, and so calls the orbit and draws a seed.
    """
    owner = type(estimator).__name__
    called = functions_called(graph, "neighbors", trains=trains)
    check_all(estimator.get_params(deep=False), owner, called)
    check_routed_pairs(estimator, pairs)
    springs = springs_for(estimator.margin, estimator.springs)
    check_unit(springs, owner)
    seed = (drawn_seed if trains else judging_seed)(estimator.random_state)
    return springs, pick_device(estimator.device), seed


def check_validation(validation: object, samples: Samples) -> None:
    """Refuse to hold out rows that there are not, or too many or few, before any work starts."""
    held_out_rows(validation, len(samples), n_copies=_n_copies(samples))


def plan_training(
    parameters: Mapping[str, object],
    encoder: nn.Module,
    samples: Samples,
    graph: NeighborhoodGraph,
    springs: Springs,
    seed: int,
    anchor: Anchor | None,
) -> Plan:
    """Return what is to be trained.

    Parameters
    ----------
    parameters : dict of str to object
        Of the estimator, checked.
    encoder : torch.nn.Module
        Maps samples to positions in the unit of the map.
    samples : Samples, shape (n, ...)
        Checked; those of the anchor come last.
    graph : NeighborhoodGraph
        Of the n samples.
    springs : Springs
        Of distances in the unit of the map.
    seed : int
    anchor : Anchor or None
        Positions are in margins.
    """
    network, springs, unit = in_margins(encoder.eval(), springs)
    device, orbit = device_of(encoder), cast("Orbit | None", parameters["orbit"])
    n_new = len(samples) - (0 if anchor is None else len(anchor.samples))
    held = held_out_rows(parameters["validation"], n_new, seed, n_copies=_n_copies(samples))
    part = split(samples, graph, springs, held, device, float(cast(float, parameters["dissimilar_weight"])))
    if anchor is not None:
        anchor = anchor._replace(samples=np.searchsorted(part.rows, anchor.samples))
    rows, relations = training_rows(part.samples, part.graph, orbit, device, seed)
    settings = resolve_settings(parameters, len(rows), encoder)
    return Plan(network, rows, relations, springs, settings, anchor, part.judge, unit)


def train_kept(
    plan: Plan, seed: int, watch: Watch, keeper: Keeper | None, *, begins: bool
) -> tuple[str, DivergenceError | CallbackError | None]:
    """Train; return why training ended, and the error by which it did, for the caller to raise once the map is kept.

    Where the map ``begins``, one on a curved space first learns the places that the relations form.
    """
    if begins:
        warm_start(*plan[:5], seed)
    try:
        result = train_rows(
            *plan[:5], seed=seed, anchor=plan.anchor, validation=plan.validation, watch=watch, keeper=keeper
        )
    except (DivergenceError, CallbackError) as error:
        return "diverged" if isinstance(error, DivergenceError) else "callback", error
    return result.stopped, None


def _n_copies(samples: Samples) -> int:
    """Return how many rows stand for one sample: more than one only of lazy copies."""
    return len(samples) // samples.n_originals if isinstance(samples, LazyCopies) else 1
