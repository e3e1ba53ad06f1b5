"""Steps before a map in a pipeline, as JSON: a `Table` or a StandardScaler is a few numbers and texts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sized
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypedDict, cast

from drlim._base.messages import short_repr

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    from drlim.tables import Table

__all__ = ["StepRecord", "check_steps", "described_steps", "pipeline_of", "said_of", "steps_and_map"]

_LISTS = ("drop", "categories", "numbers", "as_is")
"""Parameters of a `Table` that are lists of columns."""

_KINDS = ("number", "date", "category", "left out")

_LARGEST_COUNT = 2**63 - 1
"""Largest number of values or samples that is taken."""

_MOST_STEPS = 20
"""Maximum number of steps of a file."""


_Record = dict[str, Any]
"""Names and values as JSON has them."""

_Rules = Mapping[str, Callable[[Any], bool]]
"""What tells whether a value is possible, by its name."""


class StepRecord(TypedDict):
    """A step: its class, its name in the pipeline, its parameters, and what it learned."""

    kind: str
    name: str
    parameters: _Record
    learned: _Record
    n_features: int
    feature_names: list[str] | None


def steps_and_map(estimator: object) -> tuple[list[tuple[str, BaseEstimator]], Any]:
    """Return the steps of a pipeline but for its last one, and the last one; no steps and what is no pipeline."""
    from sklearn.pipeline import Pipeline

    if not isinstance(estimator, Pipeline):
        return [], estimator
    *steps, (_, last) = estimator.steps
    return [(name, step) for name, step in steps if step is not None and step != "passthrough"], last


def described_steps(steps: list[tuple[str, BaseEstimator]]) -> list[StepRecord]:
    """Return fitted steps as JSON stores them, or refuse those of other kinds."""
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils.validation import check_is_fitted

    from drlim.tables import Table

    records: list[StepRecord] = []
    for name, step in steps:
        if type(step) not in (Table, StandardScaler):
            raise TypeError(
                f"Expected a pipeline of drlim.Table or StandardScaler, and a map. Got {short_repr(step)} as {name!r}: "
                "a file holds no code. Apply that step before, and save the rest, save(pipeline[-1], path)."
            )
        check_is_fitted(step)
        names = getattr(step, "feature_names_in_", None)
        records.append(
            {
                "kind": type(step).__name__,
                "name": name,
                "parameters": _parameters(step),
                "learned": _of_table(step) if isinstance(step, Table) else _of_scaler(step),
                "n_features": int(step.n_features_in_),
                "feature_names": None if names is None else [str(one) for one in names],
            }
        )
    return records


def _parameters(step: BaseEstimator) -> _Record:
    found = step.get_params(deep=False)
    lists = {
        name: [one if isinstance(one, str) else int(one) for one in found[name]] for name in _LISTS if name in found
    }
    return {**found, **lists}


def _of_table(table: Table) -> _Record:
    return {
        "standardized": table.standardized_,
        "columns": [{**asdict(column), "levels": list(column.levels)} for column in table.columns_],
    }


def _of_scaler(scaler: StandardScaler) -> _Record:
    arrays = {name: getattr(scaler, f"{name}_") for name in ("mean", "var", "scale")}
    seen = scaler.n_samples_seen_
    return {
        **{name: None if array is None else [float(value) for value in array] for name, array in arrays.items()},
        "n_samples_seen": [int(one) for one in seen] if getattr(seen, "ndim", 0) else int(seen),
    }


def pipeline_of(records: list[StepRecord], estimator: BaseEstimator) -> Pipeline | BaseEstimator:
    """Return a pipeline of the steps that a file holds and its map; the map itself without steps."""
    if not records:
        return estimator
    from sklearn.pipeline import Pipeline

    steps = [(record["name"], _step(record)) for record in records]
    wanted = [*(step.n_features_in_ for _, step in steps[1:]), estimator.n_features_in_]
    for (name, step), n_features in zip(steps, wanted, strict=True):
        if len(step.get_feature_names_out()) != n_features:
            raise ValueError(f"the step {name[:40]!r} gives other columns than what follows takes")
    return Pipeline([*steps, ("map", estimator)])


def _step(record: StepRecord) -> BaseEstimator:
    import numpy as np
    from sklearn.preprocessing import StandardScaler

    from drlim.tables import Table

    step = (Table if record["kind"] == "Table" else StandardScaler)(**record["parameters"])
    if record["kind"] == "Table":
        _fill_table(step, record["learned"])
    else:
        _fill_scaler(step, record["learned"])
    step.n_features_in_ = record["n_features"]
    if record["feature_names"] is not None:
        step.feature_names_in_ = np.array(record["feature_names"], dtype=object)
    return step


def _fill_table(table: Table, learned: _Record) -> None:
    from drlim.tables.columns import Column

    table.check_parameters()
    table.columns_ = [Column(**{**column, "levels": tuple(column["levels"])}) for column in learned["columns"]]
    table.standardized_ = learned["standardized"]


def _fill_scaler(scaler: StandardScaler, learned: _Record) -> None:
    import numpy as np

    for name in ("mean", "var", "scale"):
        value = learned[name]
        setattr(scaler, f"{name}_", None if value is None else np.array(value, dtype=np.float64))
    seen = learned["n_samples_seen"]
    scaler.n_samples_seen_ = np.array(seen) if isinstance(seen, list) else np.int64(seen)


def said_of(records: list[StepRecord]) -> list[str]:
    """Describe each step: a `Table` by what it does, another one by its name."""
    from drlim.tables.columns import Column
    from drlim.tables.said import sentence

    said = []
    for record in records:
        text = record["kind"]
        if text == "Table":
            learned = record["learned"]
            columns = [Column(**column) for column in learned["columns"]]
            text = sentence(columns, record["parameters"]["fill"], standardized=learned["standardized"])
        said.append(text)
    return said


def check_steps(given: object) -> None:
    """Refuse steps of other keys, types or ranges than `described_steps` gives; nothing is built of them."""
    if not isinstance(given, list) or not 1 <= len(given) <= _MOST_STEPS:
        raise ValueError("'before' in its metadata is no list of steps")
    for record in given:
        _check_record("a step", record, _STEP)
        parameters, learned = (
            (_TABLE, _LEARNED_OF_TABLE) if record["kind"] == "Table" else (_SCALER, _LEARNED_OF_SCALER)
        )
        _check_record(f"the parameters of a {record['kind']}", record["parameters"], parameters)
        _check_record(f"a {record['kind']}", record["learned"], learned)
        if not all(len(names) == record["n_features"] for names in _columns_of(record)):
            raise ValueError("a step in its metadata has another number of columns")


def _columns_of(record: StepRecord) -> list[Sized]:
    """Return all lists in a record that have an entry for each column."""
    learned = record["learned"]
    lists: list[Sized | None] = [
        record["feature_names"],
        *(learned.get(name) for name in ("columns", "mean", "var", "scale")),
    ]
    return [one for one in lists if one is not None]


def _check_record(what: str, record: object, rules: _Rules) -> None:
    if not isinstance(record, dict) or set(record) != set(rules):
        raise ValueError(f"{what} in its metadata has other keys")
    for key, holds in rules.items():
        if not holds(record[key]):
            raise ValueError(f"{key!r} of {what} in its metadata has an impossible value")


def _is(*kinds: type) -> Callable[[object], bool]:
    return lambda value: type(value) in kinds


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST_COUNT


def _is_finite(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]  # a number


def _is_scale(value: object) -> bool:
    return _is_finite(value) and value > 0  # type: ignore[operator]  # a number


def _list_of(holds: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda values: isinstance(values, list) and all(holds(value) for value in values)


def _or_none(holds: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or holds(value)


def _is_column(column: object) -> bool:
    """Return whether a record is one of a column."""
    try:
        _check_record("a column", column, _COLUMN)
    except ValueError:
        return False
    record = cast(_Record, column)
    levels = record["levels"]
    return len(set(levels)) == len(levels) and (record["kind"] == "category") == bool(levels)


_STEP: _Rules = {
    "kind": lambda kind: kind in ("Table", "StandardScaler"),
    "name": _is(str),
    "parameters": _is(dict),
    "learned": _is(dict),
    "n_features": lambda value: _is_count(value) and value > 0,
    "feature_names": _or_none(_list_of(_is(str))),
}
_TABLE: _Rules = {
    **dict.fromkeys(_LISTS, _list_of(_is(str, int))),
    "standardize": _is(bool, str),
    "fill": _is(str),
    "max_categories": _is(int),
}
_LEARNED_OF_TABLE: _Rules = {"standardized": _is(bool), "columns": _list_of(_is_column)}
_COLUMN: _Rules = {
    "name": _is(str),
    "kind": lambda kind: kind in _KINDS,
    "reason": _is(str),
    "is_id": _is(bool),
    "fill": _is_finite,
    "center": _is_finite,
    "scale": _is_scale,
    "levels": _list_of(_is(str)),
    "n_blanks": _is_count,
}
_SCALER: _Rules = dict.fromkeys(("copy", "with_mean", "with_std"), _is(bool))
_LEARNED_OF_SCALER: _Rules = {
    "mean": _or_none(_list_of(_is_finite)),
    "var": _or_none(_list_of(_is_finite)),
    "scale": _or_none(_list_of(_is_scale)),
    "n_samples_seen": lambda value: _is_count(value) or _list_of(_is_count)(value),
}
