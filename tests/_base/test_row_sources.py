"""What rows are read from: by slices, a bounded number at a time, and the same rows as those of an array."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from tests.stored import STORES, Images, Spy

from drlim._base import row_sources
from drlim._base.forms import stored, taken
from drlim._base.row_sources import row_source
from drlim._base.stored_rows import StoredRows

ROWS = np.arange(120.0).reshape(40, 3).astype(np.float32)


@pytest.fixture(autouse=True)
def large(monkeypatch):
    """Take every source for too large to be read into memory."""
    monkeypatch.setattr(row_sources, "_WHOLE_BYTES", -1)


@pytest.mark.parametrize("store", STORES.values(), ids=STORES.keys())
def test_stores_give_the_rows_of_an_array(store, tmp_path):
    rows = StoredRows(stored(store(ROWS, tmp_path)).reader)
    assert rows.shape == (40, 3)
    assert rows.dtype == np.float32
    none = np.array([], dtype=np.int64)
    for index in (slice(3, 9), slice(None, None, 7), slice(5, 5), np.array([8, 2, 2, 39]), none):
        np.testing.assert_array_equal(rows[index], ROWS[index])
    np.testing.assert_array_equal(np.asarray(rows), ROWS)


@given(
    n=st.integers(1, 300),
    wanted=st.lists(st.integers(0, 10**6), max_size=40),
    most=st.integers(1, 50),
    gap=st.integers(1, 80),
)
@settings(max_examples=150, deadline=None)
def test_any_rows_are_read_in_runs_of_bounded_length(n, wanted, most, gap):
    X = np.random.default_rng(n).normal(size=(n, 2))
    spy = Spy(X)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_sources, "_MOST_ROWS", most)
        patch.setattr(row_sources, "_GAP", gap)
        reader = row_source(spy, "X").reader
        index = np.array(wanted, dtype=np.int64) % n
        np.testing.assert_array_equal(reader.read(index), X[index])
        np.testing.assert_array_equal(reader.read(slice(0, n, 1)), X)
    assert spy.most <= most


def test_rows_between_are_read_where_many_are_wanted_near_each_other():
    spy = Spy(np.zeros((5000, 2)))
    reader = row_source(spy, "X").reader
    spy.n_reads = 0
    reader.read(np.arange(0, 4000, 5))
    assert spy.n_reads == 1
    reader.read(np.array([0, 2000, 4500]))
    assert spy.n_reads == 4


def test_wide_rows_are_read_a_few_at_a_time():
    spy = Spy(np.zeros((64, 2**16), dtype=np.uint8))
    row_source(spy, "X").reader.read(slice(0, 64, 1))
    assert spy.most == 16


@pytest.mark.parametrize(
    "in_memory",
    [
        ROWS,
        ROWS.tolist(),
        torch.from_numpy(ROWS),
        pd.DataFrame(ROWS),
        pl.DataFrame(ROWS),
        sparse.csr_array(ROWS),
        np.ma.masked_array(ROWS),
        np.zeros(3),
    ],
    ids=lambda given: type(given).__name__,
)
def test_what_is_in_memory_stays_there(in_memory):
    assert stored(in_memory) is None


def test_small_sources_that_are_slow_to_pick_rows_from_are_read_into_memory(monkeypatch, tmp_path):
    monkeypatch.setattr(row_sources, "_WHOLE_BYTES", ROWS.nbytes)
    for name, store in STORES.items():
        given = store(ROWS, tmp_path)
        assert (stored(given) is None) == (name != "memory map")
        np.testing.assert_array_equal(np.asarray(taken(given).values), ROWS)
    monkeypatch.setattr(row_sources, "_WHOLE_BYTES", ROWS.nbytes - 1)
    assert stored(Spy(ROWS)) is not None


def test_functions_that_need_all_rows_read_them_a_batch_at_a_time(monkeypatch):
    monkeypatch.setattr(row_sources, "_MOST_ROWS", 7)
    spy = Spy(ROWS)
    np.testing.assert_array_equal(taken(spy).values, ROWS)
    assert spy.most == 7


def test_columns_of_arrow_keep_their_common_type():
    table = pa.table({"a": pa.array([1, 2], pa.int8()), "b": pa.array([0.5, 1.5], pa.float32()), "c": [True, False]})
    source = stored(table)
    assert source.names == ["a", "b", "c"]
    assert source.reader.dtype == np.float32
    np.testing.assert_array_equal(source.reader.read(np.array([1, 0])), [[2, 1.5, 0], [1, 0.5, 1]])
    assert stored(pa.table({"a": ["x"], "b": ["y"]})) is None


def test_the_values_of_an_anndata_that_lie_in_a_file(tmp_path):
    class AnnData:
        __module__ = "anndata._core.anndata"

        def __init__(self, X):
            self.X, self.var_names, self.shape = X, ["g1", "g2", "g3"], X.shape

        def __len__(self):
            return len(self.X)

    source = stored(AnnData(STORES["h5py"](ROWS, tmp_path)))
    assert source.names == ["g1", "g2", "g3"]
    np.testing.assert_array_equal(source.reader.read(slice(0, 40, 1)), ROWS)


class Changing(Spy):
    """Rows that are others from row 20 on."""

    def __init__(self, change):
        super().__init__(ROWS)
        self.change = change

    def __getitem__(self, rows):
        read = super().__getitem__(rows)
        return read if rows.start < 20 else self.change(read)


def gone(read):
    raise OSError("the disk is gone")


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (
            lambda read: read[:, :2],
            ValueError,
            "Expected 'X' to give rows of one shape, (3,) each. Rows 20 to 29",
        ),
        (lambda read: read[1:], ValueError, "Rows 20 to 29 have the shape (9, 3)."),
        (
            lambda read: read * 1j,
            TypeError,
            "Expected 'X' to give rows of one type, float32. Rows 20 to 29",
        ),
        (lambda read: read.astype(str), TypeError, "Rows 20 to 29 are of type <U32."),
        (gone, ValueError, "fails: the disk is gone"),
    ],
)
def test_sources_that_change_are_refused(change, kind, message):
    reader = row_source(Changing(change), "X").reader
    with pytest.raises(kind, match=re.escape(message)):
        reader.read(slice(20, 30, 1))


def test_items_of_a_dataset_that_change_or_fail_are_named():
    class Ragged(Images):
        def __getitem__(self, place):
            return self.X[place][: 2 if place == 30 else 3]

    class Failing(Images):
        def __getitem__(self, place):
            return self.X[place] if place != 30 else 1 / 0

    ragged = "of different shapes, (3,) and then (2,) at place 30"
    for dataset, message in ((Ragged, ragged), (Failing, "fails at item 30")):
        with pytest.raises(ValueError, match=re.escape(message)):
            stored(dataset(ROWS)).reader.read(slice(0, 40, 1))
