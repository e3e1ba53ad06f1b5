"""What a page needs to map new samples: the encoder, the steps before it, and what samples look like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from drlim._base.arrays import Array
from drlim.explorer.weights import NoStepError, Step, Steps, steps_of
from drlim.tables.table import Table

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from drlim.estimators import DrLIM, NeighborMap

__all__ = ["mapping_of"]

_Fitted = Mapping[str, Array]
"""Attributes of a step of scikit-learn."""

_LARGEST = 2**21
"""Maximum number of bytes of weights that travel with a page unasked."""


def mapping_of(
    model: DrLIM | NeighborMap | Pipeline, estimator: DrLIM | NeighborMap, wanted: bool | Literal["auto"]
) -> tuple[dict[str, object], dict[str, Array]]:
    """Return what the header of a page says of mapping new samples, and the arrays of weights.

    Parameters
    ----------
    model : DrLIM, NeighborMap or Pipeline
    estimator : DrLIM or NeighborMap
        The map in it.
    wanted : bool or "auto"
        Whether weights travel; "auto" up to 2 MiB of them.

    Returns
    -------
    said : dict
        ``steps``, None where new samples cannot be mapped; ``why``, the reason; ``input_shape`` of a sample, ``names``
        of its columns (or None), ``table`` (what a `drlim.Table` does, or None) and ``pixel``, the factor from bytes of
        a picture to its pixels.
    arrays : dict of str to ndarray

    Raises
    ------
    ValueError
        When weights are wanted, and the encoder, or a step before it, is none that the page has.
    """
    if wanted is False:
        return _without("it was made without the encoder."), {}
    try:
        before = _before(model, estimator)
        steps = steps_of(estimator.encoder_, before.steps.shape, before.steps)
    except NoStepError as error:
        if wanted is True:
            raise ValueError(f"New samples cannot be mapped in the page: {error}. Leave the parameter out.") from error
        return _without(f"{error}."), {}
    size = sum(array.nbytes for array in steps.arrays.values())
    if wanted == "auto" and size > _LARGEST:
        way_out = "explore takes them along with encoder=True, drlim explore with --encoder"
        return _without(f"it was made without the encoder, whose weights take {size / 2**20:.0f} MB; {way_out}."), {}
    said: dict[str, object] = {
        "steps": steps.steps,
        "why": "",
        "input_shape": list(before.shape),
        "names": before.names,
        "table": before.table,
        "pixel": _pixel(estimator),
    }
    return said, steps.arrays


class _Before(NamedTuple):
    """What comes before a map: steps, what a table does, and the shape and the names of the columns of a sample."""

    steps: Steps
    shape: tuple[int, ...]
    names: list[str] | None = None
    table: Step | None = None


def _without(why: str) -> dict[str, object]:
    return {"steps": None, "why": why}


def _pixel(estimator: DrLIM | NeighborMap) -> float:
    """Return the factor from bytes of a picture to pixels: 1/255 where the training samples were from 0 to 1."""
    reference = getattr(estimator, "_reference", None)
    if reference is None:
        return 1.0
    return 1 / 255 if float(np.max(reference.high)) <= 1.0 and float(np.min(reference.low)) >= 0.0 else 1.0


def _before(model: DrLIM | NeighborMap | Pipeline, estimator: DrLIM | NeighborMap) -> _Before:
    """Return the steps before the map; refuse those that the page does not have."""
    if model is estimator:
        return _Before(Steps(estimator.input_shape_), estimator.input_shape_, _names(estimator))
    parts = [part for _, part in model.steps[:-1] if part is not None and part != "passthrough"]
    shape, table = (int(model.n_features_in_),), None
    steps = Steps(shape)
    if parts and isinstance(parts[0], Table):
        steps, table = Steps((len(parts[0].get_feature_names_out()),)), _table(parts.pop(0))
    for part in parts:
        _add_step(part, steps)
    return _Before(steps, shape, _names(model), table)


def _names(fitted: object) -> list[str] | None:
    names = getattr(fitted, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def _table(table: Table) -> Step:
    """Return what a table does with the texts of a row."""
    columns = [
        {
            "name": column.name,
            "kind": column.kind,
            "fill": column.fill,
            "center": column.center,
            "scale": column.scale,
            "levels": list(column.levels),
        }
        for column in table.columns_
        if column.kind != "left out"
    ]
    return {"columns": columns, "refuses_blanks": table.fill == "refuse"}


def _add_step(part: object, steps: Steps) -> None:
    """Add a step of scikit-learn, or refuse it."""
    add = _ADDERS.get(type(part).__name__) if type(part).__module__.startswith("sklearn.") else None
    if add is None:
        raise NoStepError(f"there is a step before the map that the page does not have, {type(part).__name__}")
    add(vars(part), steps)


def _standard(part: _Fitted, steps: Steps) -> None:
    _scaled(steps, part["mean_"] if part["with_mean"] else None, part["scale_"])


def _between(part: _Fitted, steps: Steps) -> None:
    if part["clip"]:
        raise NoStepError("the MinMaxScaler before the map clips values")
    _scaled(steps, -part["min_"] / part["scale_"], 1 / part["scale_"])


def _largest(part: _Fitted, steps: Steps) -> None:
    if part.get("clip", False):
        raise NoStepError("the MaxAbsScaler before the map clips values")
    _scaled(steps, None, part["scale_"])


def _robust(part: _Fitted, steps: Steps) -> None:
    _scaled(steps, part["center_"], part["scale_"])


def _components(part: _Fitted, steps: Steps) -> None:
    if part.get("whiten", False):
        raise NoStepError("the PCA before the map whitens")
    if "mean_" in part:
        steps.each(offset=part["mean_"])
    steps.add("affine", weight=steps.kept(part["components_"], np.float64), bias=None)
    steps.shape = (len(part["components_"]),)


_ADDERS: dict[str, Callable[[_Fitted, Steps], None]] = {
    "StandardScaler": _standard,
    "MinMaxScaler": _between,
    "MaxAbsScaler": _largest,
    "RobustScaler": _robust,
    "PCA": _components,
    "TruncatedSVD": _components,
}
"""What adds each step of scikit-learn, by what it learned."""


def _scaled(steps: Steps, offset: Array | None, scale: Array | None) -> None:
    steps.each(offset=offset, factor=None if scale is None else 1 / np.asarray(scale, dtype=np.float64))
