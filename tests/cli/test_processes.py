"""The command line under torchrun."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import drlim

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
