"""`drlim export`, and `drlim info` of what it wrote."""

from __future__ import annotations

import numpy as np
import pytest
from tests.cli.commands import fitted

from drlim import load

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")


def test_a_saved_model_becomes_an_onnx_file_that_info_describes(folder, run, printed):
    fitted(run)
    code, out, err = run("export", "m.safetensors", "x.csv", "--labels-column", "kind", "--output", "map.onnx")
    assert (code, err) == (0, "")
    assert out.startswith("map.onnx: equal to m.safetensors on ")
    X = np.load("x.npy")
    Z = onnxruntime.InferenceSession("map.onnx").run(["Z"], {"X": X})[0]
    np.testing.assert_allclose(Z, load("m.safetensors").encoder_(_tensor(X)).detach(), rtol=0, atol=1e-5)

    found = printed("info", "map.onnx")
    assert (found["model"], found["estimator"], found["feature_names"]) == ("map.onnx", "DrLIM", ["a", "b", "c"])
    code, out, err = run("info", "map.onnx")
    lines = dict(line.split(None, 1) for line in out.splitlines()[1:])
    assert (code, err) == (0, "")
    assert lines["inputs"] == "X: n x 3 float32"
    assert lines["outputs"] == "Z: n x 2 float32"
    assert lines["features"] == "a, b, c"
    assert lines["estimator"] == "DrLIM"
    assert lines["relations"].startswith("of 12 samples, sha256 ")
    assert lines["sha256"] == found["sha256"]
    assert "on a tie" in lines["verified"]
    assert "encoder='linear'" in lines["parameters"]


def _tensor(X):
    import torch

    return torch.from_numpy(X)


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (
            ["export", "m.safetensors", "--output", "map.pb"],
            2,
            "A file to be written here must end in .onnx. Got map.pb",
        ),
        (["export", "absent.safetensors"], 1, "absent.safetensors: No such file or directory"),
        (["export", "x.npy"], 1, "x.npy: is no model file of drlim"),
        (["info", "absent.onnx"], 1, "absent.onnx: No such file or directory"),
    ],
)
def test_a_command_that_fails_writes_nothing(folder, run, command, code, message):
    found, out, err = run(*command)
    assert (found, out) == (code, "")
    assert f"drlim: error: {message}" in err
    assert not list(folder.glob("*.onnx")) + list(folder.glob("*.pb"))
