"""Numbers that judge a map. They take arrays and return floats, whichever method made the map.

Neighbours are exact, by differences in float64; samples at equal distance are ordered by their index. Distances are
computed a block of samples at a time, so that memory grows with n and not with n squared.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from drlim.metrics.certificates import Certificate
from drlim.metrics.circular import circular_correlation
from drlim.metrics.energy import Tension, exact_energy, tension
from drlim.metrics.invariance import InvarianceReport, InvarianceRow, invariance_report
from drlim.metrics.neighborhoods import continuity, neighbor_recall, spread, trustworthiness
from drlim.metrics.pair_tension import PairTension, pair_tension
from drlim.metrics.position import knn_accuracy, orbit_ratio, position_accuracy, position_r2
from drlim.metrics.shape import slant

if TYPE_CHECKING:
    from drlim.metrics.along_transforms import LocalInvariance, LocalInvarianceRow, local_invariance
    from drlim.metrics.certifying import certificate
    from drlim.metrics.counterfactuals import Counterfactual, counterfactual
    from drlim.metrics.ensemble import Uncertainty, uncertainty
    from drlim.metrics.sensitivity import area_distortion, jacobian, saliency

__all__ = [
    "Certificate",
    "Counterfactual",
    "InvarianceReport",
    "InvarianceRow",
    "LocalInvariance",
    "LocalInvarianceRow",
    "PairTension",
    "Tension",
    "Uncertainty",
    "area_distortion",
    "certificate",
    "circular_correlation",
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

_OF_ENCODERS = {
    "LocalInvariance": "along_transforms",
    "LocalInvarianceRow": "along_transforms",
    "local_invariance": "along_transforms",
    "Uncertainty": "ensemble",
    "uncertainty": "ensemble",
    "Counterfactual": "counterfactuals",
    "counterfactual": "counterfactuals",
    "certificate": "certifying",
    "area_distortion": "sensitivity",
    "jacobian": "sensitivity",
    "saliency": "sensitivity",
}
"""Names that need torch, imported when first used: numbers of arrays alone are to import in a fraction of a second."""


def __getattr__(name: str) -> object:
    """Import a name of `_OF_ENCODERS`."""
    if name not in _OF_ENCODERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_OF_ENCODERS[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Return all public names, imported or not."""
    return sorted({*globals(), *__all__})
