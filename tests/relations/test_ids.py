"""Ids of samples: of many types, as a renaming of indices, refusals."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import refuses, relabelled

import drlim.relations.ids
from drlim.relations import pairs

quick = settings(max_examples=60, deadline=None)

NAMES = ["ann", "bob", "cat", "dan"]
NAMED_PAIRS = [("cat", "ann"), ("dan", "bob")]


@pytest.mark.parametrize(
    ("ids", "similar"),
    [
        (NAMES, NAMED_PAIRS),
        (tuple(NAMES), (["cat", "ann"], {"dan", "bob"})),
        (np.array(NAMES), np.array(NAMED_PAIRS)),
        (pd.Series(NAMES, index=[7, 7, 8, 9]), pd.DataFrame(NAMED_PAIRS)),
        (pl.Series(NAMES), pl.DataFrame(NAMED_PAIRS, orient="row")),
        (pd.Index(NAMES), zip(["cat", "dan"], ["ann", "bob"], strict=True)),
        ([10, 30, 20, 40], np.array([[20, 10], [40, 30]])),
        (np.array([10, 30, 20, 40]), [(20.0, 10), (np.int8(40), 30)]),
        (np.array([10, 30, 20, 40], dtype=np.int16), np.array([[20, 10], [40, 30]], dtype=np.uint8)),
        (pd.Series([10, 30, 20, 40]), pd.DataFrame([[20, 10], [40, 30]])),
        ([("s", 1), ("s", 2), frozenset({3}), 4.5], [(frozenset({3}), ("s", 1)), (4.5, ("s", 2))]),
        ([1, "1", 2, "2"], [(2, 1), ("2", "1")]),
    ],
    ids=[
        "list",
        "tuple",
        "array",
        "pandas",
        "polars",
        "zip",
        "integers",
        "mixed numbers",
        "arrays",
        "frames",
        "hashable",
        "types kept",
    ],
)
def test_pairs_by_id(ids, similar):
    assert pairs(ids=ids, similar=similar) == pairs(4, similar=[(0, 2), (1, 3)])


def test_ids_serve_all_three_states():
    graph = pairs(4, ids=NAMES, similar=[("ann", "bob")], dissimilar=[("ann", "cat")], ignored=[("dan", "cat")])
    assert graph == pairs(4, similar=[(0, 1)], dissimilar=[(0, 2)], ignored=[(2, 3)])
    empty = pairs(ids=NAMES, similar=[], dissimilar=np.empty((0, 2)))
    assert (empty.n_similar, empty.n_dissimilar, empty.n_ignored) == (0, 0, 6)


def test_ids_of_an_array_longer_than_a_chunk(monkeypatch):
    monkeypatch.setattr(drlim.relations.ids, "_CHUNK", 3)
    chain = np.column_stack([np.arange(10), np.arange(1, 11)]) * 5
    assert pairs(ids=range(0, 55, 5), similar=chain) == pairs(11, similar=chain // 5)


@quick
@given(st.data())
def test_ids_only_rename(data):
    n = data.draw(st.integers(2, 8))
    everything = list(combinations(range(n), 2))
    states = data.draw(st.lists(st.sampled_from([0, 1, 2, 3]), min_size=len(everything), max_size=len(everything)))
    similar, dissimilar, ignored = ([p for p, s in zip(everything, states, strict=True) if s == k] for k in range(3))
    order = data.draw(st.permutations(range(n)))
    plain = pairs(n, similar=similar, dissimilar=dissimilar, ignored=ignored)
    named = pairs(ids=list(order), similar=similar, dissimilar=dissimilar, ignored=ignored)
    assert named == relabelled(plain, order)


@pytest.mark.parametrize(
    ("message", "error", "arguments"),
    [
        (
            "Expected 'ids' to name 3 samples, as 'n_samples' says. Got 4 ids.",
            ValueError,
            {"n_samples": 3, "ids": NAMES},
        ),
        (
            "Expected 'ids' to name each sample once. Got 'b' at rows 1 and 3; 2 rows repeat an id.",
            ValueError,
            {"ids": ["a", "b", "c", "b", "b"]},
        ),
        ("Expected 'ids' to name each sample. Got None at row 1.", ValueError, {"ids": ["a", None]}),
        ("Expected 'ids' to name each sample. Got nan at row 0.", ValueError, {"ids": [np.nan, "a"]}),
        ("Expected 'ids' to name each sample. Got <NA> at row 1.", ValueError, {"ids": ["a", pd.NA]}),
        ("Expected 'ids' to name at least one sample. Got none.", ValueError, {"ids": []}),
        ("Expected 'ids' to be one hashable id for each sample. Got 'abc'.", TypeError, {"ids": "abc"}),
        ("Expected 'ids' to be one hashable id for each sample. Got 5.", TypeError, {"ids": 5}),
        ("Expected 'ids' to be one hashable id for each sample. Got {1}.", TypeError, {"ids": {1}}),
        (
            "Expected 'ids' to be one hashable id for each sample. Got an array of shape (2, 2) and dtype int64.",
            TypeError,
            {"ids": np.eye(2, dtype=np.int64)},
        ),
        ("Expected 'ids' to be one hashable id for each sample (", TypeError, {"ids": [["a"], ["b"]]}),
        (
            "Expected 'similar' to pair sample ids. Got 'eve' at row 1, which is not one of 'ids' (such as 'ann').",
            ValueError,
            {"ids": NAMES, "similar": [("ann", "bob"), ("cat", "eve")]},
        ),
        (
            "Expected 'dissimilar' to pair sample ids. Got '2' at row 0, which is not one of 'ids' (such as 1).",
            ValueError,
            {"ids": [1, 2], "dissimilar": np.array([["2", "1"]])},
        ),
        *(
            (f"Expected 'similar' to pair sample ids. Got {unknown} at row 1, which", ValueError, arguments)
            for unknown in (1, 5, 99)
            for arguments in [{"ids": np.array([6, 3, 7]), "similar": np.array([[3, 7], [7, unknown]])}]
        ),
        (
            "Expected 'similar' to be pairs of sample ids, shape (n_pairs, 2). Got (2, 3).",
            ValueError,
            {"ids": np.arange(4), "similar": np.ones((2, 3), dtype=np.int64)},
        ),
        (
            "Expected 'similar' to be pairs of sample ids, shape (n_pairs, 2). Got (1, 3).",
            ValueError,
            {"ids": NAMES, "similar": np.array([["ann", "bob", "cat"]])},
        ),
        (
            "Expected 'similar' to be pairs of sample ids, shape (n_pairs, 2). Got (2,).",
            ValueError,
            {"ids": NAMES, "similar": np.array(["ann", "bob"])},
        ),
        (
            "Expected 'ignored' to be pairs of sample ids. Got ('ann', 'bob', 'cat') at row 1.",
            ValueError,
            {"ids": NAMES, "ignored": [("ann", "bob"), ("ann", "bob", "cat")]},
        ),
        (
            "Expected 'similar' to be pairs of sample ids. Got 'ab' at row 0.",
            ValueError,
            {"ids": ["a", "b"], "similar": ["ab"]},
        ),
        (
            "Expected 'similar' to be pairs of sample ids. Got 1 at row 0.",
            ValueError,
            {"ids": [1, 2], "similar": [1, 2]},
        ),
        (
            "Expected 'similar' to be pairs of sample ids of shape (n_pairs, 2) (",
            TypeError,
            {"ids": NAMES, "similar": 7},
        ),
        (
            "Expected 'similar' to be pairs of sample ids of shape (n_pairs, 2) (",
            TypeError,
            {"ids": NAMES, "similar": [(["ann"], "bob")]},
        ),
        (
            "Expected 'similar' to pair distinct samples. Got [2, 2] at row 0",
            ValueError,
            {"ids": NAMES, "similar": [("cat", "cat")]},
        ),
        (
            "1 pair is both 'similar' and 'dissimilar', first [0, 1]: give each pair one state.",
            ValueError,
            {"ids": NAMES, "similar": [("ann", "bob")], "dissimilar": [("bob", "ann")]},
        ),
    ],
)
def test_pairs_of_ids_refuses(message, error, arguments):
    refuses(message, pairs, error=error, **{"similar": [], **arguments})
