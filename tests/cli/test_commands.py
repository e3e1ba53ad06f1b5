"""The command line: what it prints and writes, its exit codes, and one line for each mistake."""

from __future__ import annotations

import inspect
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer
from PIL import Image

import drlim
from drlim import DrLIM, paper
from drlim.cli import commands as cli
from drlim.cli import main
from drlim.cli.files import read_samples
from drlim.cli.report import report_lines
from drlim.paper.report import Report, Row

RANDOM = np.random.default_rng(0)
QUICK = ["--encoder", "linear", "--max-epochs", "2", "--n-neighbors", "2"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(RANDOM.normal(size=(12, 3)), columns=["a", "b", "c"])
    frame["kind"] = ["four", "nine", "two"] * 4
    frame.to_csv("x.csv", index=False)
    np.save("x.npy", RANDOM.normal(size=(12, 3)).astype(np.float32))


@pytest.fixture
def run(capfd):
    """Return a function that runs a command and returns its exit code, its output and its messages."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        return (code, *capfd.readouterr())

    return call


@pytest.fixture
def told(run):
    """Return a function that runs a command with ``--json`` and returns the object."""

    def call(*arguments: object) -> Any:
        code, out, err = run(*arguments, "--json")
        assert (code, err) == (0, "")
        assert out.count("\n") == 1
        return json.loads(out)

    return call


def fitted(run: Any, *options: object, data: str = "x.csv") -> None:
    leave_out = ["--labels-column", "kind"] if data == "x.csv" else []
    code, _, err = run("fit", data, "--model", "m.safetensors", *leave_out, *QUICK, *options)
    assert (code, err) == (0, "")


# What it does


def test_fit_is_the_estimators_fit(run):
    fitted(run, "--seed", "3", "--margin", "2", "--n-components", "3", "--embedding", "z.npy")
    X = pd.read_csv("x.csv").drop(columns="kind")
    wanted = DrLIM(3, encoder="linear", max_epochs=2, n_neighbors=2, margin=2.0, random_state=3).fit(X)
    model = drlim.load("m.safetensors")
    assert model.embedding_.tobytes() == wanted.embedding_.tobytes() == np.load("z.npy").tobytes()
    assert model.get_params() == wanted.get_params()
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]


def test_defaults_are_the_estimators():
    ours = {name: parameter.default for name, parameter in inspect.signature(cli.fit).parameters.items()}
    theirs = DrLIM().get_params()
    shared = ours.keys() & theirs.keys()
    assert theirs.keys() - shared == {"springs", "neighbors", "orbit", "random_state", "verbose"}
    assert {name: ours[name] for name in shared} == {name: theirs[name] for name in shared}


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


def test_fit_tells(run, told):
    command = ("fit", "x.csv", "--labels-column", "kind", "--model", "m.safetensors", *QUICK)
    found = told(*command, "--embedding", "z.csv")
    model = drlim.load("m.safetensors")
    assert found.pop("seconds") > 0
    assert found == {
        "model": "m.safetensors",
        "embedding": "z.csv",
        "n_samples": 12,
        "n_features": 3,
        "n_components": 2,
        "similar_pairs": model.graph_.n_similar,
        "dissimilar_pairs": 66 - model.graph_.n_similar,
        "epochs": 2,
        "stopped": "max_epochs",
        "energy": model.history_[-1]["energy"],
    }
    code, out, err = run(*command)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "12 samples of 3 values on a map of 2 dimensions"
    assert lines[-1] == "saved to m.safetensors"


def test_graph_from_a_file(run):
    Path("pairs.csv").write_text("0,1\n2,3\n")
    fitted(run, "--graph", "pairs.csv")
    assert drlim.load("m.safetensors").graph_ == drlim.NeighborhoodGraph.from_pairs(12, [[0, 1], [2, 3]])


def test_transform_finds_columns_by_name(run, told):
    fitted(run)
    frame = pd.read_csv("x.csv")
    frame[["kind", "c", "a", "b"]].to_parquet("y.parquet")
    found = told("transform", "m.safetensors", "y.parquet", "--output", "z.csv")
    assert found == {"output": "z.csv", "n_samples": 12, "n_components": 2}
    Z = read_samples("z.csv")
    assert Z.names == ["drlim0", "drlim1"]
    assert Z.X.tobytes() == drlim.load("m.safetensors").transform(frame[["a", "b", "c"]]).tobytes()
    code, _, err = run("transform", "m.safetensors", "z.csv", "--output", "zz.csv")
    assert (code, err) == (1, "drlim: error: z.csv has no column 'a'. It has 'drlim0', 'drlim1'.\n")


def test_transform_without_names(run, told):
    fitted(run, data="x.npy")
    told("transform", "m.safetensors", "x.csv", "--labels-column", "kind", "--output", "z.npy")
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
        assert options == {"images": None, "key_title": "kind" if "kind" in command else None}
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


@pytest.mark.parametrize("colour", [False, True])
def test_plot_with_thumbnails(run, told, monkeypatch, colour):
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
        assert told("plot", *command, "--thumbnails", "--output", "map.svg") == {"output": "map.svg", "n_samples": 12}
        np.testing.assert_array_equal(given[-1][2]["images"], np.load("x.npz")["X"])
    assert given[-1][1].tolist() == list(range(12))
    assert Path("map.svg").read_text().startswith("<?xml")


def test_info(run, told):
    fitted(run)
    summary = drlim.persistence.read_summary("m.safetensors")
    assert told("info", "m.safetensors") == {"model": "m.safetensors", **summary}
    code, out, err = run("info", "m.safetensors")
    assert (code, err) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in out.splitlines()[1:])
    assert lines["sha256"] == summary["sha256"]
    assert lines["encoder"] == "linear: 3 -> 2, 12 weights"
    assert lines["features"] == "a, b, c"
    assert lines["samples"] == "12 of 3 values"
    assert lines["needs"] == "nothing"
    assert lines["pairs"] == f"similar {summary['samples']['pairs']['similar']}, dissimilar all the rest, ignored none"
    assert "margin=1.0" in lines["parameters"]


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


# Reproducing the paper


@pytest.fixture
def reproduced(monkeypatch):
    """Put a quick experiment in the place of the real ones, and return what it was given."""
    given: list[Any] = []

    def reproduce(name: str, folder: Path, *, random_state: int = 0, verbose: bool | None = None) -> Report:
        given.append((name, folder, random_state, verbose))
        rows = [
            Row("trustworthiness", 0.8512, at_least=0.845),
            Row("spread", 0.7, at_most=0.66),
            Row("energy", float("nan")),
        ]
        return Report(name, rows, 61.4, folder)

    monkeypatch.setattr(paper, "reproduce", reproduce)
    return given


def test_reproduce_prints_a_table_and_says_what_falls_short(run, reproduced):
    code, out, err = run("reproduce", "digits", "--seed", "7")
    assert (code, err) == (0, "")
    assert reproduced == [("digits", Path("runs/digits"), 7, None)]
    assert Path("runs/digits").is_dir()
    assert out == (
        "number           measured  wanted          reached\n"
        "---------------  --------  --------------  -------\n"
        "trustworthiness  0.8512    at least 0.845  yes\n"
        "spread           0.7000    at most 0.66    NO\n"
        "energy           nan       reported\n"
        "\n"
        "1 of 2 numbers reached; 1 falls short.\n"
        "61 s; pictures, report and model are in runs/digits\n"
    )


def test_reproduce_says_when_all_is_reached():
    rows = [Row("trustworthiness", 0.9, at_least=0.845), Row("energy", 0.1)]
    assert report_lines(Report("digits", rows, 1.0, Path("there")))[-2] == "1 of 1 numbers reached."


def test_reproduce_as_json(told, reproduced):
    found = told("reproduce", "digits", "--output", "there")
    assert reproduced[0][1] == Path("there/digits")
    assert found["folder"] == "there/digits"
    assert [row["reached"] for row in found["rows"]] == [True, False, None]
    assert found["rows"][2]["measured"] is None


def test_reproduce_finds_a_bad_folder_before_it_starts(run, reproduced):
    Path("runs").write_text("in the way")
    code, _, err = run("reproduce", "digits")
    assert code == 1
    assert re.fullmatch(r"drlim: error: runs/digits: .*\n", err)
    Path("there/digits/report.json").mkdir(parents=True)
    code, _, err = run("reproduce", "digits", "--output", "there")
    assert code == 1
    assert err.startswith("drlim: error: Cannot write there/digits/report.json: it is a folder.")
    assert reproduced == []


def test_help_of_reproduce_lists_the_experiments(run):
    _, out, _ = run("reproduce", "--help")
    assert all(name in out for name in paper.EXPERIMENTS)


# Mistakes


COMMAND = ("fit", "x.csv", "--labels-column", "kind", "--model", "m.safetensors")

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
    (("plot", "m.safetensors", "--thumbnails"), "--thumbnails needs DATA, the images of the samples."),
    (("reproduce", "digit"), "No such experiment: digit. Did you mean 'digits'?"),
]

FAILURES = [
    (("fit", "none.csv", "--model", "m.safetensors"), "none.csv: No such file or directory"),
    (("fit", "x.csv", "--model", "m.safetensors"), "'four' in column 'kind', row 1 of the data, is no number."),
    (("fit", "x.csv", "--labels-column", "kin", "--model", "m.safetensors"), "Did you mean 'kind'?"),
    (("fit", "x.csv", "--model", "no/m.safetensors"), "Cannot write no/m.safetensors: there is no folder "),
    ((*COMMAND, "--embedding", "no/z.npy"), "Cannot write no/z.npy: there is no folder "),
    ((*COMMAND, "--n-neighbors", "12"), "Expected n_neighbors < n_samples"),
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
    assert (code, out, err.strip()) == (1, "", f"drlim: error: {sentence}")


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


# Ctrl-C


@contextmanager
def interrupted_at(epoch: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Press Ctrl-C when an epoch of the training ends."""

    @contextmanager
    def bar(*_: Any) -> Iterator[Any]:
        yield lambda record: signal.raise_signal(signal.SIGINT) if record["epoch"] == epoch else None

    with monkeypatch.context() as patched:
        patched.setattr("drlim.estimators.drlim.epoch_bar", bar)
        yield


def test_ctrl_c_keeps_the_partly_trained_model(run, monkeypatch):
    command = (*COMMAND, "--embedding", "z.npy", *QUICK, "--max-epochs", "50", "--tol", "0")
    with interrupted_at(3, monkeypatch):
        code, out, err = run(*command)
    assert code == 1
    assert err == ("drlim: warning: Training was interrupted after 3 of 50 epochs; the map is usable as it stood.\n")
    assert "partly trained model saved to m.safetensors\n" in out
    model = drlim.load("m.safetensors")
    assert (model.n_iter_, model.stopped_) == (3, "interrupted")
    assert np.load("z.npy").tobytes() == model.embedding_.tobytes()
    with interrupted_at(3, monkeypatch):
        code, out, _ = run(*command, "--json")
    assert (code, json.loads(out)["stopped"]) == (1, "interrupted")


def test_ctrl_c_elsewhere_ends_in_one_line(run, monkeypatch):
    def press(*_: Any, **__: Any) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("drlim.cli.files.read_samples", press)
    code, out, err = run("fit", "x.npy", "--model", "m.safetensors")
    assert (code, out) == (1, "")
    assert err.strip() == "drlim: error: Interrupted."
    assert not Path("m.safetensors").exists()


# The process


SCRIPT = "import sys; from drlim.cli import main; sys.exit(main())"


def test_version_and_help(run):
    assert run("--version") == (0, f"drlim {drlim.__version__}\n", "")
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    assert all(name in out for name in ("reproduce", "fit", "transform", "plot", "info", "--debug"))
    assert run() == (0, out, "")


def test_help_is_quick_for_it_imports_little():
    script = (
        "import sys; from drlim.cli import main; main(['--help']); "
        "print([name for name in ('torch', 'sklearn', 'scipy', 'numpy', 'matplotlib', 'rich') if name in sys.modules])"
    )
    times = []
    for _ in range(3):
        began = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60)
        times.append(time.perf_counter() - began)
        assert done.stdout.endswith("[]\n")
    assert min(times) < 2  # 0.15 s on an idle machine; this one may be busy


def test_in_a_process_of_its_own():
    command = [sys.executable, "-c", SCRIPT]
    data = ["x.csv", "--labels-column", "kind", "--model", "m.safetensors"]
    done = subprocess.run([*command, "fit", *data, *QUICK, "--json"], check=False, capture_output=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["epochs"] == 2
    done = subprocess.run([*command, "info", "none"], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "drlim: error: none: No such file or directory\n"


def test_the_process_is_left_as_it_was(run):
    import warnings

    before = (sys.excepthook, warnings.showwarning, list(warnings.filters))
    run("info", "none")
    assert (sys.excepthook, warnings.showwarning, list(warnings.filters)) == before
