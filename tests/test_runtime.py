"""The runtime maps with NumPy alone what the estimators map with torch: same positions, same refusals."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse
from tests.persistence.models import Net, Trunk, attract, forge, repel, reseal, rewrite_header
from torch import nn

from drlim import DrLIM, ModelFileError, NeighborhoodGraph, NeighborMap, load, runtime, save
from drlim.estimators.samples import map_samples

GOLDEN = Path(__file__).parent / "golden"
RANDOM = np.random.default_rng(0)
QUICK: dict[str, Any] = {"max_epochs": 1, "random_state": 0, "verbose": False}


def samples(*shape: int, offset: float = 0.0, scale: float = 1.0) -> np.ndarray:
    """Samples in groups, so that a map has somewhere to put them."""
    generator = np.random.default_rng(len(shape))
    centres = 3 * generator.normal(size=(4, *shape[1:]))
    return (offset + scale * (centres[generator.integers(0, 4, shape[0])] + generator.normal(size=shape))).astype("f")


def distances(X: np.ndarray, to: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(X[:, None] - to[None]).sum(axis=2)).astype("f")


TABLE = samples(90, 5)
CASES: dict[str, tuple[Callable[[], Any], np.ndarray]] = {
    "linear": (lambda: DrLIM(encoder="linear", **QUICK), TABLE),
    "two_layer": (lambda: DrLIM(encoder="two_layer", **QUICK), TABLE),
    "mlp": (lambda: DrLIM(encoder="mlp", n_components=3, **QUICK), TABLE),
    "mlp of images": (lambda: DrLIM(encoder="mlp", **QUICK), samples(60, 2, 4, 5)),
    "convnet": (lambda: DrLIM(encoder="convnet", **QUICK), samples(50, 28, 28)),
    "convnet of colours": (lambda: DrLIM(encoder="convnet", **QUICK), samples(50, 3, 25, 30)),
    "far from 0": (lambda: DrLIM(encoder="mlp", **QUICK), samples(60, 5, offset=1000.0)),
    "tiny": (lambda: DrLIM(encoder="mlp", **QUICK), samples(60, 5, scale=1e-25)),
    "table": (lambda: NeighborMap(**QUICK), TABLE),
    "table in 3 dimensions": (lambda: NeighborMap(n_components=3, **QUICK), TABLE),
    "table in 1 dimension": (lambda: NeighborMap(n_components=1, **QUICK), TABLE),
    "wide table": (lambda: NeighborMap(**QUICK), samples(90, 80)),
    "few samples": (lambda: NeighborMap(n_neighbors=2, **QUICK), TABLE[:6]),
    "images": (lambda: NeighborMap(**QUICK), samples(90, 28, 28)),
    "images of 9 x 13": (lambda: NeighborMap(**QUICK), samples(90, 9, 13)),
    "images of colours": (lambda: NeighborMap(**QUICK), samples(90, 3, 10, 12)),
    "small images": (lambda: NeighborMap(**QUICK), samples(90, 4, 4)),
    "directions": (lambda: NeighborMap(metric="cosine", **QUICK), TABLE),
    "directions of images": (lambda: NeighborMap(metric="cosine", **QUICK), samples(90, 8, 8)),
    "distances": (lambda: NeighborMap(metric="precomputed", **QUICK), distances(TABLE, TABLE)),
    "small margin": (lambda: DrLIM(encoder="mlp", margin=1e-6, **QUICK), TABLE),
    "margin of images": (lambda: DrLIM(encoder="convnet", margin=1e20, **QUICK), samples(50, 28, 28)),
    "own springs": (lambda: DrLIM(encoder="linear", springs=(attract, repel), **QUICK), TABLE),
}
"""Estimators of every built-in encoder, with the samples they are fitted on."""


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Any, Path, np.ndarray]]:
    """Return a function that fits and saves an estimator of `CASES` once."""
    folder = tmp_path_factory.mktemp("runtime")

    @cache
    def fit(name: str) -> tuple[Any, Path, np.ndarray]:
        make, X = CASES[name]
        path = folder / f"{name}.safetensors"
        estimator = make().fit(X)
        save(estimator, path)
        return estimator, path, X

    return fit


def new(X: np.ndarray, n: int = 300) -> np.ndarray:
    """Samples like those, never seen."""
    generator = np.random.default_rng(9)
    noise = generator.normal(size=(n, *X.shape[1:])) * X.std()
    found = X[generator.integers(0, len(X), n)] + 0.3 * noise.astype("f")
    return np.abs(found) if X.min() >= 0 else found


def test_a_linear_map_solved_by_hand(tmp_path):
    model = DrLIM(encoder="linear", n_neighbors=1, **QUICK).fit(np.array([[0, 0], [2, 0], [0, 2], [2, 2]], dtype="f"))
    standardize, network = model.encoder_
    with torch.no_grad():
        standardize.offset.copy_(torch.tensor([1.0, 2.0]))
        standardize.scale.fill_(2.0)
        network[1].weight.copy_(torch.tensor([[1.0, 0.0], [1.0, -1.0]]))
        network[1].bias.copy_(torch.tensor([0.0, 10.0]))
    save(model, tmp_path / "model")
    # ((5, 8) - (1, 2)) / 2 = (2, 3); (2, 2 - 3) + (0, 10) = (2, 9)
    assert runtime.load(tmp_path / "model").transform([[5, 8], [1, 2]]).tolist() == [[2.0, 9.0], [0.0, 10.0]]


def test_a_mode_solved_by_hand():
    # Places at 0, 1 and 9 with .3, .3 and .4, b = 1.5: f is highest at the first two, by symmetry at 1/2 less the pull
    # of none: the third is 8 away. See the example of `PlacesHead`.
    near = [np.array([[0.0, 1.0, 9.0]], dtype="f"), np.zeros((1, 3), dtype="f")]
    Z, height = runtime._located(near, np.array([[0.3, 0.3, 0.4]], dtype="f"), np.float32(1.5), 3)
    assert Z.round(2).tolist() == [[pytest.approx(0.54), 0.0]]
    assert height.round(2).tolist() == [[pytest.approx(0.55)]]


@pytest.mark.parametrize("name", CASES)
def test_it_maps_as_the_estimator_does(fitted, name):
    estimator, path, X = fitted(name)
    model = runtime.load(path)
    assert (model.estimator, model.input_shape) == (type(estimator).__name__, X.shape[1:])
    size = max(getattr(estimator, "margin", 1.0), float(np.abs(estimator.embedding_).max()))
    for dtype, within in ((np.float32, 1e-6), (np.float64, 1e-12)):
        rows = new(X).astype(dtype)
        Z, wanted = model.transform(rows), estimator.transform(rows)
        assert Z.dtype == wanted.dtype == dtype
        assert Z.shape == wanted.shape
        assert (np.abs(Z - wanted) > within * size).any(axis=1).sum() == 0
        within = 2e-4 if dtype == np.float32 else 1e-9
        np.testing.assert_allclose(model.novelty(rows), estimator.novelty(rows), rtol=within, atol=10 * within)
    if isinstance(estimator, NeighborMap):
        np.testing.assert_allclose(model.confidence(rows), estimator.confidence(rows), rtol=0, atol=2e-6)
        assert model.confidence(rows).dtype == np.float64


def test_novelty_of_a_file_without_samples(tmp_path):
    estimator = DrLIM(encoder="linear", n_neighbors=1, **QUICK).fit(np.diag(np.arange(4.0)))
    save(estimator, tmp_path / "model", novelty=False)
    with pytest.raises(ValueError, match="so that novelty is not known: fit it again"):
        runtime.load(tmp_path / "model").novelty(np.eye(4))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["convnet", "mlp", "images", "wide table"])
def test_10000_rows_agree_but_for_ties(fitted, name):
    estimator, path, X = fitted(name)
    rows = new(X, 10_000)
    size = max(1.0, float(np.abs(estimator.embedding_).max()))
    apart = np.abs(runtime.load(path).transform(rows) - estimator.transform(rows)).max(axis=1) > 1e-6 * size
    assert apart.sum() <= isinstance(estimator, NeighborMap)


def test_a_file_of_format_1():
    with np.load(GOLDEN / "expected.npz") as expected:
        X, Z = expected["X"], expected["Z"]
    model = runtime.load(GOLDEN / "model_format1.safetensors")
    np.testing.assert_allclose(model.transform(X), Z, rtol=0, atol=1e-6)
    assert repr(model) == "Model(DrLIM, input_shape=(3,), n_components=2)"


@pytest.mark.parametrize(
    "dtype",
    ["bool", "int8", "uint8", "uint16", "int32", "int64", "float16", "float32", "float64", "longdouble", object],
)
def test_the_dtype_of_the_map(fitted, dtype):
    estimator, path, X = fitted("mlp")
    rows = np.abs(new(X, 7)).astype(dtype)
    Z, wanted = runtime.load(path).transform(rows), estimator.transform(rows)
    assert Z.dtype == wanted.dtype
    np.testing.assert_allclose(Z, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["mlp", "convnet", "images", "table"])
def test_a_row_does_not_depend_on_the_others(fitted, name):
    _, path, X = fitted(name)
    model, rows = runtime.load(path), new(X, 100)
    one_by_one = np.concatenate([model.transform(row[None]) for row in rows])
    np.testing.assert_allclose(one_by_one, model.transform(rows), rtol=0, atol=2e-6 * max(1, np.abs(one_by_one).max()))


def test_batches_are_cut_to_a_bound_of_memory(fitted, monkeypatch):
    _, path, X = fitted("convnet")
    model, rows = runtime.load(path), new(X, 50)
    whole = model.transform(rows)
    sizes = []
    through = runtime._Encoder.__call__
    monkeypatch.setattr(runtime._Encoder, "__call__", lambda self, x: (sizes.append(len(x)), through(self, x))[1])
    np.testing.assert_allclose(model.transform(rows), whole, rtol=0, atol=1e-6)
    assert sizes == [27, 23]  # 36 weights of each of 23 x 23 windows are 19,044 values a sample, of 2^19


@pytest.mark.parametrize("name", ["mlp", "convnet", "images", "directions"])
@pytest.mark.parametrize(
    "turned",
    [np.asfortranarray, lambda X: X[::-1], lambda X: X[:, ::-1][:, ::-1], lambda X: np.repeat(X, 2, axis=0)[::2]],
    ids=["columns first", "backward", "turned twice", "every second"],
)
def test_arrays_that_do_not_lie_in_order(fitted, name, turned):
    _, path, X = fitted(name)
    model, rows = runtime.load(path), new(X, 20)
    kept = rows.copy()
    given = turned(rows)
    given.flags.writeable = False
    wanted = model.transform(rows)[::-1] if given.strides[0] < 0 else model.transform(rows)
    np.testing.assert_allclose(model.transform(given), wanted, rtol=0, atol=1e-5)
    assert np.array_equal(rows, kept)


def test_an_input_is_not_changed(fitted):
    for name in CASES:
        _, path, X = fitted(name)
        rows = new(X, 5)
        kept = rows.copy()
        runtime.load(path).transform(rows)
        assert np.array_equal(rows, kept), name


def columns(X: np.ndarray, *names: Any) -> pd.DataFrame:
    return pd.DataFrame(X, columns=list(names))


NAN, INF = np.array([[np.nan] * 5]), np.array([[np.inf, 0, 0, 0, 0]])

WRONG: dict[str, Any] = {
    "NaN": NAN,
    "NaN in float32": NAN.astype("f"),
    "infinity": INF,
    "infinity and NaN": np.concatenate([INF, NAN]),
    "infinity in float32": INF.astype("f"),
    "infinity in float16": INF.astype("e"),
    "too large": np.full((1, 5), 1e31),
    "too small": np.full((1, 5), -1e31),
    "too few columns": np.zeros((3, 4)),
    "no columns": np.zeros((3, 0)),
    "no rows": np.zeros((0, 5)),
    "one sample": np.zeros(5),
    "a number": np.array(3.0),
    "a plain number": 3.0,
    "images": np.zeros((3, 2, 5)),
    "no images": np.zeros((0, 2, 5)),
    "empty images": np.zeros((3, 2, 0)),
    "images of NaN": np.full((3, 2, 5), np.nan),
    "nested lists": [[[0.0] * 5]],
    "complex": np.zeros((2, 5)) + 1j,
    "complex images": np.zeros((2, 5, 2)) + 1j,
    "words": [["a"] * 5],
    "an array of words": np.array([["a"] * 5]),
    "ragged": [[0.0] * 5, [0.0] * 4],
    "None": None,
    "None in it": [[None, 0, 0, 0, 0]],
    "a dict": {"a": 1},
    "sparse": sparse.csr_matrix(np.zeros((2, 5))),
    "masked": np.ma.masked_array(np.zeros((2, 5)), mask=np.eye(2, 5)),
    "missing in a data frame": columns(NAN, *"abcde"),
    "words in a data frame": columns(np.array([["x"] * 5]), *"abcde"),
}


def refused(function: Callable[[Any], object], X: Any) -> tuple[str, str]:
    """Return type and text of the error."""
    with pytest.raises((ValueError, TypeError)) as info:
        function(X)
    return type(info.value).__name__, str(info.value)


def assert_alike(found: tuple[str, str], wanted: tuple[str, str]) -> None:
    """Assert that a refusal is of the same kind and begins alike; an estimator adds the first wrong place."""
    assert found[0] == wanted[0]
    beginning = found[1].partition(" Reshape")[0].partition(": rescale")[0].rstrip(".")
    assert wanted[1].startswith(beginning)
    assert len(beginning) >= 20


FORMS = ("None", "a dict", "masked", "None in it")
"""Of these, estimators know more than the runtime."""


@pytest.mark.parametrize("wrong", [name for name in WRONG if name not in {*FORMS, "sparse"}])
@pytest.mark.filterwarnings("ignore:X has feature names")
def test_wrong_samples_are_refused_as_the_estimator_refuses_them(fitted, wrong):
    estimator, path, _ = fitted("table")
    assert_alike(refused(runtime.load(path).transform, WRONG[wrong]), refused(estimator.transform, WRONG[wrong]))
    assert refused(runtime.load(path).confidence, WRONG[wrong])[0] in {"ValueError", "TypeError"}


@pytest.mark.parametrize("wrong", FORMS)
def test_wrong_forms_are_refused_by_both(fitted, wrong):
    estimator, path, _ = fitted("table")
    for transform in (runtime.load(path).transform, estimator.transform):
        assert refused(transform, WRONG[wrong])[0] in {"ValueError", "TypeError"}


def test_sparse_samples_are_refused_which_the_estimator_takes(fitted):
    estimator, path, _ = fitted("table")
    assert estimator.transform(WRONG["sparse"]).shape == (2, 2)
    assert refused(runtime.load(path).transform, WRONG["sparse"])[0] == "TypeError"


@pytest.mark.parametrize("shape", [(2, 784), (2, 10), (2, 28, 27), (2, 1, 28, 28), (0, 28, 28), (2, 28), (28, 28), ()])
def test_wrong_shapes_of_images_are_refused_as_the_estimator_refuses_them(fitted, shape):
    estimator, path, _ = fitted("convnet")
    X = np.zeros(shape)
    assert_alike(refused(runtime.load(path).transform, X), refused(estimator.transform, X))


@pytest.mark.filterwarnings("ignore:.*A map says nothing of samples that far away")
def test_values_that_leave_the_finite_numbers_are_refused_as_the_estimator_refuses_them(fitted):
    estimator, path, _ = fitted("tiny")
    wrong = np.full((1, 5), 1e29, dtype="f")
    found = refused(runtime.load(path).transform, wrong)
    assert found == refused(estimator.transform, wrong)
    assert "values that are not finite" in found[1]


def test_negative_distances_are_refused_as_the_estimator_refuses_them(fitted):
    estimator, path, X = fitted("distances")
    assert refused(runtime.load(path).transform, X - 1) == refused(estimator.transform, X - 1)


@pytest.mark.parametrize(
    "names",
    [("b", "a", "c", "d", "e"), ("a", "b", "c", "d", "x"), tuple("uvwxyz"), tuple("abcdef")],
)
def test_other_columns_are_refused_as_the_estimator_refuses_them(tmp_path, names):
    estimator = DrLIM(encoder="linear", **QUICK).fit(columns(TABLE, *"abcde"))
    save(estimator, tmp_path / "model")
    model = runtime.load(tmp_path / "model")
    assert model.feature_names == list("abcde")
    frame = columns(np.zeros((2, len(names))), *names)
    assert refused(model.transform, frame)[0] == refused(estimator.transform, frame)[0]
    right = columns(TABLE, *"abcde")
    np.testing.assert_allclose(model.transform(right), estimator.transform(right), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["mlp", "images", "linear"])
def test_a_map_that_leaves_the_finite_numbers_warns_of_nothing(fitted, name):
    _, path, X = fitted(name)
    with suppress(ValueError):  # where the positions are not finite; warnings are errors here
        runtime.load(path).transform(np.full_like(X[:2], 9e29))


def test_a_drlim_has_no_confidence(fitted):
    _, path, X = fitted("mlp")
    with pytest.raises(TypeError, match="Expected the model of a NeighborMap: a DrLIM has no probabilities"):
        runtime.load(path).confidence(X)


# Files


def same_refusal(path: Path) -> str:
    """Assert that the runtime refuses a file as `load` does; return the text."""
    with pytest.raises(ModelFileError) as wanted:
        load(path)
    with pytest.raises(runtime.ModelFileError) as found:
        runtime.load(path)
    assert str(found.value) == str(wanted.value)
    return str(found.value)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_byte_is_refused_as_load_refuses_it(fitted, tmp_path, data):
    content = bytearray(fitted("linear")[1].read_bytes())
    place = data.draw(st.integers(0, len(content) - 1) | st.integers(0, 400))
    content[place] ^= data.draw(st.integers(1, 255))
    (tmp_path / "model").write_bytes(content)
    same_refusal(tmp_path / "model")


def test_a_damaged_name_in_the_entry_of_a_tensor_is_refused_as_load_refuses_it(fitted, tmp_path):
    (tmp_path / "model").write_bytes(fitted("linear")[1].read_bytes().replace(b'"dtype"', b'"etype"', 1))
    assert "its checksum does not match" in same_refusal(tmp_path / "model")


def test_a_map_on_a_space_is_refused(tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
    save(DrLIM(space="circle", max_epochs=1, random_state=0).fit(X), tmp_path / "model")
    with pytest.raises(runtime.ModelFileError, match="holds a map on a curved space, which needs torch"):
        runtime.load(tmp_path / "model")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_cut_short_is_refused_as_load_refuses_it(fitted, tmp_path, data):
    content = fitted("linear")[1].read_bytes()
    (tmp_path / "model").write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    same_refusal(tmp_path / "model")


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.replace(b'"embedding":', b'"embedding":{},"embedding":'),
        lambda header: header.replace(b'"shape":[90,2]', b'"shape":[90,2.0]'),
        lambda header: header.replace(b'"shape":[90,2]', b'"shape":[true,2]'),
        lambda header: header.replace(b'"drlim":"{', b'"other":"{'),
        lambda header: header.replace(b'"drlim":"{', b'"drlim":"[{').replace(b'}"},"', b'}]"},"'),
        lambda header: header.replace(b'\\"needs\\":[]', b'\\"needs\\":[],\\"needs\\":[]'),
        lambda header: re.sub(rb'(\\"energy\\":)[0-9.e-]+', rb"\1NaN", header, count=1),
        lambda header: header.replace(b'\\"needs\\":[]', b'\\"needs\\":' + b"[" * 100_000),
        lambda header: header.replace(b'\\"format_version\\":4', b'\\"format_version\\":8'),
        lambda header: header.replace(b'\\"format_version\\":4', b'\\"graph_format\\":1'),
        lambda _: b"[]",
        lambda _: b"\xff" * 9,
        lambda _: b"1" * 5000,
    ],
)
def test_another_header_is_refused_as_load_refuses_it(fitted, tmp_path, change):
    path = shutil.copy(fitted("linear")[1], tmp_path / "model")
    rewrite_header(path, change)
    if b"sha256" in path.read_bytes():
        reseal(path)
    assert path.read_bytes() != fitted("linear")[1].read_bytes()
    same_refusal(path)


def test_other_files_are_refused_as_load_refuses_them(tmp_path):
    graph = tmp_path / "graph"
    NeighborhoodGraph.from_pairs(3, [(0, 1)]).save(graph)
    assert "is a graph's file" in same_refusal(graph)
    assert "a folder or a device" in same_refusal(tmp_path)
    long = tmp_path / ("x" * 200)
    long.write_bytes(b"1")
    assert len(same_refusal(long)) <= 600
    for read in (load, runtime.load):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "absent")


def double_the_columns(_: Any, tensors: dict[str, torch.Tensor]) -> None:
    tensors["encoder.1.1.weight"] = tensors["encoder.1.1.weight"].repeat(1, 2)


def store_half(_: Any, tensors: dict[str, torch.Tensor]) -> None:
    tensors["encoder.1.1.weight"] = tensors["encoder.1.1.weight"].half()


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda _, tensors: tensors.pop("encoder.1.1.bias"), "its weights are not those of its encoder"),
        (double_the_columns, "its weights are not those of its encoder"),
        (lambda metadata, _: metadata["architecture"].update(encoder="resnet"), "its weights are not those of its enc"),
        (lambda _, tensors: tensors["encoder.1.1.bias"].fill_(torch.nan), "'encoder.1.1.bias' in it is not finite"),
        (store_half, "is damaged: 'F16'"),
    ],
)
def test_a_forged_file_is_refused(fitted, tmp_path, change, cause):
    path = shutil.copy(fitted("linear")[1], tmp_path / "model")
    forge(path, change)
    with pytest.raises(runtime.ModelFileError, match=cause):
        runtime.load(path)
    with pytest.raises(ModelFileError):
        load(path)


def own_network(input_shape: tuple[int, ...], n_components: int) -> nn.Module:
    return nn.Linear(*input_shape, n_components)


@pytest.mark.parametrize(
    ("estimator", "kind"),
    [
        (DrLIM(encoder=Net(5), **QUICK), "Net"),
        (DrLIM(encoder=own_network, **QUICK), "Linear"),
        (NeighborMap(encoder=Trunk(5), **QUICK), "Trunk"),
    ],
)
def test_an_encoder_of_the_users_own_is_refused_with_the_onnx_way_named(tmp_path, estimator, kind):
    save(estimator.fit(TABLE), tmp_path / "model")
    with pytest.raises(runtime.ModelFileError) as info:
        runtime.load(tmp_path / "model")
    assert str(info.value) == (
        f"{tmp_path / 'model'}: was saved with an encoder of your own (a {kind}), and no code is in a model file. "
        'Export it where torch is installed, drlim.export(estimator, "map.onnx"), and run that file by onnxruntime.'
    )


def test_an_onnx_file_is_refused_with_what_to_install(tmp_path):
    path = tmp_path / "map.onnx"
    path.write_bytes(b"\x08\x0a\x12\x07pytorch")
    assert same_refusal(path) == (
        f"{path}: is no model file of drlim but an ONNX file by its name. Run it by onnxruntime (pip install "
        "onnxruntime): onnxruntime.InferenceSession(path).run(None, {'X': X})."
    )


# Alone


def run_alone(folder: Path, code: str) -> str:
    """Run code in a process that has NumPy, and no drlim, torch, scikit-learn or the like."""
    blocked = (
        "import sys\nfor name in ('torch', 'sklearn', 'scipy', 'drlim', 'safetensors'): sys.modules[name] = None\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", blocked + code]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["convnet", "images"])
def test_the_file_alone_beside_a_model_maps(fitted, tmp_path, name):
    estimator, path, X = fitted(name)
    shutil.copy(runtime.__file__, tmp_path / "runtime.py")
    shutil.copy(path, tmp_path / "map.safetensors")
    np.save(tmp_path / "X.npy", X[:5])
    code = "import numpy, runtime\nmodel = runtime.load('map.safetensors')\n"
    run_alone(tmp_path, code + "numpy.save('Z.npy', model.transform(numpy.load('X.npy')))")
    wanted = map_samples(estimator.encoder_, X[:5])
    np.testing.assert_allclose(np.load(tmp_path / "Z.npy"), wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())


NEEDS_NUMPY = "ImportError: drlim.runtime needs NumPy, which is not installed: pip install numpy\n"


def test_without_numpy_it_says_what_to_install():
    code = "import sys; sys.modules['numpy'] = None; import drlim.runtime"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.endswith(NEEDS_NUMPY)


def other_pythons() -> list[str]:
    """Return other versions of Python on this machine that start."""
    versions = [f"python3.{minor}" for minor in range(9, 20) if minor != sys.version_info.minor]
    found = [path for path in map(shutil.which, versions) if path is not None]
    return [
        path for path in found if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0
    ]


@pytest.mark.parametrize("name", ["convnet", "mlp", "images"])
def test_on_another_python_it_maps_or_says_what_to_install(fitted, tmp_path, name):
    pythons = other_pythons()
    if not pythons:
        pytest.skip("no other version of Python starts here")
    estimator, path, X = fitted(name)
    shutil.copy(runtime.__file__, tmp_path / "runtime.py")
    np.save(tmp_path / "X.npy", X[:5])
    code = f"import runtime, numpy\nnumpy.save('Z.npy', runtime.load({str(path)!r}).transform(numpy.load('X.npy')))"
    for python in pythons:
        done = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            wanted = map_samples(estimator.encoder_, X[:5])
            np.testing.assert_allclose(np.load(tmp_path / "Z.npy"), wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())
        else:
            assert done.stderr.endswith(NEEDS_NUMPY)


def test_importing_the_runtime_imports_nothing_heavy():
    code = (
        "import sys, numpy; before = set(sys.modules); import drlim.runtime\n"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)), "
        "sorted(name for name in sys.modules if name.startswith('drlim.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['drlim', 'numpy'] ['drlim.runtime']\n"


def test_importing_the_runtime_takes_a_twentieth_of_a_second_beyond_numpy():
    code = "import time, numpy; t = time.perf_counter(); import drlim.runtime; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(5)]
    assert min(map(float, runs)) <= 0.05
