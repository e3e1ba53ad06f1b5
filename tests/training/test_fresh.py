from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from drlim._base.torch import Rows
from drlim.training.fresh import FreshCopies

CPU = torch.device("cpu")
X = np.arange(12, dtype=np.float32).reshape(6, 2)


def noise(batch, generator):
    return batch + generator.normal(size=batch.shape).astype(np.float32)


def rows_of(orbit, seed=0):
    return Rows(FreshCopies(X, orbit, seed), CPU, torch.float32)


def test_the_first_half_are_the_samples_and_the_second_their_copies():
    rows = rows_of(lambda batch: -batch)
    assert len(rows) == 12
    assert rows.n_copies == 2
    assert rows.take(np.array([1, 7, 11])).tolist() == [[2.0, 3.0], [-2.0, -3.0], [-10.0, -11.0]]
    assert rows.take(slice(5, 7)).tolist() == [[10.0, 11.0], [-0.0, -1.0]]
    np.testing.assert_array_equal(X, np.arange(12, dtype=np.float32).reshape(6, 2))


def test_a_function_that_works_in_place_leaves_the_samples():
    def negate(batch):
        batch *= -1
        return batch

    rows_of(negate).take(slice(None))
    assert X[1].tolist() == [2.0, 3.0]


def test_copies_are_fresh_and_follow_the_seed():
    first, again, other = rows_of(noise), rows_of(noise), rows_of(noise, seed=1)
    index = np.arange(6, 12)
    once, twice = first.take(index), first.take(index)
    assert not torch.equal(once, twice)
    assert torch.equal(once, again.take(index))
    assert torch.equal(twice, again.take(index))
    assert not torch.equal(once, other.take(index))


def test_drawn_copies_stay(monkeypatch):
    monkeypatch.setattr("drlim.training.fresh._DRAWN_AT_ONCE", 4)
    drawn = rows_of(noise).drawn()
    assert len(drawn) == 12
    assert torch.equal(drawn.take(slice(None)), drawn.take(np.arange(12)))
    assert torch.equal(drawn.take(slice(0, 6)), torch.from_numpy(X))
    assert not torch.equal(drawn.take(slice(6, 12)), torch.from_numpy(X))


@pytest.mark.parametrize(
    ("orbit", "sentence"),
    [
        (lambda batch: batch[:, :1], "Expected transform 'orbit' to keep the shape (2, 2) of a batch. Got (2, 1)."),
        (lambda batch: batch / 0 if batch.any() else batch, "to return finite values. Got NaN or infinity."),
        (lambda batch: batch.astype(complex), "Got complex128: convert X first."),
    ],
)
def test_what_a_function_returns_is_checked(orbit, sentence):
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=re.escape(sentence)):
        rows_of(orbit).take(np.array([6, 7]))


def test_a_function_without_a_signature_is_given_the_batch_alone():
    assert rows_of(np.negative).take(np.array([6])).tolist() == [[-0.0, -1.0]]
