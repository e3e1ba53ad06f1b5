"""Parts of messages: errors on one line, and the word that was meant."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from drlim._base.messages import did_you_mean, one_line, short_repr


class Plain:
    pass


class Mute:
    def __repr__(self):
        raise RuntimeError("no description")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (lambda x: x, "<function <lambda>>"),
        (len, "<built-in function len>"),
        (object(), "<object object>"),
        ((row for row in ()), "<generator object <genexpr>>"),
        ([object(), Plain()], "[<object object>, <tests._base.....Plain object>]"),
        (Mute(), "<Mute>"),
        ([Mute()], "[<Mute>]"),
        (10**400, "100000000000000000...0000000000000000000"),
        (np, "<module 'nump.../__init__.py'>"),
        (pl.DataFrame({"a": [1, 2]}), "a DataFrame of shape (2, 1)"),
        ("kept at 0x7f", "'kept at 0x7f'"),
    ],
)
def test_values_are_described_without_addresses_whatever_they_are(value, text):
    assert short_repr(value) == text


def test_integers_that_python_does_not_write():
    assert short_repr(10**5000) == "an integer of 5000 digits"
    assert short_repr([-(10**5000)]) == "[an integer of 5000 digits]"


@pytest.mark.parametrize(
    ("error", "longest", "text"),
    [
        (ValueError(" a\n  b\tc "), 200, "a b c"),
        (ValueError("x" * 300), 200, "x" * 200),
        (ValueError("x" * 300), 20, "x" * 20),
        (ZeroDivisionError(), 200, "ZeroDivisionError"),
        (KeyError("name"), 200, "'name'"),
        ("a\n b", 200, "a b"),
        (TypeError(f"no {object()!r}, no"), 200, "no <object object>, no"),
        ("", 200, ""),
    ],
)
def test_one_line(error, longest, text):
    assert one_line(error, longest) == text


def test_did_you_mean():
    assert did_you_mean("lineal", ["mlp", "linear", "liner"], "Choose.") == "Did you mean 'linear'?"
    assert did_you_mean("lineal", iter(["linear"]), capital=False) == "did you mean 'linear'?"
    assert did_you_mean("resnet", ["mlp", "linear"], "Choose.") == "Choose."
    assert did_you_mean("resnet", []) == ""
