"""The command line under torchrun."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import drlim

LAUNCHER = ("-m", "torch.distributed.run", "--standalone")

X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)


def torchrun(folder, *arguments, size=2):
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        str(size),
        "-m",
        "drlim",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def test_a_fit_under_torchrun_writes_and_prints_once(tmp_path):
    np.save(tmp_path / "x.npy", X)
    quick = ("--method", "drlim", "--max-epochs", "2", "--batch-size", "20", "--embedding", "z.npy", "--json")
    done = torchrun(tmp_path, "fit", "x.npy", "--model", "m.safetensors", *quick)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)  # one object alone
    assert (result["n_samples"], result["epochs"], result["model"]) == (60, 2, "m.safetensors")
    model = drlim.load(tmp_path / "m.safetensors")
    assert np.array_equal(model.embedding_, np.load(tmp_path / "z.npy"))
    alone = drlim.DrLIM(max_epochs=2, batch_size=20, random_state=0).fit(X)
    assert model.embedding_ == pytest.approx(alone.embedding_, abs=2e-3)


@pytest.mark.slow
def test_an_error_under_torchrun_names_the_process(tmp_path):
    np.save(tmp_path / "x.npy", np.full((5, 2), np.nan, dtype=np.float32))
    done = torchrun(tmp_path, "fit", "x.npy", "--model", "m.safetensors", "--method", "drlim")
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.startswith("drlim: ")]
    assert all("NaN" in line for line in lines)
    assert not (tmp_path / "m.safetensors").exists()


def members_of(launcher):
    """Return the processes that a launcher has started, by rank."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(path.joinpath("stat").read_text().rsplit(")", 1)[1].split()[1])
            variables = path.joinpath("environ").read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        if parent == launcher:
            found.update({int(one[5:]): int(path.name) for one in variables if one.startswith(b"RANK=")})
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("rank", [0, 1])
def test_a_restart_goes_on_from_the_checkpoint_to_the_same_bytes(tmp_path, rank):
    np.save(tmp_path / "x.npy", X)
    fit = ("fit", "x.npy", "--method", "drlim", "--max-epochs", "400", "--batch-size", "20", "--tol", "0")
    whole = torchrun(tmp_path, *fit, "--model", "whole.safetensors")
    assert whole.returncode == 0, whole.stderr
    kept = ("--model", "again.safetensors", "--checkpoint", "kept", "--resume")
    command = [sys.executable, *LAUNCHER, "--nproc-per-node", "2", "--max-restarts", "1", "-m", "drlim", *fit, *kept]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("kept/[!.]*")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(members_of(process.pid)[rank], signal.SIGKILL)
        _, errors = process.communicate(timeout=200)
    assert process.returncode == 0, errors
    first, second = (drlim.load(tmp_path / f"{name}.safetensors") for name in ("whole", "again"))
    assert np.array_equal(first.embedding_, second.embedding_)
    assert all(map(torch.equal, first.encoder_.state_dict().values(), second.encoder_.state_dict().values()))
