"""The commands: what they print and write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tests.cli.commands import QUICK, fitted

import drlim
from drlim import DrLIM
from drlim.cli.files import read_samples

RANDOM = np.random.default_rng(0)

pytestmark = pytest.mark.usefixtures("folder")


def test_fit_is_the_estimators_fit(run):
    fitted(run, "--seed", "3", "--margin", "2", "--n-components", "3", "--embedding", "z.npy")
    X = pd.read_csv("x.csv").drop(columns="kind")
    wanted = DrLIM(3, encoder="linear", max_epochs=2, n_neighbors=2, margin=2.0, random_state=3).fit(X)
    model = drlim.load("m.safetensors")
    assert model.embedding_.tobytes() == wanted.embedding_.tobytes() == np.load("z.npy").tobytes()
    assert model.get_params() == wanted.get_params()
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("encoder", "mlp", "mlp"),
        ("dissimilar_weight", "0.5", 0.5),
        ("optimizer", "lbfgs", "lbfgs"),
        ("learning_rate", "0.01", 0.01),
        ("batch_size", "5", 5),
        ("interactions", "batch", "batch"),
        ("tol", "0", 0.0),
        ("device", "cpu", "cpu"),
    ],
)
def test_every_option_reaches_the_estimator(run, option, text, value):
    fitted(run, f"--{option.replace('_', '-')}", text)
    assert drlim.load("m.safetensors").get_params()[option] == value


def test_fit_tells(run, printed):
    command = ("fit", "x.csv", "--labels-column", "kind", "--model", "m.safetensors", *QUICK)
    found = printed(*command, "--embedding", "z.csv")
    model = drlim.load("m.safetensors")
    assert found.pop("seconds") > 0
    assert found == {
        "model": "m.safetensors",
        "method": "drlim",
        "embedding": "z.csv",
        "n_samples": 12,
        "n_features": 3,
        "n_components": 2,
        "similar_pairs": model.graph_.n_similar,
        "dissimilar_pairs": 66 - model.graph_.n_similar,
        "epochs": 2,
        "stopped": "max_epochs",
        "energy": model.history_[-1]["energy"],
        "data": "numbers kept as they are.",
    }
    code, out, err = run(*command)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[1] == "12 samples of 3 values on a map of 2 dimensions"
    assert lines[-1] == "saved to m.safetensors"


def test_graph_from_a_file(run):
    Path("pairs.csv").write_text("0,1\n2,3\n")
    fitted(run, "--graph", "pairs.csv")
    assert drlim.load("m.safetensors").graph_ == drlim.NeighborhoodGraph.from_pairs(12, [[0, 1], [2, 3]])


def test_transform_finds_columns_by_name(run, printed):
    fitted(run)
    frame = pd.read_csv("x.csv")
    frame[["kind", "c", "a", "b"]].to_parquet("y.parquet")
    found = printed("transform", "m.safetensors", "y.parquet", "--output", "z.csv")
    assert found == {"output": "z.csv", "n_samples": 12, "n_components": 2}
    Z = read_samples("z.csv")
    assert Z.names == ["drlim0", "drlim1"]
    assert Z.X.tobytes() == drlim.load("m.safetensors").transform(frame[["a", "b", "c"]]).tobytes()
    code, _, err = run("transform", "m.safetensors", "z.csv", "--output", "zz.csv")
    assert (code, err) == (1, "drlim: error: z.csv has no column 'a'. It has 'drlim0', 'drlim1'.\n")


def test_novelty_is_written_beside_the_map(run, printed):
    fitted(run)
    frame = pd.read_csv("x.csv")
    found = printed("transform", "m.safetensors", "x.csv", "--output", "z.npy", "--novelty", "n.csv")
    assert found["novelty"] == "n.csv"
    wanted = drlim.load("m.safetensors").novelty(frame[["a", "b", "c"]])
    written = read_samples("n.csv")
    assert written.names == ["input", "map"]
    assert written.X.tobytes() == wanted.tobytes()
    code, out, err = run("transform", "m.safetensors", "x.csv", "--output", "z.npy", "--novelty", "n.npy")
    assert (code, err) == (0, "")
    assert out.splitlines()[1].startswith("n.npy: distances to the nearest training samples")
    assert run("transform", "m.safetensors", "x.csv", "--output", "z.npy", "--novelty", "n.txt")[0] == 2
    frame.assign(a=1000 + frame["a"]).to_csv("far.csv", index=False)
    code, _, err = run("transform", "m.safetensors", "far.csv", "--output", "z.npy")
    assert code == 0
    assert "drlim: warning: Column 'a' of 'X' has values from" in err
    drlim.save(drlim.load("m.safetensors"), "m.safetensors", novelty=False)
    code, _, err = run("transform", "m.safetensors", "x.csv", "--output", "other.npy", "--novelty", "n.csv")
    assert code == 1
    assert "so that novelty is not known" in err
    assert not Path("other.npy").exists()
    assert "not known: no sample is kept" in run("info", "m.safetensors")[1]


def test_transform_without_names(run, printed):
    fitted(run, data="x.npy")
    printed("transform", "m.safetensors", "x.csv", "--labels-column", "kind", "--output", "z.npy")
    np.savez("x.npz", x=np.load("x.npy"), y=np.zeros(3))
    code, out, err = run("transform", "m.safetensors", "x.npz", "--array", "x", "--output", "z.npy")
    assert (code, out, err) == (0, "z.npy: 12 samples in 2 dimensions\n", "")
    assert np.load("z.npy").tobytes() == drlim.load("m.safetensors").embedding_.tobytes()


def labels_drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Record what the next plots are given."""
    from drlim import plotting

    original, given = plotting.plot_embedding, []

    def record(Z: Any, labels: Any = None, **options: Any) -> Any:
        given.append((Z, labels, options))
        return original(Z, labels, **options)

    monkeypatch.setattr(plotting, "plot_embedding", record)
    return given


def test_plot_of_model_and_of_map(run, monkeypatch):
    fitted(run, "--embedding", "z.csv")
    given = labels_drawn(monkeypatch)
    commands = [
        ("m.safetensors",),
        ("m.safetensors", "x.csv"),
        ("m.safetensors", "x.csv", "--labels", "kind"),
        ("z.csv",),
        ("z.csv", "x.csv", "--labels", "kind"),
    ]
    for place, command in enumerate(commands):
        code, out, err = run("plot", *command, "--output", f"{place}.png")
        assert (code, out, err) == (0, f"{place}.png: 12 samples\n", "")
        with Image.open(f"{place}.png") as picture:
            assert picture.size[0] > 500
        Z, labels, options = given[-1]
        np.testing.assert_allclose(Z, drlim.load("m.safetensors").embedding_, rtol=0, atol=0)
        assert (labels is not None) == ("kind" in command)
        assert options == {
            "images": None,
            "key_title": "kind" if "kind" in command else None,
            "background": None,
            "group_names": "auto",
        }
    assert given[2][1].tolist() == given[4][1].tolist() == ["four", "nine", "two"] * 4


def test_plot_with_labels_of_a_file_or_of_the_map(run, monkeypatch):
    fitted(run, "--embedding", "z.csv")
    given = labels_drawn(monkeypatch)
    Path("y.txt").write_text("4\n" * 12)
    assert run("plot", "m.safetensors", "--labels", "y.txt")[0] == 0
    assert given[-1][1].tolist() == [4] * 12
    assert given[-1][2]["key_title"] is None
    pd.read_csv("z.csv").assign(kind=range(12)).to_csv("zz.csv", index=False)
    assert run("plot", "zz.csv", "--labels", "kind")[0] == 0
    assert given[-1][0].shape == (12, 2)
    assert given[-1][1].tolist() == list(range(12))


def test_plot_of_labels_with_blanks(run, monkeypatch):
    fitted(run, "--embedding", "z.npy")
    given = labels_drawn(monkeypatch)
    frame = pd.read_csv("x.csv").assign(digit=[4, None] * 6, size=[0.5, None, 2] * 4, sort=["u", None, "", "v"] * 3)
    frame["digit"] = frame["digit"].astype("Int64")
    frame.to_csv("blanks.csv", index=False)
    frame.to_parquet("blanks.parquet")
    for data in ("blanks.csv", "blanks.parquet"):
        for column, wanted in (("digit", [4.0, np.nan]), ("size", [0.5, np.nan, 2.0])):
            assert run("plot", "z.npy", data, "--labels", column) == (0, "map.png: 12 samples\n", "")
            np.testing.assert_array_equal(given[-1][1], wanted * (12 // len(wanted)))
        assert run("plot", "z.npy", data, "--labels", "sort") == (0, "map.png: 12 samples\n", "")
        assert [label or "" for label in given[-1][1].tolist()] == ["u", "", "", "v"] * 3


@pytest.mark.parametrize("names", ["auto", "legend", "map", "none"])
def test_plot_places_names(run, monkeypatch, names):
    fitted(run, "--embedding", "z.npy")
    given = labels_drawn(monkeypatch)
    assert run("plot", "z.npy", "x.csv", "--labels", "kind", "--names", names)[0] == 0
    assert given[-1][2]["group_names"] == (None if names == "none" else names)


def test_plot_over_earlier_samples(run, monkeypatch):
    fitted(run, "--embedding", "z.csv")
    model, given = drlim.load("m.safetensors"), labels_drawn(monkeypatch)
    np.save("z.npy", model.embedding_)
    np.savez("z.npz", embedding=model.embedding_, other=np.zeros(3))
    pd.read_csv("z.csv").assign(kind="four").to_csv("labelled.csv", index=False)
    with_model = ("x.csv", "z.csv", "z.npy", "labelled.csv")
    with_map = ("z.csv", "z.npy", "labelled.csv")
    commands = [("m.safetensors", "x.csv", "--labels", "kind", "--background", path) for path in with_model]
    commands += [("z.csv", "x.csv", "--labels", "kind", "--background", path) for path in with_map]
    commands += [("z.npz", "--array", "embedding", "--background", path) for path in ("z.npz", "z.npy", "z.csv")]
    for command in commands:
        assert run("plot", *command) == (0, "map.png: 12 samples\n", "")
        np.testing.assert_allclose(given[-1][2]["background"], model.embedding_, rtol=1e-6)
    code, _, err = run("plot", "z.npy", "--background", "x.npy")
    assert code == 1
    assert "Expected 'background' to have 2 columns, as 'Z' has. Got 3." in err


@pytest.mark.parametrize("colour", [False, True])
def test_plot_with_thumbnails(run, printed, monkeypatch, colour):
    X = RANDOM.integers(0, 256, (12, 8, 8, 3)[: 4 if colour else 3], dtype=np.uint8)
    Path("images").mkdir()
    for place, image in enumerate(X):
        Image.fromarray(image).save(f"images/{place:02}.png")
    np.savez("x.npz", X=X.transpose(0, 3, 1, 2) if colour else X, y=np.arange(12))
    fitted(run, "--embedding", "z.npy", data="images")
    given = labels_drawn(monkeypatch)
    for command in (
        ("m.safetensors", "images"),
        ("z.npy", "images"),
        ("m.safetensors", "x.npz", "--array", "X", "--labels", "y"),
    ):
        assert printed("plot", *command, "--thumbnails", "--output", "map.svg") == {
            "output": "map.svg",
            "n_samples": 12,
        }
        np.testing.assert_array_equal(given[-1][2]["images"], np.load("x.npz")["X"])
    assert given[-1][1].tolist() == list(range(12))
    assert Path("map.svg").read_text().startswith("<?xml")


def test_info(run, printed):
    fitted(run)
    summary = drlim.persistence.read_summary("m.safetensors")
    assert printed("info", "m.safetensors") == {"model": "m.safetensors", **summary}
    code, out, err = run("info", "m.safetensors")
    assert (code, err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in out.splitlines()[1:])
    assert lines["sha256"] == summary["sha256"]
    assert lines["encoder"] == "linear: 3 -> 2, 12 weights"
    assert lines["features"] == "a, b, c"
    assert lines["samples"] == "12 of 3 values"
    assert lines["estimator"] == "DrLIM"
    assert lines["needs"] == "nothing"
    assert lines["pairs"] == f"similar {summary['samples']['pairs']['similar']}, dissimilar all the rest, ignored none"
    assert "margin=1.0" in lines["parameters"]


def test_info_says_that_labels_state_pairs(run):
    X = np.random.default_rng(0).normal(size=(12, 3))
    drlim.save(drlim.DrLIM(encoder="linear", max_epochs=1, random_state=0).fit(X, np.arange(12) % 2), "m.safetensors")
    said = next(line for line in run("info", "m.safetensors")[1].splitlines() if "pairs" in line)
    assert "similar 0 listed and those of labels, dissimilar 0 listed and those of labels" in said


def test_info_of_a_model_with_parts_of_ones_own(run):
    net = drlim.make_encoder("linear", (3,), 2)
    X = np.load("x.npy")
    graph = drlim.NeighborhoodGraph.from_pairs(12, [(0, 1)], dissimilar=[(2, 3), (4, 5)])
    drlim.save(DrLIM(encoder=net, max_epochs=1).fit(X, graph=graph), "own.safetensors")
    _, out, _ = run("info", "own.safetensors")
    assert "encoder     your own, a Sequential: 3 -> 2, 12 weights" in out
    assert "needs       encoder" in out
    assert "pairs       similar 1, dissimilar 2, ignored none" in out
    code, _, err = run("transform", "own.safetensors", "x.npy", "--output", "z.npy")
    assert code == 1
    assert err.startswith("drlim: error: own.safetensors: was saved with an encoder of your own (a Sequential)")
