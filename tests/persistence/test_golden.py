"""A model's file that an earlier version wrote, in format 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from drlim import load, save
from drlim.persistence import read_summary

GOLDEN = Path(__file__).parents[1] / "golden"
MODEL = GOLDEN / "model_format1.safetensors"
"""A model of 12 samples of 3 values, with similar, dissimilar and ignored pairs."""


def test_it_maps_samples_as_it_did():
    with np.load(GOLDEN / "expected.npz") as expected:
        X, Z = expected["X"], expected["Z"]
    model = load(MODEL)
    assert model.embedding_.dtype == Z.dtype
    assert np.array_equal(model.embedding_, Z)
    np.testing.assert_allclose(model.transform(X), Z, rtol=0, atol=1e-6)  # other processors round otherwise


def test_it_is_written_again_byte_for_byte(tmp_path, monkeypatch):
    # Nothing is left out: the file names the version that wrote it, which therefore is set.
    monkeypatch.setattr("drlim.__version__", read_summary(MODEL)["drlim_version"])
    save(load(MODEL), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == MODEL.read_bytes()
