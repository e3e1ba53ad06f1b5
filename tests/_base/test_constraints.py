"""Kinds of value that a parameter accepts: what each accepts, and its words in a message."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from drlim._base.checks import InvalidParameterError, check_parameters
from drlim._base.constraints import StrOptions, as_constraint, has_methods, integer_in, joined_words, real_in


class Both:
    def fit(self): ...

    def transform(self): ...


class One:
    fit = 3

    def transform(self): ...


@pytest.mark.parametrize(
    ("accepted", "inside", "outside", "words"),
    [
        (None, [None], [0, False, "None"], "None"),
        (callable, [len, int, Both], [0, "len"], "a callable"),
        (str, ["", np.str_("a")], [b"a", 1], "an instance of 'str'"),
        (os.PathLike, [Path("a")], ["a"], "an instance of 'os.PathLike'"),
        (torch.device, [torch.device("cpu")], ["cpu"], "an instance of 'torch.device'"),
        ("boolean", [True, np.False_], [1, None], "an instance of 'bool' or an instance of 'numpy.bool"),
        (
            "verbose",
            [True, np.True_, 0, 3],
            [-1, 0.5, None],
            "an int in the range [0, inf), an instance of 'bool' or an",
        ),
        (
            "random_state",
            [None, 0, 2**32 - 1, np.random.RandomState(0)],
            [-1, 2**32, np.random.default_rng(0), 0.5],
            "an int in the range [0, 4294967295], an instance of 'numpy.random.mtrand.RandomState' or None",
        ),
        (has_methods("fit"), [Both()], [One(), None], "an object implementing 'fit'"),
        (has_methods("fit", "transform"), [Both(), Both], [One()], "an object implementing 'fit' and 'transform'"),
        (real_in(0.0, closed="both"), [0, np.inf], [np.nan, -1e-300], "a float in the range [0.0, inf]"),
        (real_in(0, 1, closed="right"), [1, 0.5], [0, 1.5], "a float in the range (0.0, 1.0]"),
        (real_in(-np.inf, np.inf), [-1e300], [np.inf, -np.inf], "a float in the range (-inf, inf)"),
        (integer_in(-2, 2), [-2, 2], [-3, 3], "an int in the range [-2, 2]"),
        (StrOptions({"b", "a"}), ["a", np.str_("b")], ["c", None, b"a"], "a str among {'a', 'b'}"),
    ],
)
def test_kinds(accepted, inside, outside, words):
    constraint = as_constraint(accepted)
    assert all(constraint.accepts(value) for value in inside)
    assert not any(constraint.accepts(value) for value in outside)
    assert str(constraint).startswith(words)


def test_no_bound_below_the_other():
    with pytest.raises(ValueError, match=r"right can't be less than left\. Got left=1 and right=0"):
        integer_in(1, 0)


def test_unknown_kinds_are_refused():
    with pytest.raises(ValueError, match="Unknown constraint type: array-like"):
        as_constraint("array-like")


@pytest.mark.parametrize("value", [Fraction(1, 2), 10**400, -(10**400), True, np.True_])
def test_numbers_that_floats_cannot_hold_and_truth_values_are_refused(value):
    with pytest.raises(InvalidParameterError, match="must be a float in the range"):
        check_parameters({"p": value}, {"p": [real_in(-1.0, 2.0)]}, "f")


@pytest.mark.parametrize(("words", "text"), [(["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")])
def test_joined_words(words, text):
    assert joined_words(words, "or") == text
