"""The example of Ray Train runs where Ray is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import drlim

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_two_workers_of_ray_fit_one_map(tmp_path):
    pytest.importorskip("ray.train")
    command = [
        sys.executable,
        "-W",
        "ignore",
        str(EXAMPLES / "ray_train.py"),
        "--epochs",
        "2",
        "--model",
        "m.safetensors",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1].startswith("2 workers, 2 epochs, energy ")
    model = drlim.load(tmp_path / "m.safetensors")
    data = drlim.datasets.digits()
    alone = drlim.DrLIM(batch_size=150, max_epochs=2, random_state=0).fit(data.X_train)
    assert model.history_[-1]["energy"] == pytest.approx(alone.history_[-1]["energy"], rel=1e-2)


def test_the_script_for_slurm_is_a_shell_script():
    done = subprocess.run(["bash", "-n", str(EXAMPLES / "slurm.sh")], capture_output=True, text=True, check=False)  # noqa: S607
    assert (done.returncode, done.stderr) == (0, "")
