"""Anything at all in the place of a parameter, of samples or of labels: it is taken, or refused by name."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

import drlim.estimators.drlim
import drlim.estimators.neighbor_map
from drlim import DrLIM, NeighborMap, knn_graph
from drlim.training import DivergenceError

X = np.random.default_rng(0).normal(size=(30, 3))


class Odd:
    """An object that can be neither compared nor hashed nor asked for its truth."""

    __hash__ = None

    def __eq__(self, other):
        raise RuntimeError("no comparison")

    def __bool__(self):
        raise RuntimeError("no truth")


class Mute:
    def __repr__(self):
        raise RuntimeError("no description")


ANYTHING = {
    "beyond 64 bits": 10**30,
    "beyond float64": 10**400,
    "beyond Python's digits": 10**5000,
    "2^63": 2**63,
    "2^62": 2**62,
    "below 64 bits": -(10**30),
    "large": 1e308,
    "small": 1e-320,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "true": True,
    "array of none": np.array(3),
    "array of one": np.array([3]),
    "array": np.ones(3),
    "array of objects": np.array([None, "a"], dtype=object),
    "tensor": torch.tensor(3),
    "tensor with a gradient": torch.tensor([0.5], requires_grad=True),
    "fraction": Fraction(1, 2),
    "decimal": Decimal("0.5"),
    "complex": 1j,
    "None": None,
    "text": "x" * 5000,
    "bytes": b"auto",
    "list": [1, [2]],
    "dict": {"a": 1},
    "set": {1},
    "tuple": (1, 2),
    "ellipsis": ...,
    "class": int,
    "module": np,
    "odd": Odd(),
    "mute": Mute(),
    "object": object(),
    "frame": pd.DataFrame(X),
    "sparse": sparse.csr_array(X),
    "NA": pd.NA,
    "NaT": pd.NaT,
    "date": dt.date(2026, 11, 27),
}


class Reached(Exception):  # noqa: N818 - not an error
    """The end of all checks."""


@pytest.fixture(autouse=True)
def _no_training(monkeypatch):
    def end(*args, **kwargs):
        raise Reached

    monkeypatch.setattr(drlim.estimators.plan, "train_rows", end)
    monkeypatch.setattr(drlim.estimators.neighbor_map, "lay_out", end)


def complaint(call, *names):
    """Return what is wrong with the error of a call, None where there is none or it is as it should be."""
    try:
        call()
    except (Reached, DivergenceError):
        return None
    except (ValueError, TypeError) as error:
        text = str(error)
        if "truth value" in text or "0x" in text or len(text) > 600 or not any(name in text for name in names):
            return f"{type(error).__name__}: {text}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def complaints(call, *names):
    found = {name: complaint(lambda value=value: call(value), *names) for name, value in ANYTHING.items()}
    return {name: text for name, text in found.items() if text is not None}


PARAMETERS = [(kind, name) for kind in (DrLIM, NeighborMap) for name in kind().get_params()]


@pytest.mark.parametrize(("kind", "name"), PARAMETERS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_any_parameter(kind, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # any text is the name of a folder
    assert complaints(lambda value: kind(**{"n_neighbors": 3, name: value}).fit(X), f"{name}") == {}


ROWS = len(X)
LABELS = {
    "arrays": [np.array([1, 2]), np.array([3])] * 15,
    "arrays of one length": [np.array([1, 2])] * ROWS,
    "frames": [pd.DataFrame({"a": [1, 2]})] * ROWS,
    "dicts": [{}] * ROWS,
    "lists": [[1], [2, 3]] * 15,
    "odd objects": [Odd()] * ROWS,
    "mute objects": [Mute()] * ROWS,
    "huge integers": [10**400] * 15 + [1] * 15,
    "huge and continuous": [10**400, 1.5] * 15,
    "huge fractions": [Fraction(10**400, 3), 1] * 15,
    "complex": np.arange(ROWS) + 1j,
    "structured": np.zeros(ROWS, dtype=[("a", int)]),
    "dates": np.arange(ROWS).astype("M8[D]"),
    "one class": np.zeros(ROWS, dtype=int),
    "distinct": np.arange(ROWS),
    "tuples": [(1, 2)] * ROWS,
    "frame": pd.DataFrame({"a": [1] * ROWS, "b": [2] * ROWS}),
    "short": [0, 1],
    "none": [],
    "unlabelled": [None] * ROWS,
    "tensors": list(torch.arange(ROWS) % 3),
    "tensor with a gradient": (torch.arange(ROWS) % 3).float().requires_grad_(),
    "bfloat16": (torch.arange(ROWS) % 3).bfloat16(),
}


@pytest.mark.parametrize("kind", [DrLIM, NeighborMap])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_any_labels(kind):
    model = kind(n_neighbors=3)
    found = complaints(lambda value: model.fit(X, value), "'y'")
    found |= {name: complaint(lambda y=y: model.fit(X, y), "'y'") for name, y in LABELS.items()}
    assert {name: text for name, text in found.items() if text is not None} == {}


@pytest.fixture(scope="module", params=[DrLIM, NeighborMap])
def trained(request):
    """A model that was trained before the fixture above ends all training."""
    return request.param(n_neighbors=3, max_epochs=1).fit(X)


@pytest.mark.parametrize("name", ["pairs", "graph", "anchor", "anchor_weight"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_anything_that_is_stated(trained, name):
    model = trained
    assert complaints(lambda value: model.partial_fit(X, **{name: value}), f"'{name}'") == {}
    assert complaints(lambda value: model.partial_fit(X, **{name: [value] * ROWS}), f"'{name}'") == {}


@pytest.mark.parametrize("kind", [DrLIM, NeighborMap])
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
def test_any_samples(kind):
    model = kind(n_neighbors=3)
    assert complaints(model.fit, "'X'", "X ") == {}
    assert complaints(lambda value: model.fit([value] * ROWS), "'X'", "X ") == {}
    assert complaints(lambda value: model.fit([[value, 1.0]] * ROWS), "'X'", "X ") == {}
    assert complaints(lambda value: knn_graph([[value, 1.0]] * ROWS, 3), "'X'", "X ") == {}


def test_labels_that_are_tensors_or_arrays_of_one_value_are_labels():
    wanted = np.arange(ROWS) % 3
    for y in (list(torch.tensor(wanted)), [np.array([label]) for label in wanted], torch.tensor(wanted).bfloat16()):
        known = DrLIM(n_neighbors=3)
        with pytest.raises(Reached):
            known.fit(X, y)
        labels = drlim.relations.gather.check_targets(y, ROWS)
        assert [int(label) for label in labels] == wanted.tolist()
