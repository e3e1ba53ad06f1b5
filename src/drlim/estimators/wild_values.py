"""Warnings of training samples whose encoder needs more than one scale: they name the row and the column."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator
from torch import nn

from drlim._base.arrays import Index
from drlim._base.messages import short_repr
from drlim._base.notices import warn_user
from drlim._base.ordinary import WILD
from drlim.encoders.standardize import REACH, Findings, Standardize

__all__ = ["warn_of_wild_values"]

_MOST_NAMED = 5
"""Maximum number of columns that a warning names."""


def warn_of_wild_values(encoder: nn.Module, estimator: BaseEstimator, rows: Index | None = None) -> None:
    """Warn of what the standardisation of a new encoder found in the samples.

    Parameters
    ----------
    encoder : torch.nn.Module
        A built-in encoder or trunk; one of the user's own finds nothing.
    estimator : BaseEstimator
        Its ``feature_names_in_`` and ``input_shape_`` name the columns.
    rows : ndarray of int64, default=None
        Rows of X that the encoder was fitted to; None is all.
    """
    for module in encoder.modules():
        if isinstance(module, Standardize) and module.findings is not None:
            _warn(module.findings, estimator, rows)


def _warn(found: Findings, estimator: BaseEstimator, rows: Index | None) -> None:
    distance = abs(found.value - found.centre) / found.size
    if distance > WILD or not found.wide:
        row = found.row if rows is None else int(rows[found.row])
        count = "a value" if found.n_cells == 1 else f"{found.n_cells} values, the farthest"
        warn_user(
            f"'X' holds {count} in row {row}, {_place(found.place, estimator)}, that would hide all others from the "
            f"encoder: {found.value:.6g}, where values within {found.size:.3g} of {found.centre:.3g} are usual. The "
            f"encoder takes values more than {REACH:g} times as far as that for that far; distances between samples "
            "stay as they are. Correct such values, or drop their rows, unless they are meant."
        )
    if found.wide:
        warn_user(
            f"{_columns(found.wide, estimator)} of 'X' would hide the others from the encoder: up to {found.width:.3g} "
            "times as wide as a typical one. The encoder takes them for as wide as that; distances between samples "
            "stay as they are, and depend on these columns most. Scale the columns first, with drlim.Table() "
            "or sklearn.preprocessing.StandardScaler in a pipeline, unless that is meant."
        )


def _place(place: int, estimator: BaseEstimator) -> str:
    """Name one value of a sample."""
    shape = estimator.input_shape_
    if len(shape) == 1:
        return f"column {_name(place, estimator)}"
    return f"value {tuple(int(side) for side in np.unravel_index(place, shape))} of the image"


def _columns(wide: tuple[int, ...], estimator: BaseEstimator) -> str:
    """Name the first of several columns, or channels."""
    kind = "Column" if len(estimator.input_shape_) == 1 else "Channel"
    named = ", ".join(_name(place, estimator) for place in wide[:_MOST_NAMED])
    more = len(wide) - _MOST_NAMED
    plural = "" if len(wide) == 1 else "s"
    return f"{kind}{plural} {named}{f' and {more} more' if more > 0 else ''}"


def _name(place: int, estimator: BaseEstimator) -> str:
    names = getattr(estimator, "feature_names_in_", None)
    return str(place) if names is None or len(estimator.input_shape_) > 1 else short_repr(str(names[place]))
