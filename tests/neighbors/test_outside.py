"""Neighbours of points outside memory are those of the same points in an array."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.stored import Spy

from drlim import knn_graph
from drlim._base import row_sources
from drlim._base.row_sources import Mapped
from drlim._base.stored_rows import StoredRows
from drlim.neighbors import cells, outside
from drlim.neighbors.builders import knn_indices
from drlim.neighbors.exact import nearest
from drlim.neighbors.outside import nearest_outside


def stored(X):
    return StoredRows(Mapped(X))


@given(n=st.integers(12, 60), k=st.integers(1, 5), whole=st.booleans(), block=st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_exact_search_in_blocks_finds_what_the_search_in_memory_finds(n, k, whole, block):
    X = np.random.default_rng([n, k]).normal(size=(n, 9)) + 1e6
    X = np.round(X) if whole else X  # ties, and identical points
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outside, "_ROWS", block)
        patch.setattr(outside, "_COLUMNS", 7)
        indices, squares = nearest_outside(stored(X), k)
    expected = nearest(X, k)
    assert (indices == expected[0]).all()
    assert squares.tobytes() == expected[1].tobytes()


@pytest.mark.parametrize("algorithm", ["exact", "cells", "index"])
@pytest.mark.parametrize(("metric", "d"), [("euclidean", 12), ("cosine", 12), ("euclidean", 3), ("euclidean", 120)])
def test_neighbours_of_a_source_are_those_of_its_array(algorithm, metric, d, monkeypatch):
    monkeypatch.setattr(row_sources, "_WHOLE_BYTES", -1)
    monkeypatch.setattr(row_sources, "_MOST_ROWS", 100)
    monkeypatch.setattr(cells, "_CELL_ROWS", 30)
    X = np.random.default_rng(0).normal(size=(700, d)) + 3
    X[50] = X[3]
    spy = Spy(X)
    found = knn_indices(spy, 4, metric, algorithm=algorithm)
    expected = knn_indices(X, 4, metric, algorithm=algorithm)
    assert (found[0] == expected[0]).all()
    assert found[1].tobytes() == expected[1].tobytes()
    assert knn_graph(spy, 4, metric, algorithm=algorithm) == knn_graph(X, 4, metric, algorithm=algorithm)
    assert spy.most <= 100


@pytest.mark.parametrize(
    ("row", "value", "metric", "message"),
    [
        (555, np.nan, "euclidean", "'X' has NaN in row 555, column 2"),
        (555, 1e200, "euclidean", "Got 1e+200 in row 555, column 2."),
        (555, 0.0, "cosine", "Row 555 is all zeros"),
    ],
)
def test_rows_that_cannot_be_used_are_named(row, value, metric, message, monkeypatch):
    monkeypatch.setattr(row_sources, "_WHOLE_BYTES", -1)
    monkeypatch.setattr(StoredRows.blocks, "__defaults__", (100,))
    X = np.ones((700, 3))
    X[row] = [0, 0, value]
    with pytest.raises(ValueError, match=re.escape(message)):
        knn_indices(Spy(X), 2, metric)
