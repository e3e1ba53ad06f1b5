"""Checkpoints, logs and signals on the command line."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.cli.commands import COMMAND, NEIGHBORS, QUICK
from tests.cli.test_main import SCRIPT, interrupted_at

import drlim
from drlim.cli.signals import ending_in_order

pytestmark = pytest.mark.usefixtures("folder")

LONG = ("--max-epochs", "30", "--tol", "0")


def test_sigterm_is_as_it_was_after_the_block():
    before = signal.getsignal(signal.SIGTERM)
    with ending_in_order() as ending:
        assert ending.exit_code(130) == 130
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert [ending.exit_code(code) for code in (0, 1, 130, -1)] == [0, 1, 143, 143]
        assert ending.sentence == "Terminated."
    assert signal.getsignal(signal.SIGTERM) is before


def test_threads_leave_signals_alone():
    def work():
        with ending_in_order():
            seen.append(signal.getsignal(signal.SIGTERM))

    seen = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


@pytest.mark.parametrize(("command", "kind"), [(COMMAND, "drlim"), (NEIGHBORS, "neighbor_map")])
def test_a_fit_that_was_cut_short_goes_on_by_resume(run, monkeypatch, command, kind):
    epochs = (*QUICK, *LONG) if kind == "drlim" else ("--max-epochs", "6")
    assert run(*command, *epochs)[0] == 0
    whole = Path("m.safetensors").read_bytes()
    with interrupted_at(3, monkeypatch, kind):
        code, _, err = run(*command, *epochs, "--checkpoint", "kept")
    assert code == 130
    assert "Training was interrupted after 3 of" in err
    code, _, err = run(*command, *epochs, "--checkpoint", "kept")
    assert code == 1
    assert "has one of a run that was cut short after 2 of" in err
    code, _, err = run(*command, *epochs, "--checkpoint", "kept", "--resume")
    assert (code, err) == (0, "")
    assert Path("m.safetensors").read_bytes() == whole


def test_the_log_has_each_epoch(run):
    for command, number in (((*COMMAND, *QUICK), "energy"), ((*NEIGHBORS, "--max-epochs", "2"), "cross_entropy")):
        assert run(*command, "--log", "history.csv")[0] == 0
        with Path("history.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        history = drlim.load("m.safetensors").history_
        assert [float(row[number]) for row in rows] == [record[number] for record in history]


def test_a_log_that_cannot_be_written_any_more_costs_no_map(run, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("drlim.callbacks.CsvWriter.on_epoch_end", refuse)
    code, out, err = run(*COMMAND, *QUICK, "--log", "history.csv")
    assert code == 1
    assert "The on_epoch_end of the callback CsvWriter fails: [Errno 28] No space left on device" in err
    assert "saved to m.safetensors" in out
    assert drlim.load("m.safetensors").stopped_ == "callback"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--resume",), "needs the folder of the checkpoints: set checkpoint='folder'"),
        (("--checkpoint", "kept", "--checkpoint-every", "soon"), "must be a number of epochs, or a time"),
        (("--log", "history.txt"), ".csv"),
        (("--log", "none/history.csv"), "none"),
    ],
)
def test_bad_options_are_refused(run, options, said):
    code, out, err = run(*COMMAND, *QUICK, *options)
    assert code in (1, 2)
    assert out == ""
    assert said in err


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_to_the_process_writes_a_checkpoint(run, number, code):
    options = [*COMMAND, *QUICK, "--max-epochs", "100000", "--tol", "0", "--checkpoint", "kept"]
    every = ["--checkpoint-every", "100000"]  # none is due
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, *options, *every, "--log", "history.csv"])
    while not (Path("history.csv").exists() and Path("history.csv").read_text().count("\n") > 5):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    assert process.wait(timeout=60) == code
    assert len(list(Path("kept").iterdir())) == 2
    assert drlim.load("m.safetensors").stopped_ == "interrupted"
