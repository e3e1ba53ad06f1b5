"""Fits by the two methods: the default one, the parameters of each, and what other commands do with their models."""

from __future__ import annotations

import inspect
import re
import typing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tests.cli.commands import COMMAND, NEIGHBORS

import drlim
from drlim import DrLIM, NeighborMap
from drlim.cli import main
from drlim.cli.fitting import METHODS, estimator_for, fit
from drlim.cli.output import UsageError

pytestmark = pytest.mark.usefixtures("folder")

QUICK = ["--max-epochs", "2"]

ESTIMATORS = {"neighbors": NeighborMap, "drlim": DrLIM}


def in_help() -> dict[str, Any]:
    """Return what the help states as the default of each parameter."""
    signature = inspect.signature(fit).parameters
    hints = typing.get_type_hints(fit, include_extras=True)
    options = {name: hints[name].__metadata__[0] for name in signature}
    return {
        name: option.show_default if isinstance(option.show_default, str) else signature[name].default
        for name, option in options.items()
    }


@pytest.mark.parametrize("method", METHODS)
def test_defaults_are_the_estimators(method):
    theirs, ours = ESTIMATORS[method]().get_params(), in_help()
    assert estimator_for(method, {}).get_params() == theirs
    shared = ours.keys() & theirs.keys()
    hidden = {"springs", "orbit", "random_state", "verbose", "callbacks"}
    assert theirs.keys() - shared == (hidden | {"neighbors"} if method == "drlim" else hidden)
    assert f"{method}: {theirs['n_neighbors']}" in ours["n_neighbors"]
    for name in shared - {"n_neighbors"}:
        assert str(ours[name]) == str(theirs[name]), name


@pytest.mark.parametrize("method", METHODS)
def test_a_fit_without_options_is_the_estimators_own(run, monkeypatch, method):
    given: list[Any] = []

    def record(estimator: Any, *_: Any, **__: Any) -> Any:
        given.append(estimator)
        raise UsageError("enough")

    monkeypatch.setattr(ESTIMATORS[method], "fit", record)
    assert run(*NEIGHBORS, *(["--method", method] if method == "drlim" else []))[0] == 2
    assert given[0].get_params() == ESTIMATORS[method](random_state=0).get_params()


def test_neighbors_is_the_default_and_is_the_estimators_fit(run):
    code, _, err = run(*NEIGHBORS, *QUICK, "--seed", "3", "--n-components", "3", "--embedding", "z.npy")
    assert (code, err) == (0, "")
    X = pd.read_csv("x.csv").drop(columns="kind")
    wanted = NeighborMap(3, max_epochs=2, random_state=3).fit(X)
    model = drlim.load("m.safetensors")
    assert model.embedding_.tobytes() == wanted.embedding_.tobytes() == np.load("z.npy").tobytes()
    assert model.get_params() == wanted.get_params()
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("n_neighbors", "4", 4),
        ("metric", "cosine", "cosine"),
        ("n_places", "2", 2),
        ("n_places", "auto", "auto"),
        ("encoder", "auto", "auto"),
        ("max_epochs", "3", 3),
        ("device", "cpu", "cpu"),
    ],
)
def test_every_option_of_neighbors_reaches_the_estimator(run, option, text, value):
    code, _, err = run(*NEIGHBORS, *QUICK, f"--{option.replace('_', '-')}", text)
    assert (code, err) == (0, "")
    assert drlim.load("m.safetensors").get_params()[option] == value


def test_drlim_keeps_its_own_number_of_neighbors(run):
    assert run(*COMMAND, *QUICK, "--encoder", "linear")[0] == 0
    assert drlim.load("m.safetensors").n_neighbors == 5


def test_fit_tells(run, printed):
    found = printed(*NEIGHBORS, *QUICK, "--embedding", "z.csv")
    model = drlim.load("m.safetensors")
    assert found.pop("seconds") > 0
    assert found == {
        "model": "m.safetensors",
        "method": "neighbors",
        "embedding": "z.csv",
        "n_samples": 12,
        "n_features": 3,
        "n_components": 2,
        "similar_pairs": model.graph_.n_similar,
        "dissimilar_pairs": 66 - model.graph_.n_similar,
        "epochs": 2,
        "stopped": "max_epochs",
        "cross_entropy": model.history_[-1]["cross_entropy"],
        "data": "numbers kept as they are.",
    }
    _, out, _ = run(*NEIGHBORS, *QUICK)
    assert " s by neighbors, 2 epochs, ended: max_epochs\ncross-entropy " in out
    _, out, _ = run(*COMMAND, *QUICK, "--encoder", "linear")
    assert " s by drlim, 2 epochs, ended: max_epochs\nenergy " in out


@pytest.mark.parametrize(("stopped", "wanted"), [("interrupted", 130), ("diverged", 1), ("max_epochs", 0)])
def test_a_map_that_is_only_partly_trained_is_saved_and_fails(run, monkeypatch, stopped, wanted):
    fit = NeighborMap.fit

    def end(estimator: NeighborMap, *given: Any, **options: Any) -> NeighborMap:
        fit(estimator, *given, **options)
        estimator.stopped_ = stopped
        return estimator

    monkeypatch.setattr(NeighborMap, "fit", end)
    code, out, _ = run(*NEIGHBORS, *QUICK)
    assert code == wanted
    assert ("partly trained model saved to m.safetensors\n" in out) == (stopped != "max_epochs")
    assert drlim.load("m.safetensors").stopped_ == stopped


def test_graph_from_a_file(run):
    Path("pairs.csv").write_text("0,1\n2,3\n")
    code, _, err = run(*NEIGHBORS, *QUICK, "--graph", "pairs.csv")
    assert (code, err) == (0, "")
    assert drlim.load("m.safetensors").graph_ == drlim.NeighborhoodGraph.from_pairs(12, [[0, 1], [2, 3]])


def test_transform_and_plot_of_a_map_of_neighbors(run, printed):
    assert run(*NEIGHBORS, *QUICK, "--embedding", "z.npy")[0] == 0
    pd.read_csv("x.csv")[["kind", "c", "a", "b"]].to_parquet("y.parquet")
    found = printed("transform", "m.safetensors", "y.parquet", "--output", "zz.csv")
    assert found == {"output": "zz.csv", "n_samples": 12, "n_components": 2}
    assert Path("zz.csv").read_text().startswith("neighbormap0,neighbormap1\n")
    assert run("transform", "m.safetensors", "y.parquet", "--output", "zz.npy")[0] == 0
    assert np.load("zz.npy").tobytes() == np.load("z.npy").tobytes()
    for command in (("m.safetensors",), ("m.safetensors", "x.csv", "--labels", "kind"), ("zz.csv",)):
        assert run("plot", *command, "--output", "map.png") == (0, "map.png: 12 samples\n", "")
        with Image.open("map.png") as picture:
            assert picture.size[0] > 500


def test_info_of_a_map_of_neighbors(run, printed):
    assert run(*NEIGHBORS, *QUICK)[0] == 0
    summary = drlim.persistence.read_summary("m.safetensors")
    assert printed("info", "m.safetensors") == {"model": "m.safetensors", **summary}
    code, out, err = run("info", "m.safetensors")
    assert (code, err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in out.splitlines()[1:])
    model = drlim.load("m.safetensors")
    shares = " and ".join(f"{share:.2f}" for share in model.encoder_.shares)
    assert lines["estimator"] == "NeighborMap"
    assert lines["encoder"].startswith("auto: 3 -> 2, ")
    assert lines["places"] == f"{len(model.encoder_.head.centres)}, shares of retrieval {shares}, from 12 samples"
    assert lines["objective"].startswith("cross-entropy ")
    assert "metric='euclidean'" in lines["parameters"]


def test_info_of_a_map_without_retrieval(run, monkeypatch):
    monkeypatch.setattr("drlim.training.neighbor_layout._RETRIEVED", 5)
    assert run(*NEIGHBORS, *QUICK)[0] == 0
    assert re.search(r"  places      \d+, no retrieval\n", run("info", "m.safetensors")[1])


def test_distances_given_are_mapped(run):
    X = pd.read_csv("x.csv").drop(columns="kind").to_numpy()
    np.save("d.npy", np.linalg.norm(X[:, None] - X[None], axis=2))
    command = ("fit", "d.npy", "--model", "m.safetensors", "--metric", "precomputed", "--embedding", "z.npy")
    assert run(*command, *QUICK)[::2] == (0, "")
    assert run("transform", "m.safetensors", "d.npy", "--output", "zz.npy")[0] == 0
    assert np.load("zz.npy").tobytes() == np.load("z.npy").tobytes()


def test_the_help_names_the_default_and_its_reason(run):
    _, out, _ = run("fit", "--help")
    text = " ".join(out.split())
    assert "Most data come without such pairs, so neighbors is the default." in text
    assert "[default: neighbors]" in text


def test_a_map_on_a_cylinder_is_fitted_described_and_drawn_on_its_chart(tmp_path, capsys):
    rng = np.random.default_rng(0)
    turn = rng.uniform(0, 2 * np.pi, 60)
    np.save(tmp_path / "ring.npy", np.column_stack([np.cos(turn), np.sin(turn), rng.normal(size=60)]))
    model = str(tmp_path / "ring.safetensors")
    data = str(tmp_path / "ring.npy")
    code = main(["fit", data, "--model", model, "--method", "drlim", "--space", "cylinder", "--max-epochs", "3"])
    assert code == 0
    assert main(["info", model]) == 0
    assert "circle of radius" in capsys.readouterr().out
    assert main(["plot", model, "--output", str(tmp_path / "ring.png")]) == 0
    assert (tmp_path / "ring.png").stat().st_size > 0
    assert main(["fit", data, "--model", model, "--space", "cylinder"]) == 2
    assert "--space belongs to --method drlim" in capsys.readouterr().err
