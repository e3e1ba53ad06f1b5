"""The data sets that ship: what they contain, how they are split, and a damaged file."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import drlim
from drlim.datasets import digits, digits49, images, shipped

DATA = Path(drlim.__file__).parent / "data"


def test_digits49_holds_what_the_paper_uses():
    data = digits49()
    for X, y, counts in [(data.X_train, data.y_train, (3000, 3000)), (data.X_test, data.y_test, (982, 1009))]:
        assert X.shape == (sum(counts), 28, 28)
        assert X.dtype == np.float32
        assert (X.min(), X.max()) == (0.0, 1.0)
        assert y.dtype == np.int64
        assert ((y == 4).sum(), (y == 9).sum()) == counts
    flat = np.concatenate([data.X_train, data.X_test]).reshape(-1, 784)
    assert len(np.unique(flat, axis=0)) == 7991  # no image twice, and none in both parts
    assert 0.4 < (data.y_train[:1000] == 4).mean() < 0.6  # classes are mixed


@pytest.mark.parametrize("name", ["digits49.npz", "turntable.npz"])
def test_shipped_file_is_the_one_that_its_notice_names(name):
    found = hashlib.sha256((DATA / name).read_bytes()).hexdigest()
    assert found in (DATA / "NOTICE.md").read_text(encoding="utf-8")


def test_each_call_gives_arrays_of_its_own():
    digits49().X_train[:] = 7
    assert digits49().X_train.max() == 1


@pytest.mark.parametrize("content", [None, b"", b"no zip", "half"])
def test_damaged_package_file(monkeypatch, tmp_path, content):
    original = (DATA / "digits49.npz").read_bytes()
    (tmp_path / "data").mkdir()
    if content is not None:
        damaged = original[: len(original) // 2] if content == "half" else content
        (tmp_path / "data" / "digits49.npz").write_bytes(damaged)
    monkeypatch.setattr(shipped.resources, "files", lambda _: tmp_path)
    with pytest.raises(ValueError, match=re.escape("The package's data file digits49.npz is missing or damaged (")):
        digits49()


def test_digits_are_those_of_scikit_learn_split_without_loss():
    data, source = digits(), load_digits()
    assert (data.X_train.shape, data.X_test.shape) == ((1300, 8, 8), (497, 8, 8))
    X = np.concatenate([data.X_train, data.X_test])
    y = np.concatenate([data.y_train, data.y_test])
    found = np.column_stack([X.reshape(len(X), -1) * 16, y])
    expected = np.column_stack([source.data, source.target])
    order, expected_order = np.lexsort(found.T), np.lexsort(expected.T)
    np.testing.assert_array_equal(found[order], expected[expected_order])
    assert X.dtype == np.float32
    assert set(data.y_test) == set(range(10))
    np.testing.assert_array_equal(data.X_test, digits().X_test)


def test_split_by_hand():
    # PCG64's raw stream is fixed for ever; these rows must never change, or published numbers do.
    train, test = images.split(10, 4)
    assert sorted([*train, *test]) == list(range(10))
    assert test.tolist() == [2, 3, 4, 6]


def test_repr_is_short():
    assert repr(digits()) == "LabelledImages(X_train (1300, 8, 8), X_test (497, 8, 8))"


def test_neither_torch_nor_scikit_learns_data_is_imported():
    code = "import sys, drlim.datasets; print([m for m in ('torch', 'sklearn.datasets') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
