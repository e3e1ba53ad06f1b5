"""Samples in the forms in which people have them: every method of both estimators takes them, or gives one sentence."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from tests.forms import DATES, REFUSED_FORMS, UNEQUAL, AnnData, Items
from torch.utils.data import TensorDataset

from drlim import DrLIM, NeighborMap

X = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
NEW = X[:5] + 1

MODELS = [
    DrLIM(encoder="linear", n_neighbors=2, max_epochs=2, random_state=0),
    NeighborMap(n_neighbors=2, max_epochs=1, random_state=0),
]


def name_of(model):
    return type(model).__name__


both = pytest.mark.parametrize("model", MODELS, ids=name_of)

FORMS = {
    "tensor": torch.tensor,
    "tensor with a gradient": lambda rows: torch.tensor(rows, requires_grad=True),
    "list of tensors": lambda rows: [torch.tensor(row) for row in rows],
    "Dataset with labels": lambda rows: TensorDataset(torch.tensor(rows), torch.zeros(len(rows))),
    "Dataset": lambda rows: Items(lambda place: rows[place], len(rows)),
    "AnnData": lambda rows: AnnData(rows, ["g1", "g2", "g3"]),
}


def made(model, **parameters):
    return type(model)(**{**model.get_params(), **parameters})


@pytest.mark.parametrize("form", FORMS)
@both
def test_every_method_takes_the_form(model, form):
    to_form = FORMS[form]
    wanted, found = made(model).fit(X), made(model).fit(to_form(X))
    assert found.embedding_.tobytes() == wanted.embedding_.tobytes()
    assert made(model).fit_transform(to_form(X)).tobytes() == wanted.embedding_.tobytes()
    assert found.transform(to_form(NEW)).tobytes() == wanted.transform(NEW).tobytes()
    assert found.score(to_form(X)) == wanted.score(X)
    if isinstance(model, NeighborMap):
        assert found.confidence(to_form(NEW)).tobytes() == wanted.confidence(NEW).tobytes()
        assert found.kneighbors(to_form(NEW))[1].tolist() == wanted.kneighbors(NEW)[1].tolist()
    updated = found.partial_fit(to_form(NEW), anchor=to_form(X)).embedding_
    assert updated.tobytes() == wanted.partial_fit(NEW, anchor=X).embedding_.tobytes()


@both
def test_bfloat16_is_float32(model):
    coarse = torch.tensor(X).bfloat16()
    found = made(model).fit(coarse).embedding_
    assert found.dtype == np.float32
    assert found.tobytes() == made(model).fit(coarse.float().numpy()).embedding_.tobytes()


@both
def test_integers_of_tensors_are_those_of_arrays(model):
    pixels = np.random.default_rng(0).integers(0, 256, size=(24, 6), dtype=np.uint8)
    assert made(model).fit(torch.tensor(pixels)).embedding_.dtype == np.float32


@both
def test_images_of_a_dataset(model):
    images = np.random.default_rng(0).random((24, 8, 8), dtype=np.float32)
    found = made(model).fit(Items(lambda place: (torch.tensor(images[place]), place % 2), 24))
    assert found.input_shape_ == (8, 8)
    assert found.embedding_.tobytes() == made(model).fit(images).embedding_.tobytes()


@pytest.mark.parametrize(
    "table", [lambda X, names: AnnData(X, names), lambda X, names: pa.table(dict(zip(names, X.T, strict=True)))]
)
@both
@pytest.mark.filterwarnings("error")
def test_names_of_columns_are_kept_and_checked(model, table):
    names = ["g1", "g2", "g3"]
    fitted = made(model).fit(table(X, names))
    assert fitted.feature_names_in_.tolist() == names
    frame = pd.DataFrame(X, columns=names)
    assert fitted.transform(table(X, names)).tobytes() == fitted.transform(frame).tobytes()
    with pytest.raises(
        ValueError, match=re.escape("Got 'g3' as column 0, where they had 'g1': choose by model.feature")
    ):
        fitted.transform(table(X[:, ::-1], names[::-1]))
    with pytest.raises(
        ValueError, match=re.escape("Got None as column 2, where they had 'g3': choose by model.feature")
    ):
        fitted.transform(table(X[:, :2], names[:2]))
    with pytest.raises(ValueError, match=re.escape("Got 'g4' as column 3, where they had None")):
        fitted.transform(table(X[:, [0, 1, 2, 0]], [*names, "g4"]))
    assert not hasattr(fitted.fit(X), "feature_names_in_")
    fitted.transform(table(X, names))  # nothing is known of names


REFUSED = {**REFUSED_FORMS, **UNEQUAL, **DATES}


@pytest.mark.parametrize("form", REFUSED)
@both
def test_a_refused_form_changes_nothing(model, form):
    given, sentence = REFUSED[form]
    unfitted, fitted = made(model), made(model).fit(X)
    before = dict(vars(unfitted)), dict(vars(fitted))
    for use in (unfitted.fit, fitted.fit, fitted.partial_fit, fitted.transform, fitted.score):
        with pytest.raises((ValueError, TypeError), match=re.escape(sentence)):
            use(given)
    if given is not None:
        with pytest.raises((ValueError, TypeError), match=r"^Expected 'anchor' to ") as refusal:
            fitted.partial_fit(X, anchor=given)
        assert "'X'" not in str(refusal.value)
    assert (dict(vars(unfitted)), dict(vars(fitted))) == before


@both
def test_values_of_a_fitted_model_are_named_by_their_place(model):
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    fitted = made(model).fit(frame)
    bad = frame.copy()
    bad.iloc[4, 1] = np.nan
    with pytest.raises(
        ValueError, match=re.escape("Input X contains NaN. 'X' has NaN in row 4, column 'b': fill such")
    ):
        fitted.transform(bad)
    with pytest.raises(
        ValueError, match=re.escape("is expecting 3 features as input. Give 'X' the columns of the train")
    ):
        made(model).fit(X).transform(X[:, :2])
    with pytest.raises(
        ValueError, match=re.escape("Give 'X' the columns of the training data, X[model.feature_names_in")
    ):
        fitted.transform(frame.rename(columns={"a": "d"}))
    with pytest.raises(ValueError, match=re.escape("'X' has infinity in sample 3, at (0, 1): replace such values")):
        made(model).fit(np.where(np.arange(2 * 2 * 6).reshape(6, 2, 2) == 13, np.inf, 1.0))
