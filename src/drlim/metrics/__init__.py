"""Numbers that judge a map. They take arrays and return floats, whichever method made the map.

Neighbours are exact, by differences in float64; samples at equal distance are ordered by their index. Distances are
computed a block of samples at a time, so that memory grows with n and not with n squared.
"""

from __future__ import annotations

from drlim.metrics.counterfactual import Counterfactual, counterfactual
from drlim.metrics.energy import PairTension, Tension, exact_energy, pair_tension, tension
from drlim.metrics.ensemble import Uncertainty, uncertainty
from drlim.metrics.invariance import InvarianceReport, InvarianceRow, invariance_report
from drlim.metrics.local_invariance import LocalInvariance, LocalInvarianceRow, local_invariance
from drlim.metrics.neighborhoods import continuity, neighbor_recall, spread, trustworthiness
from drlim.metrics.position import knn_accuracy, orbit_ratio, position_accuracy, position_r2
from drlim.metrics.sensitivity import area_distortion, jacobian, saliency
from drlim.metrics.shape import slant

__all__ = [
    "Counterfactual",
    "InvarianceReport",
    "InvarianceRow",
    "LocalInvariance",
    "LocalInvarianceRow",
    "PairTension",
    "Tension",
    "Uncertainty",
    "area_distortion",
    "continuity",
    "counterfactual",
    "exact_energy",
    "invariance_report",
    "jacobian",
    "knn_accuracy",
    "local_invariance",
    "neighbor_recall",
    "orbit_ratio",
    "pair_tension",
    "position_accuracy",
    "position_r2",
    "saliency",
    "slant",
    "spread",
    "tension",
    "trustworthiness",
    "uncertainty",
]
