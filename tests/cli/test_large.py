"""Large files on the command line: an `.npy` is mapped into memory, and an `.npz` may hold sparse rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from drlim import DrLIM, load

pytestmark = pytest.mark.usefixtures("folder")

QUICK = ["--model", "m.safetensors", "--max-epochs", "2", "--seed", "0"]
X = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)


def test_an_array_is_mapped_and_never_read_as_a_whole(run, monkeypatch):
    np.save("big.npy", X)
    given = []
    fit, transform, novelty = DrLIM.fit, DrLIM.transform, DrLIM.novelty
    monkeypatch.setattr(DrLIM, "fit", lambda self, X, *a, **k: given.append(X) or fit(self, X, *a, **k))
    monkeypatch.setattr(DrLIM, "transform", lambda self, X: given.append(X) or transform(self, X))
    monkeypatch.setattr(DrLIM, "novelty", lambda self, X: given.append(X) or novelty(self, X))
    assert run("fit", "big.npy", *QUICK, "--method", "drlim")[0] == 0
    assert run("transform", "m.safetensors", "big.npy", "--output", "Z.npy", "--novelty", "novelty.npy")[0] == 0
    assert [type(one) for one in given] == [np.memmap] * 3
    assert (np.load("Z.npy") == load("m.safetensors").embedding_).all()


@pytest.mark.parametrize("method", ["neighbors", "drlim"])
def test_sparse_rows_are_fitted_and_mapped(run, method):
    counts = sparse.random_array((60, 30), density=0.2, rng=np.random.default_rng(0), format="csc")
    sparse.save_npz("counts.npz", counts)
    assert run("fit", "counts.npz", *QUICK, "--method", method)[0] == 0
    assert run("transform", "m.safetensors", "counts.npz", "--output", "Z.npy")[0] == 0
    assert load("m.safetensors").n_features_in_ == 30
    assert (np.load("Z.npy") == load("m.safetensors").transform(counts)).all()


def test_arrays_by_name_are_no_sparse_matrix(run):
    np.savez("arrays.npz", data=X)
    assert run("fit", "arrays.npz", *QUICK)[0] == 0
    assert load("m.safetensors").n_features_in_ == 5
