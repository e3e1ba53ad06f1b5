"""Summaries of model files."""

from __future__ import annotations

import json
import subprocess
import sys

from drlim.persistence import read_summary
from drlim.persistence.schema import OF_A_FIT


def test_summary(model, small):
    summary = read_summary(small)
    json.dumps(summary, allow_nan=False)
    training = summary.pop("training")
    assert training == {
        "epochs": 2,
        "stopped": "max_epochs",
        "energy_first": model.history_[0]["energy"],
        "energy_last": model.history_[1]["energy"],
    }
    assert len(summary.pop("sha256")) == 64
    assert summary == {
        "bytes": small.stat().st_size,
        "format_version": 4,
        "drlim_version": "0.1.0.dev0",
        "estimator": "DrLIM",
        "parameters": {name: value for name, value in model.get_params().items() if name not in OF_A_FIT},
        "architecture": {
            "encoder": "linear",
            "class": "Sequential",
            "input_shape": [4],
            "n_components": 2,
            "n_weights": 4 + 1 + 4 * 2 + 2,
        },
        "needs": [],
        "samples": {
            "n_samples": 12,
            "n_kept": 12,
            "n_features": 4,
            "feature_names": None,
            "pairs": {"similar": model.graph_.n_similar, "dissimilar": None, "ignored": None},
            "by_labels": [],
        },
    }


def test_summary_needs_no_torch(small):
    script = (
        "import sys; from drlim.persistence import read_summary; read_summary(sys.argv[1]); "
        "print([name for name in ('torch', 'sklearn', 'numpy', 'safetensors') if name in sys.modules])"
    )
    command = [sys.executable, "-c", script, str(small)]
    assert subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout == "[]\n"
