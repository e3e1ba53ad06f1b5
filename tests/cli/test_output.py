"""Mistakes and errors: an exit code and one line for each."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from tests.cli.commands import COMMAND, NEIGHBORS, QUICK, fitted

import drlim
from drlim import DrLIM, NeighborMap

pytestmark = pytest.mark.usefixtures("folder")


USAGE = [
    (("fitt",), "No such command: fitt. Did you mean 'fit'?"),
    (("quit",), "No such command: quit. Choose from "),
    (("fit", "--modle", "m"), "No such option: --modle. Did you mean '--model'? See 'drlim fit --help'."),
    (("--verson",), "No such option: --verson. Did you mean '--version'? See 'drlim --help'."),
    (("fit",), "Missing argument 'DATA'. See 'drlim fit --help'."),
    (("fit", "x.csv"), "Missing option '--model'. See 'drlim fit --help'."),
    (("info", "a", "b"), "nexpected extra argument"),
    ((*COMMAND, "--margin", "wide"), "Invalid value for '--margin': "),
    ((*COMMAND, "--margin", "-1"), "The 'margin' parameter of DrLIM must be a float in the range (0.0, inf). Got -1.0"),
    ((*COMMAND, "--margin", "nan"), "The 'margin' parameter of DrLIM must be a float in the range (0.0, inf). Got nan"),
    ((*COMMAND, "--batch-size", "al"), "Got 'al' instead. Did you mean 'all'?"),
    ((*COMMAND, "--encoder", "convent"), "Got 'convent' instead. Did you mean 'convnet'?"),
    (
        (*COMMAND, "--encoder", "zzz"),
        "'two_layer'}, an instance of 'torch.nn.modules.module.Module' or a callable. Got",
    ),
    ((*COMMAND, "--device", "oven"), "The 'device' parameter of DrLIM must be 'auto' or a device that torch can use"),
    ((*COMMAND, "--seed", "-1"), "The 'random_state' parameter of DrLIM must be"),
    (("fit", "x.csv", "--model", "m.pt"), "A file to be written here must end in .safetensors. Got m.pt."),
    ((*COMMAND, "--embedding", "z.mat"), "must end in .npy or .npz or .csv or .parquet. Got z.mat."),
    (("plot", "m.safetensors", "--output", "map.gif"), "must end in .png or .svg or .pdf or .jpg. Got map.gif."),
    (
        ("plot", "m.safetensors", "--names", "ledgend"),
        "--names must be one of auto, legend, map, none. Got ledgend. Did you mean 'legend'?",
    ),
    (("plot", "m.safetensors", "--thumbnails"), "--thumbnails needs DATA, the images of the samples."),
    ((*NEIGHBORS, "--method", "neighbours"), "No such method: neighbours. Did you mean 'neighbors'?"),
    ((*NEIGHBORS, "--method", "umap"), "No such method: umap. Choose from neighbors, drlim."),
    ((*NEIGHBORS, "--margin", "1"), "--margin belongs to --method drlim. This fit is by --method neighbors."),
    ((*NEIGHBORS, "--dissimilar-weight", "1"), "--dissimilar-weight belongs to --method drlim."),
    ((*NEIGHBORS, "--optimizer", "adam"), "--optimizer belongs to --method drlim."),
    ((*NEIGHBORS, "--learning-rate", "auto"), "--learning-rate belongs to --method drlim."),
    ((*NEIGHBORS, "--batch-size", "5"), "--batch-size belongs to --method drlim."),
    ((*NEIGHBORS, "--interactions", "all"), "--interactions belongs to --method drlim."),
    ((*NEIGHBORS, "--tol", "0"), "--tol belongs to --method drlim."),
    ((*NEIGHBORS, "--encoder", "mlp"), "--encoder mlp belongs to --method drlim."),
    ((*COMMAND, "--metric", "precomputed"), "'hamming', 'jaccard'}. Got 'precomputed' instead."),
    ((*COMMAND, "--n-places", "9"), "--n-places belongs to --method neighbors."),
    ((*NEIGHBORS, "--metric", "cosin"), "Got 'cosin' instead. Did you mean 'cosine'?"),
    ((*NEIGHBORS, "--n-places", "0"), "The 'n_places' parameter of NeighborMap must be"),
    ((*NEIGHBORS, "--n-places", "many"), "The 'n_places' parameter of NeighborMap must be"),
    ((*NEIGHBORS, "--seed", "-1"), "The 'random_state' parameter of NeighborMap must be"),
    (("reproduce", "digit"), "No such experiment: digit. Did you mean 'digits'?"),
]

FAILURES = [
    (("fit", "none.csv", "--model", "m.safetensors"), "none.csv: No such file or directory"),
    (
        ("fit", "x.csv", "--numbers", "kind", "--model", "m.safetensors"),
        "x.csv: Column 'kind' is asked to hold numbers.",
    ),
    (("fit", "x.csv", "--labels-column", "kin", "--model", "m.safetensors"), "Did you mean 'kind'?"),
    (("fit", "x.csv", "--model", "no/m.safetensors"), "Cannot write no/m.safetensors: there is no folder "),
    ((*COMMAND, "--embedding", "no/z.npy"), "Cannot write no/z.npy: there is no folder "),
    ((*COMMAND, "--n-neighbors", "12"), "Expected n_neighbors < n_samples"),
    ((*NEIGHBORS, "--graph", "x.npy"), "x.npy: Expected 'similar' to be index pairs of shape (n_pairs, 2)."),
    ((*COMMAND, "--graph", "x.npy"), "x.npy: Expected 'similar' to be index pairs of shape (n_pairs, 2)."),
    ((*COMMAND, "--encoder", "convnet"), "The 'convnet' encoder takes images of at least 24 x 24 pixels"),
    (("info", "x.csv"), "x.csv: is no model file of drlim: it does not begin like a safetensors file."),
    (("info", "none"), "none: No such file or directory"),
    (("transform", "x.npy", "x.npy", "--output", "z.npy"), "x.npy: is no model file of drlim: "),
    (("plot", "x.npy", "--labels", "kind"), "kind is no file, and x.npy has no columns by name."),
    (("plot", "none.npy"), "none.npy: No such file or directory"),
]


@pytest.mark.parametrize(
    ("arguments", "sentence", "code"),
    [*((*case, 2) for case in USAGE), *((*case, 1) for case in FAILURES)],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_gets_one_line_and_an_exit_code(run, arguments, sentence, code):
    before = sorted(Path().iterdir())
    found, out, err = run(*arguments)
    assert (found, out) == (code, "")
    assert err.startswith("drlim: error: ")
    assert err.count("\n") == 1
    assert sentence in err
    assert len(err) <= 750
    assert sorted(Path().iterdir()) == before


def test_a_bad_output_is_found_before_training(run, monkeypatch):
    def train(*_: Any, **__: Any) -> None:
        raise AssertionError("trained in vain")

    monkeypatch.setattr(DrLIM, "fit", train)
    monkeypatch.setattr(NeighborMap, "fit", train)
    monkeypatch.setattr("drlim.cli.files.read_samples", train)
    for options in (
        ("--model", "no/m.safetensors"),
        ("--model", "m.txt"),
        ("--model", "m.safetensors", "--embedding", "no/z.npy"),
        ("--model", "m.safetensors", "--embedding", "z.txt"),
    ):
        code, _, err = run("fit", "x.npy", *options)
        assert code in (1, 2)
        assert "trained in vain" not in err


def test_debug_shows_the_traceback_wherever_it_stands(run):
    for command in (("--debug", "info", "none"), ("info", "none", "--debug")):
        code, _, err = run(*command)
        assert code == 1
        assert err.startswith("Traceback (most recent call last):")
        assert err.endswith("drlim: error: none: No such file or directory\n")


def test_a_defect_says_that_it_is_one(run, monkeypatch):
    def fail(_: Any) -> None:
        raise KeyError("margin")

    monkeypatch.setattr("drlim.persistence.read_summary", fail)
    code, _, err = run("info", "none")
    assert (code, err) == (1, "drlim: error: KeyError: 'margin'. This is a defect of drlim; --debug shows where.\n")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError("Unable to allocate 7 TiB"), "Out of memory. Unable to allocate 7 TiB"),
        (drlim.DivergenceError("Training diverged."), "Training diverged."),
        (PermissionError(13, "Permission denied", "m"), "m: Permission denied"),
        (OSError("no more"), "no more"),
        (typer.Abort(), "Interrupted."),
        (EOFError(), "Interrupted."),
    ],
)
def test_other_errors_are_single_lines(run, monkeypatch, error, sentence):
    def fail(_: Any) -> None:
        raise error

    monkeypatch.setattr("drlim.persistence.read_summary", fail)
    code, out, err = run("info", "none")
    wanted = 130 if sentence == "Interrupted." else 1
    assert (code, out, err.strip()) == (wanted, "", f"drlim: error: {sentence}")


def test_long_errors_are_cut(run, monkeypatch):
    def fail(_: Any) -> None:
        raise ValueError("word\n" * 1000)

    monkeypatch.setattr("drlim.persistence.read_summary", fail)
    _, _, err = run("info", "none")
    assert err.count("\n") == 1
    assert err.endswith("...\n")
    assert len(err) < 750


def test_warnings_are_single_lines_too(run):
    np.save("x.npy", np.repeat(np.arange(6.0), 2)[:, None])
    Path("pairs.csv").write_text("0,2\n")
    command = ("fit", "x.npy", "--graph", "pairs.csv", "--model", "m.safetensors", *QUICK)
    code, _, err = run(*command)
    assert code == 0
    assert re.fullmatch(r"drlim: warning: 6 pairs of identical samples are declared dissimilar\..*\n", err)


def test_without_matplotlib(run, monkeypatch):
    fitted(run)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, _, err = run("plot", "m.safetensors")
    assert code == 1
    assert err == (
        'drlim: error: Plotting needs matplotlib, which is not installed. Install it with: pip install "drlim[viz]"\n'
    )
