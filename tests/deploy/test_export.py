"""A map as an ONNX file: onnxruntime gives what `transform` gives; a file that would differ is never written."""

from __future__ import annotations

import logging
import random
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from torch import nn

import drlim
from drlim import DrLIM, NeighborMap, export
from drlim.deploy import read_description, tracing
from drlim.deploy.onnx_map import _relations
from drlim.encoders.retrieval import Retrieval
from drlim.persistence.schema import OF_A_FIT

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

RANDOM = np.random.default_rng(0)
QUICK: dict[str, Any] = {"max_epochs": 1, "random_state": 0, "verbose": False}
TABLE = RANDOM.normal(size=(60, 4)).astype("f")


def run(path: Path, X: np.ndarray, output: str = "Z") -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run([output], {"X": X.astype("f")})[0]


@pytest.fixture(scope="module")
def linear() -> DrLIM:
    return DrLIM(encoder="linear", **QUICK).fit(TABLE)


@pytest.fixture(scope="module")
def linear_file(linear, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("linear") / "map.onnx"
    export(linear, path)
    return path


@pytest.fixture(scope="module")
def placed() -> NeighborMap:
    return NeighborMap(**QUICK).fit(TABLE)


@pytest.fixture(scope="module")
def placed_file(placed, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("placed") / "map.onnx"
    export(placed, path, X=TABLE)
    return path


def test_a_linear_map_solved_by_hand(tmp_path):
    model = DrLIM(encoder="linear", n_neighbors=1, **QUICK).fit(np.array([[0, 0], [2, 0], [0, 2], [2, 2]], dtype="f"))
    standardize, network = model.encoder_
    with torch.no_grad():
        standardize.offset.copy_(torch.tensor([1.0, 2.0]))
        standardize.scale.fill_(2.0)
        network[1].weight.copy_(torch.tensor([[1.0, 0.0], [1.0, -1.0]]))
        network[1].bias.copy_(torch.tensor([0.0, 10.0]))
    export(model, tmp_path / "map.onnx")
    # ((5, 8) - (1, 2)) / 2 = (2, 3); (2, 2 - 3) + (0, 10) = (2, 9)
    assert run(tmp_path / "map.onnx", np.array([[5, 8], [1, 2]])).tolist() == [[2.0, 9.0], [0.0, 10.0]]


@pytest.mark.parametrize("margin", [1e-20, 1e-6, 300.0, 1e20])
def test_a_map_in_another_unit(tmp_path, margin):
    model = DrLIM(encoder="mlp", margin=margin, **QUICK).fit(TABLE)
    verified = export(model, tmp_path / "map.onnx", X=TABLE)
    new = 2 * TABLE[::-1]
    np.testing.assert_allclose(run(tmp_path / "map.onnx", new), model.transform(new), rtol=0, atol=1e-5 * margin)
    assert verified.largest_difference < 1e-5


@pytest.mark.parametrize("n", [1, 2, 17, 500])
def test_any_number_of_samples(linear, linear_file, placed, placed_file, n):
    rows = RANDOM.normal(size=(n, 4)).astype("f")
    np.testing.assert_allclose(run(linear_file, rows), linear.transform(rows), rtol=0, atol=1e-5)
    size = np.abs(placed.embedding_).max()
    np.testing.assert_allclose(run(placed_file, rows), placed.transform(rows), rtol=0, atol=1e-5 * size)
    np.testing.assert_allclose(run(placed_file, rows, "confidence"), placed.confidence(rows), rtol=0, atol=1e-5)


@pytest.mark.parametrize("n_stored", [40, 600])  # beyond 512 the search looks through groups of stored samples
def test_a_retrieval_takes_any_number_of_samples(tmp_path, n_stored):
    retrieval = Retrieval(RANDOM.normal(size=(n_stored, 4)), RANDOM.normal(size=(n_stored, 2))).eval()
    model = tracing.traced(retrieval, TABLE[:2], ["Z", "mass"])
    (tmp_path / "map.onnx").write_bytes(model.SerializeToString())
    for n in (1, 2, 17):
        wanted = retrieval(torch.from_numpy(TABLE[:n])).positions.numpy()
        np.testing.assert_array_equal(run(tmp_path / "map.onnx", TABLE[:n]), wanted)


def test_names_types_and_shapes(linear_file, placed_file):
    for path, outputs in ((linear_file, {"Z": ["n", 2]}), (placed_file, {"Z": ["n", 2], "confidence": ["n"]})):
        session = onnxruntime.InferenceSession(path)
        (given,) = session.get_inputs()
        assert (given.name, given.type, given.shape) == ("X", "tensor(float)", ["n", 4])
        assert {output.name: output.shape for output in session.get_outputs()} == outputs
        assert {output.type for output in session.get_outputs()} == {"tensor(float)"}
        assert read_description(path)["inputs"] == {"X": {"dtype": "float32", "shape": ["n", 4]}}
        described = read_description(path)["outputs"]
        assert described == {name: {"dtype": "float32", "shape": shape} for name, shape in outputs.items()}


def test_the_description(placed, placed_file):
    found = read_description(placed_file)
    assert found["drlim_version"] == drlim.__version__
    assert found["estimator"] == "NeighborMap"
    assert found["steps"] == []
    assert found["feature_names"] is None
    wanted = {name: value for name, value in placed.get_params().items() if name not in OF_A_FIT}
    assert found["parameters"] == {**wanted, "device": "auto"}
    assert found["architecture"]["input_shape"] == [4]
    graph = placed.graph_
    counts = {"n_samples": 60, "similar": graph.n_similar, "dissimilar": graph.n_dissimilar, "ignored": 0}
    assert {name: found["relations"][name] for name in counts} == counts
    assert found["verified"]["batches"] == [1, 3, 100]
    assert found["verified"]["n_rows"] > 200
    assert 0 <= found["verified"]["largest_difference"] <= 1e-5
    session = onnxruntime.InferenceSession(placed_file)
    assert f'"sha256":"{found["sha256"]}"' in session.get_modelmeta().custom_metadata_map["drlim"]


def test_the_digest_of_the_relations_tells_graphs_apart(linear, linear_file):
    found = read_description(linear_file)["relations"]["digest"]
    assert found == _relations(DrLIM(encoder="linear", **QUICK).fit(TABLE).graph_)["digest"]
    others = [linear.graph_ - linear.graph_, linear.graph_.subgraph(np.arange(59)), ~linear.graph_]
    assert len({found, *(_relations(other)["digest"] for other in others)}) == 4


@pytest.mark.slow
def test_the_same_fit_gives_the_same_bytes(linear_file, tmp_path):
    export(DrLIM(encoder="linear", **QUICK).fit(TABLE), tmp_path / "map.onnx")
    assert (tmp_path / "map.onnx").read_bytes() == linear_file.read_bytes()


def test_the_file_has_no_path_of_this_machine_in_it(linear_file, placed_file):
    for path in (linear_file, placed_file):
        content = path.read_bytes()
        for text in (b"/drlim", b"site-packages", b".py", b"File ", str(Path.home()).encode()):
            assert text not in content
        onnx.checker.check_model(str(path), full_check=True)


def test_a_pipeline_of_a_table_is_one_file(tmp_path):
    frame = pd.DataFrame(RANDOM.normal(size=(80, 3)) * [1, 1e3, 1e-2] + [0, 1e5, 0], columns=["a", "b", "c"])
    frame["kind"] = RANDOM.integers(0, 3, 80)
    frame.loc[::7, "a"] = np.nan
    table = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["a", "b", "c"]),
            ("kinds", OneHotEncoder(), ["kind"]),
        ],
        sparse_threshold=0,
    )
    pipeline = make_pipeline(table, PCA(4), DrLIM(encoder="mlp", **QUICK)).fit(frame)
    verified = export(pipeline, tmp_path / "map.onnx", X=frame)
    assert verified.largest_difference < 1e-5
    rows = frame.astype("f")
    wanted = pipeline.transform(rows.astype("d"))
    np.testing.assert_allclose(run(tmp_path / "map.onnx", rows.to_numpy()), wanted, rtol=0, atol=1e-5)
    found = read_description(tmp_path / "map.onnx")
    assert found["steps"] == ["ColumnTransformer", "PCA"]
    assert found["feature_names"] == ["a", "b", "c", "kind"]
    assert found["architecture"]["input_shape"] == [4]


class Doubled(nn.Module):
    """A module of the user's own."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * torch.nn.functional.gelu(self.linear(x))


def test_a_module_of_the_users_own(tmp_path):
    model = DrLIM(encoder=Doubled(), **QUICK).fit(TABLE)
    export(model, tmp_path / "map.onnx")
    np.testing.assert_allclose(run(tmp_path / "map.onnx", TABLE), model.transform(TABLE), rtol=0, atol=1e-5)
    assert read_description(tmp_path / "map.onnx")["architecture"]["class"] == "Doubled"


class Drawing(Doubled):
    """Draws a number in Python, which tracing keeps."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + random.random()  # noqa: S311


class Branching(Doubled):
    """Looks at its values, which cannot be traced."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) if x.sum() > 0 else self.linear(x)


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (Drawing(), "The exported file differs from transform by .* of the size of the map, on batches of 1"),
        pytest.param(
            Branching(),
            "The encoder cannot be exported to ONNX: .* Write it with operations that torch.onnx.export",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_an_encoder_that_cannot_be_exported_leaves_the_old_file(tmp_path, encoder, message):
    (tmp_path / "map.onnx").write_bytes(b"old")
    model = DrLIM(encoder=encoder, **QUICK).fit(TABLE)
    with pytest.raises(ValueError, match=message) as info:
        export(model, tmp_path / "map.onnx")
    assert len(str(info.value)) <= 600
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


# Refusals before any work


@pytest.fixture
def untraced(monkeypatch):
    """Fail where a module is traced."""
    monkeypatch.setattr(tracing, "traced", lambda *_: pytest.fail("It was traced."))


@pytest.mark.usefixtures("untraced")
def test_what_is_refused_before_any_work(linear, tmp_path):
    path, pipeline = tmp_path / "map.onnx", make_pipeline(StandardScaler(), linear).fit(TABLE)
    with pytest.raises(TypeError, match=r"The 'model' parameter of export must be a DrLIM, .* Got StandardScaler\(\)"):
        export(StandardScaler(), path)
    with pytest.raises(NotFittedError, match="This DrLIM instance is not fitted yet"):
        export(DrLIM(), path)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        export(linear, tmp_path / "absent" / "map.onnx")
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        export(linear, tmp_path)
    with pytest.raises(
        ValueError, match=re.escape("Expected 'X' to hold samples of shape (4,). Got an array of shape")
    ):
        export(linear, path, X=TABLE[:, :3])
    with pytest.raises(ValueError, match=r"Input X contains NaN\."):
        export(linear, path, X=np.full((2, 4), np.nan))
    with pytest.raises(ValueError, match="Expected 'X' with a pipeline, whose steps do not tell what samples look"):
        export(pipeline, path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("name", ["onnx", "onnxscript", "onnxruntime"])
def test_a_missing_package_is_named(linear, tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError) as info:
        export(linear, tmp_path / "map.onnx")
    assert str(info.value) == (
        f'Exporting to ONNX needs {name}, which is not installed. Install it with: pip install "drlim[onnx]"'
    )


# What is silenced


def test_only_what_the_exporter_says_of_itself_is_silenced(caplog, recwarn):
    logger = logging.getLogger(tracing._SPOKEN)
    filters = list(logger.filters)
    with tracing._quiet():
        for text in ("torchvision is not installed. Skipping torchvision::nms", "something else"):
            logger.warning(text)
        warnings.simplefilter("default")  # in the test, not in the library
        warnings.filterwarnings("ignore", message=r".*LeafSpec", category=FutureWarning)
        warnings.warn("another", FutureWarning, stacklevel=1)
    assert [record.getMessage() for record in caplog.records] == ["something else"]
    assert [str(warning.message) for warning in recwarn] == ["another"]
    assert logger.filters == filters


SILENT = """
import sys, numpy, drlim
X = numpy.random.default_rng(0).normal(size=(30, 3)).astype("f")
drlim.export(drlim.DrLIM(encoder="linear", max_epochs=1, verbose=False, random_state=0).fit(X), sys.argv[1])
"""


@pytest.mark.slow
def test_an_export_prints_and_warns_of_nothing(tmp_path):
    command = [sys.executable, "-W", "error", "-c", SILENT, tmp_path / "map.onnx"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "X"),
    [
        (DrLIM(encoder="two_layer", **QUICK), TABLE),
        (DrLIM(encoder="convnet", n_components=3, **QUICK), RANDOM.normal(size=(40, 2, 26, 28)).astype("f")),
        (NeighborMap(**QUICK), RANDOM.normal(size=(60, 12, 12)).astype("f")),
        (NeighborMap(metric="cosine", n_components=3, **QUICK), TABLE),
        (NeighborMap(metric="precomputed", **QUICK), np.abs(TABLE[:, None] - TABLE[None]).sum(axis=2)),
    ],
)
def test_every_encoder(tmp_path, estimator, X):
    estimator.fit(X)
    for samples in (None, X):
        verified = export(estimator, tmp_path / "map.onnx", X=samples)
        assert verified.n_tied == 0
    rows = np.resize(X, (10_000, *X.shape[1:])) * RANDOM.uniform(0.8, 1.2, (10_000, *[1] * (X.ndim - 1))).astype("f")
    wanted, size = estimator.transform(rows), max(1.0, np.abs(estimator.embedding_).max())
    apart = np.abs(run(tmp_path / "map.onnx", rows) - wanted).max(axis=1) > 1e-5 * size
    assert apart.sum() <= 1
