"""The process: Ctrl-C, version and help, and what is left as it was."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.commands import COMMAND, NEIGHBORS, QUICK

import drlim

pytestmark = pytest.mark.usefixtures("folder")


@contextmanager
def interrupted_at(epoch: int, monkeypatch: pytest.MonkeyPatch, estimator: str = "drlim") -> Iterator[None]:
    """Press Ctrl-C when an epoch of the training ends."""

    @contextmanager
    def bar(*_: Any) -> Iterator[Any]:
        yield lambda record: signal.raise_signal(signal.SIGINT) if record["epoch"] == epoch else None

    with monkeypatch.context() as patched:
        patched.setattr(f"drlim.estimators.{estimator}.epoch_bar", bar)
        yield


def test_ctrl_c_keeps_the_partly_trained_model(run, monkeypatch):
    command = (*COMMAND, "--embedding", "z.npy", *QUICK, "--max-epochs", "50", "--tol", "0")
    with interrupted_at(3, monkeypatch):
        code, out, err = run(*command)
    assert code == 130
    assert err == ("drlim: warning: Training was interrupted after 3 of 50 epochs; the map is usable as it stood.\n")
    assert "partly trained model saved to m.safetensors\n" in out
    model = drlim.load("m.safetensors")
    assert (model.n_iter_, model.stopped_) == (3, "interrupted")
    assert np.load("z.npy").tobytes() == model.embedding_.tobytes()
    with interrupted_at(3, monkeypatch):
        code, out, _ = run(*command, "--json")
    assert (code, json.loads(out)["stopped"]) == (130, "interrupted")


def test_ctrl_c_keeps_the_partly_trained_map_of_neighbors(run, monkeypatch):
    with interrupted_at(2, monkeypatch, "neighbor_map"):
        code, out, err = run(*NEIGHBORS, "--embedding", "z.npy", "--max-epochs", "9")
    assert code == 130
    assert err == "drlim: warning: Training was interrupted after 2 of 9 epochs; the map is usable as it stood.\n"
    assert "partly trained model saved to m.safetensors\n" in out
    model = drlim.load("m.safetensors")
    assert (model.n_iter_, model.stopped_) == (2, "interrupted")
    assert np.load("z.npy").tobytes() == model.embedding_.tobytes()


def test_ctrl_c_elsewhere_ends_in_one_line(run, monkeypatch):
    def press(*_: Any, **__: Any) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("drlim.cli.preparing.read_samples", press)
    code, out, err = run("fit", "x.npy", "--model", "m.safetensors")
    assert (code, out) == (130, "")
    assert err.strip() == "drlim: error: Interrupted."
    assert not Path("m.safetensors").exists()


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


@pytest.mark.parametrize(
    "arguments",
    [
        ("fit", "x.csw", "--model", "m.safetensors"),
        ("fit", "x.csv", "--model", "m.safetensors", "--graph", "x.csw"),
        ("relations", "x.csv", "x.csw"),
        ("transform", "x.csw", "x.csv", "--output", "z.csv"),
        ("plot", "x.csv", "x.csw"),
        ("export", "x.csw"),
    ],
)
def test_a_missing_file_is_named_before_anything_slow(run, monkeypatch, arguments):
    for slow in ("torch", "sklearn", "scipy", "drlim.estimators", "drlim._base.checks"):
        monkeypatch.setitem(sys.modules, slow, None)  # importing it would be an ImportError
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert err == "drlim: error: x.csw: No such file or directory. Did you mean 'x.csv'?\n"


def test_the_module_is_the_command_line():
    done = subprocess.run([sys.executable, "-m", "drlim", "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"drlim {drlim.__version__}\n")
    wrong = subprocess.run([sys.executable, "-m", "drlim", "fitt"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stderr) == (2, "drlim: error: No such command: fitt. Did you mean 'fit'?\n")
