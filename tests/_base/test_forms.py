"""Forms of samples: what is taken equals the array that it holds, and what is not gets a sentence with a way out."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import sparse
from tests.forms import DATES, FRAME, REFUSED_FORMS, ROWS, TAKEN_FORMS, UNEQUAL, AnnData, Items, Own

from drlim._base.forms import plain, taken
from drlim._base.strange import TAKEN


@pytest.mark.parametrize("form", TAKEN_FORMS)
def test_what_is_taken_holds_the_same_values(form):
    found = np.asarray(taken(TAKEN_FORMS[form]).values)
    np.testing.assert_array_equal(found, ROWS)
    assert found.dtype.kind == "f"


def test_types_are_kept_where_numpy_has_them():
    assert taken(torch.zeros(2, 2, dtype=torch.float16)).values.dtype == np.float16
    assert taken(torch.zeros(2, 2, dtype=torch.bfloat16)).values.dtype == np.float32
    assert taken(torch.zeros(2, 2, dtype=torch.uint8)).values.dtype == np.uint8
    assert taken(Items(lambda place: np.uint8([place]))).values.dtype == np.uint8


def test_arrays_are_not_copied():
    for given in (ROWS, FRAME, sparse.csr_array(ROWS), np.ma.array(ROWS)):
        assert taken(given).values is given
    assert np.shares_memory(taken(tensor := torch.tensor(ROWS)).values, tensor.numpy())


def test_names_of_columns_that_scikit_learn_does_not_find():
    assert taken(AnnData(ROWS, ["g1", "g2"])).names == ["g1", "g2"]
    assert taken(TAKEN_FORMS["Arrow"]).names == ["a", "b"]
    assert taken(FRAME).names is taken(TAKEN_FORMS["polars"]).names is taken(ROWS).names is None


def test_of_an_anndata_x_is_taken_even_where_it_is_sparse():
    X = sparse.csr_matrix(ROWS)
    assert taken(AnnData(X)).values is X


def test_images_of_a_dataset():
    images = [Image.fromarray(np.full((4, 5), place, dtype=np.uint8)) for place in range(3)]
    found = taken(Items(lambda place: (images[place], place))).values
    assert found.shape == (3, 4, 5)
    assert found[:, 0, 0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("form", REFUSED_FORMS)
def test_what_is_not_taken_gets_a_sentence(form):
    given, sentence = REFUSED_FORMS[form]
    with pytest.raises(TypeError, match=re.escape(sentence)) as refusal:
        taken(given)
    assert str(refusal.value).startswith(f"Expected 'X' to be {TAKEN}. Got ")
    assert len(str(refusal.value)) <= 600


@pytest.mark.parametrize("form", UNEQUAL)
def test_samples_of_different_shapes(form):
    given, sentence = UNEQUAL[form]
    with pytest.raises(ValueError, match=re.escape(sentence)):
        taken(given)


@pytest.mark.parametrize("form", DATES)
def test_dates_are_no_numbers(form):
    given, sentence = DATES[form]
    with pytest.raises(ValueError, match=f"^Expected 'X' to hold numbers. Got {re.escape(sentence)}"):
        taken(given)


def test_an_error_of_a_dataset_names_the_item_and_stays_the_cause():
    def fails(place):
        raise KeyError("missing")

    for given in (Items(fails), Own(fails)):
        with pytest.raises(ValueError, match=r"^The Dataset given as 'anchor' fails at item 0: 'missing'$") as refusal:
            taken(given, "anchor")
        assert isinstance(refusal.value.__cause__, KeyError)


def test_the_parameter_is_named():
    with pytest.raises(
        TypeError,
        match=r"^Expected 'anchor' to be an array, .* Got a dict: put a drlim.Table\(\) before the map, or make",
    ):
        taken({"a": 1}, "anchor")


def test_plain_reads_tensors_alone():
    assert plain(torch.ones(2, requires_grad=True), "y").tolist() == [1.0, 1.0]
    assert plain(given := ["a"], "y") is given
