"""Files of relations on the command line: described, and trained on."""

from __future__ import annotations

import numpy as np
import pytest

from drlim import load, pairs
from drlim._base.disk import atomic_write

TOML = """
same = {groups = "kind"}
near = {knn = 2}
use = "same | near"
"""
QUICK = ["--method", "drlim", "--encoder", "linear", "--max-epochs", "2", "--model", "m.safetensors"]


@pytest.fixture
def written(folder):
    (folder / "relations.toml").write_text(TOML)
    return folder


def test_a_file_is_described_before_training(run, printed, written):
    code, out, err = run("relations", "x.csv", "relations.toml")
    assert (code, err) == (0, "")
    assert out.startswith("same: 18 similar pairs, 48 dissimilar, 0 ignored\nnear: ")
    assert "\nsame | near:\n  samples                12\n" in out
    result = printed("relations", "x.csv", "relations.toml")
    assert result["relations"]["same"]["similar"] == 18
    assert result["joined"]["samples"] == 12


def test_samples_are_not_read_where_none_are_measured(printed, written):
    (written / "words.csv").write_text("kind,word\na,x\nb,y\na,z\n")
    (written / "relations.toml").write_text('same = {groups = "kind"}')
    assert printed("relations", "words.csv", "relations.toml")["joined"]["similar"] == 1


def test_a_fit_leaves_out_the_columns_that_relate(run, written):
    assert run("fit", "x.csv", "--relations", "relations.toml", *QUICK)[0] == 0
    model = load("m.safetensors")
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    assert model.graph_.n_similar >= 18


def test_arrays_of_an_archive_are_columns(run, written):
    np.savez("x.npz", X=np.load("x.npy"), kind=np.arange(12) // 3)
    assert run("fit", "x.npz", "--array", "X", "--relations", "relations.toml", *QUICK)[0] == 0
    assert load("m.safetensors").graph_.n_similar >= 12


def test_folders_and_files_are_columns_of_images(run, printed, written):
    from PIL import Image

    for name in ("a/0.png", "a/1.png", "b/0.png", "2.png"):
        path = written / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (8, 8), dtype=np.uint8)).save(path)
    (written / "relations.toml").write_text(
        'same = {groups = "folder"}\none = {pairs=[["2.png", "b/0.png"]], ids="file"}\nuse = "same | one"'
    )
    assert printed("relations", "images", "relations.toml")["joined"]["similar"] == 2
    assert run("fit", "images", "--relations", "relations.toml", *QUICK)[0] == 0
    assert load("m.safetensors").graph_ == pairs(4, similar=[(1, 2), (0, 3)])


def test_an_array_without_columns(run, written):
    (written / "relations.toml").write_text("near = {knn = 2}")
    assert run("relations", "x.npy", "relations.toml")[0] == 0
    assert run("fit", "x.npy", "--relations", "relations.toml", *QUICK)[0] == 0


def test_refusals(run, written):
    code, _, err = run("fit", "x.csv", "--relations", "relations.toml", "--graph", "pairs.csv", *QUICK)
    assert (code, "give one of them" in err) == (2, True)
    atomic_write("relations.toml", b'same = {groups = "knd"}')
    code, _, err = run("relations", "x.csv", "relations.toml")
    assert code == 1
    assert err == (
        "drlim: error: relations.toml: same: 'groups' names a column that the data do not have. Got 'knd': did you "
        "mean 'kind'?\n"
    )
