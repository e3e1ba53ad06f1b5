"""Certificates in model files: written, read back, refused, and left out where the model was trained further."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from safetensors import torch as safetensors_torch
from sklearn.pipeline import make_pipeline

from drlim import DrLIM, ModelFileError, NeighborMap, Table, certificate, load, runtime, save
from drlim._base.sealed import KEY, metadata_text, read_sealed, sealed
from drlim.persistence import read_summary
from drlim.transforms import shift

X = np.random.default_rng(0).normal(size=(60, 3))
IDS = np.arange(60) // 2
HELD_OUT = np.repeat(np.random.default_rng(1).normal(size=(30, 3)), 2, axis=0) + 0.01 * X
FEW = {"n_permutations": 19, "n_bootstrap": 100}


def fitted(kind):
    if kind == "DrLIM":
        return DrLIM(encoder="linear", max_epochs=1, random_state=0).fit(X)
    if kind == "NeighborMap":
        return NeighborMap(max_epochs=1, random_state=0).fit(X)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    return make_pipeline(Table(), DrLIM(encoder="linear", max_epochs=1, random_state=0)).fit(frame)


def certified(model):
    samples = pd.DataFrame(HELD_OUT, columns=["a", "b", "c"]) if hasattr(model, "steps") else HELD_OUT
    return certificate(model, samples, IDS, **FEW)


@pytest.mark.parametrize("kind", ["DrLIM", "NeighborMap", "pipeline"])
def test_a_certificate_comes_back_and_is_kept(tmp_path, kind):
    model = fitted(kind)
    save(model, tmp_path / "without")
    made = certified(model)
    save(model, tmp_path / "with", certificate=made)
    again = load(tmp_path / "with")
    assert again.certificate_ == made
    save(again, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "with").read_bytes()
    assert not hasattr(load(tmp_path / "without"), "certificate_")
    summary = read_summary(tmp_path / "with")
    assert summary["certificate"] == made.to_dict()
    assert summary["format_version"] == 6
    assert "certificate" not in read_summary(tmp_path / "without")


@pytest.mark.parametrize("kind", ["DrLIM", "NeighborMap"])
def test_numpy_alone_reads_a_file_with_a_certificate(tmp_path, kind):
    model = fitted(kind)
    save(model, tmp_path / "with", certificate=certified(model))
    np.testing.assert_allclose(runtime.load(tmp_path / "with").transform(X), model.transform(X), atol=1e-5)


def test_one_of_another_encoder_is_refused_and_not_kept(tmp_path):
    model = fitted("DrLIM")
    made = certified(model)
    model.partial_fit(X)
    with pytest.raises(ValueError, match="'certificate' to be of the model that is saved"):
        save(model, tmp_path / "model", certificate=made)
    assert not (tmp_path / "model").exists()
    model = fitted("DrLIM")
    save(model, tmp_path / "model", certificate=made)
    loaded = load(tmp_path / "model")
    loaded.partial_fit(X)
    save(loaded, tmp_path / "later")
    assert not hasattr(load(tmp_path / "later"), "certificate_")


def test_a_loaded_model_is_certified_for_the_same_changes(tmp_path):
    images = np.random.default_rng(0).random((40, 6, 6))
    model = DrLIM(encoder="linear", max_epochs=1, random_state=0, orbit=shift(1)).fit(images)
    made = certificate(model, images[:30] + 0.01, **FEW)
    save(model, tmp_path / "model", certificate=made)
    assert certificate(load(tmp_path / "model"), images[:30] + 0.01, **FEW) == made


@pytest.mark.parametrize("given", ["invariant", {"verdict": "invariant"}])
def test_what_is_no_certificate_is_refused(tmp_path, given):
    with pytest.raises(TypeError, match="The 'certificate' parameter of save must be"):
        save(fitted("DrLIM"), tmp_path / "model", certificate=given)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda metadata: metadata.update(certified_format=6), "'certified_format'"),
        (lambda metadata: metadata.update(certified_format=0), "'certified_format'"),
        (lambda metadata: metadata.update(certified_format=True), "'certified_format'"),
        (lambda metadata: metadata.pop("certified_format"), "'certified_format'"),
        (lambda metadata: metadata.pop("certificate"), "the certificate has other keys"),
        (lambda metadata: metadata.update(certificate=[]), "the certificate has other keys"),
        (lambda metadata: metadata["certificate"].update(verdict="x"), "'verdict' of the certificate"),
        (lambda metadata: metadata["certificate"]["rows"][0].update(ratio=-1), "'ratio' of a row of the certificate"),
        (lambda metadata: metadata.update(format_version=4), "other keys"),
        (lambda metadata: metadata.update(certified_format=5), "other keys|'map_format'"),
    ],
)
def test_a_file_with_an_impossible_certificate_is_refused(tmp_path, change, text):
    model = fitted("DrLIM")
    save(model, tmp_path / "model", certificate=certified(model))
    file = read_sealed(tmp_path / "model")
    change(file.metadata)
    tensors = safetensors_torch.load(file.content)
    forged = sealed(safetensors_torch.save(tensors, {KEY: metadata_text(file.metadata)}))
    (tmp_path / "model").write_bytes(forged)
    for read in (load, read_summary):
        with pytest.raises(ModelFileError, match=text):
            read(tmp_path / "model")


def test_a_certificate_is_described_without_numpy(tmp_path):
    model = fitted("DrLIM")
    save(model, tmp_path / "m.safetensors", certificate=certified(model))
    script = (
        "import sys; from drlim.cli import main; main(['info', sys.argv[1]]); "
        "print([name for name in ('torch', 'sklearn', 'numpy') if name in sys.modules])"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "m.safetensors")]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.split("\n")
    assert "  certificate" in shown
    assert any("declared to ignore what differs between samples of one id" in line for line in shown)
    assert shown[-2] == "[]"
