"""Model files: what is saved comes back whole, and nothing else is taken for it."""

from __future__ import annotations

import copy
import errno
import hashlib
import io
import json
import os
import pickle
import re
import struct
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import torch as safetensors_torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from torch import nn

from drlim import DrLIM, NeighborhoodGraph, knn_graph, load, make_springs, save
from drlim._base import disk as _io
from drlim._base.sealed import FORMAT_VERSION, KEY, metadata_text, read_model_file, sealed, unusable
from drlim.encoders import make_encoder
from drlim.persistence import ModelFileError, read_summary

RANDOM = np.random.default_rng(0)
TABLE = RANDOM.normal(size=(12, 4)).astype(np.float32)
IMAGES = RANDOM.integers(0, 256, size=(8, 24, 24), dtype=np.uint8)

QUICK: dict[str, Any] = {"encoder": "linear", "n_neighbors": 2, "max_epochs": 2, "random_state": 0, "verbose": False}


class Net(nn.Module):
    """A module with all that a state can hold: weights, counters, a mask of infinities, one weight under two names."""

    mask: torch.Tensor

    def __init__(self, n_features: int = 4, n_hidden: int = 6) -> None:
        super().__init__()
        self.first = nn.Linear(n_features, n_hidden)
        self.norm = nn.BatchNorm1d(n_hidden)
        self.last = nn.Linear(n_hidden, 2)
        self.tied = self.last
        self.register_buffer("mask", torch.full((2,), -torch.inf))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.tied(torch.relu(self.norm(self.first(x)))).maximum(self.mask)


def attract(distance: torch.Tensor) -> torch.Tensor:
    return distance.square()


def repel(distance: torch.Tensor) -> torch.Tensor:
    return torch.exp(-distance)


@pytest.fixture(scope="module")
def model() -> DrLIM:
    return DrLIM(**QUICK).fit(TABLE)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def assert_same(loaded: DrLIM, original: DrLIM, X: Any, own: tuple[str, ...] = ()) -> None:
    """Assert that two estimators agree in all that they show."""
    wanted = original.get_params()
    found = loaded.get_params()
    assert {name: found[name] for name in found if name not in own} == {
        name: wanted[name] for name in wanted if name not in own
    }
    public = {name for name in vars(original) if name.endswith("_")}
    assert {name for name in vars(loaded) if name.endswith("_")} == public
    for name in public - {"encoder_", "embedding_", "feature_names_in_", "history_"}:
        assert getattr(loaded, name) == getattr(original, name), name
    timeless = [{name: value for name, value in record.items() if name != "seconds"} for record in original.history_]
    assert repr(loaded.history_) == repr(timeless)  # the types too
    assert loaded.embedding_.dtype == original.embedding_.dtype
    assert loaded.embedding_.tobytes() == original.embedding_.tobytes()
    assert loaded.embedding_.flags.writeable
    assert not loaded.graph_.similar.indices.flags.writeable
    assert not loaded.encoder_.training
    # Where in memory a row begins can change how its sum is rounded; torch's own allocations begin at 64 bytes.
    assert all(value.data_ptr() % 64 == 0 for value in loaded.encoder_.state_dict().values())
    first, second = loaded.transform(X), original.transform(X)
    assert np.asarray(first).dtype == np.asarray(second).dtype
    assert np.asarray(first).tobytes() == np.asarray(second).tobytes()
    assert list(loaded.get_feature_names_out()) == list(original.get_feature_names_out())


def forge(path: Path, change: Callable[[dict[str, Any], dict[str, torch.Tensor]], object]) -> None:
    """Change a file's metadata and tensors, and seal it anew: a checksum alone would let it pass."""
    file = read_model_file(path)
    tensors = safetensors_torch.load(file.content)
    metadata = copy.deepcopy(file.metadata)
    change(metadata, tensors)
    path.write_bytes(sealed(safetensors_torch.save(tensors, {KEY: metadata_text(metadata)})))


def rewrite_header(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change a file's header as text."""
    content = path.read_bytes()
    end = 8 + struct.unpack("<Q", content[:8])[0]
    header = change(content[8:end])
    path.write_bytes(struct.pack("<Q", len(header)) + header + content[end:])


# What is saved comes back


VARIANTS: dict[str, tuple[dict[str, Any], Any]] = {
    "linear": ({}, TABLE),
    "float64": ({}, TABLE.astype(np.float64)),
    "auto": ({"encoder": "auto"}, TABLE),
    "mlp": ({"encoder": "mlp", "n_components": 3}, TABLE),
    "two_layer": ({"encoder": "two_layer", "optimizer": "lbfgs", "batch_size": "all"}, TABLE),
    "images": ({"encoder": "auto"}, IMAGES),
    "convnet": ({"encoder": "convnet", "interactions": "batch", "batch_size": 4}, IMAGES[:, None].repeat(3, axis=1)),
    "small images": ({"encoder": "auto"}, IMAGES[:, :5, :7]),
    "data frame": ({}, pd.DataFrame(TABLE, columns=["a", 'b "', "Länge", "\\d\\\n"])),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_round_trip(name, path):
    parameters, X = VARIANTS[name]
    original = DrLIM(**{**QUICK, **parameters}).fit(X)
    save(original, path)
    assert_same(load(path), original, X)


def test_names_of_columns_come_back_and_are_checked(path):
    X = pd.DataFrame(TABLE, columns=list("abcd"))
    save(DrLIM(**QUICK).fit(X), path)
    loaded = load(path)
    assert loaded.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names should match"):
        loaded.transform(X[list("dcba")])


def test_every_parameter_comes_back(path):
    given_: dict[str, Any] = {
        "n_components": np.int64(3),
        "encoder": "linear",
        "n_neighbors": np.int32(2),
        "neighbors": None,
        "orbit": None,
        "margin": np.float32(0.1),
        "dissimilar_weight": 2,
        "springs": None,
        "optimizer": "adam",
        "learning_rate": 0.1 + 0.2,
        "batch_size": 5,
        "interactions": "batch",
        "max_epochs": 1,
        "tol": np.float64(1e-300),
        "device": torch.device("cpu"),
        "random_state": 7,
        "verbose": False,
    }
    assert given_.keys() == DrLIM().get_params().keys()
    original = DrLIM(**given_).fit(TABLE)
    save(original, path)
    loaded = load(path)
    assert loaded.get_params() == given_
    assert loaded.device == torch.device("cpu")
    assert_same(loaded, original, TABLE)


def test_functions_that_training_called_are_stored_as_none(path):
    model = DrLIM(**QUICK, neighbors=lambda X: knn_graph(X, 2), orbit=np.negative).fit(TABLE)
    save(model, path)
    loaded = load(path)
    assert loaded.neighbors is loaded.orbit is None
    np.testing.assert_array_equal(loaded.transform(TABLE), model.embedding_)


def test_a_file_without_the_later_parameters_is_read(model, path):
    save(model, path)

    def forget(metadata, _):
        for name in ("neighbors", "orbit"):
            del metadata["parameters"][name]

    forge(path, forget)
    assert_same(load(path), model, TABLE)


def test_a_graph_that_contradicts_itself_comes_back(path):
    graph = NeighborhoodGraph.from_pairs(12, [(0, 1), (2, 3)]) | NeighborhoodGraph.from_pairs(
        12, [], dissimilar=[(0, 1)]
    )
    assert graph.n_contradictions == 1
    save(DrLIM(**QUICK).fit(TABLE, graph=graph), path)
    assert load(path).graph_ == graph


def test_random_state_instance_is_stored_as_none(path):
    save(DrLIM(**{**QUICK, "random_state": np.random.RandomState(0)}).fit(TABLE), path)
    assert load(path).random_state is None


@pytest.mark.parametrize("dissimilar", [None, [(0, 5), (1, 6)]])
@pytest.mark.parametrize("ignored", [None, [(2, 3)], np.empty((0, 2), dtype=int)])
def test_graph_comes_back_with_each_of_its_sets(path, dissimilar, ignored):
    graph = NeighborhoodGraph.from_pairs(12, [(0, 1), (4, 2)], dissimilar=dissimilar, ignored=ignored)
    save(DrLIM(**QUICK).fit(TABLE, graph=graph), path)
    assert load(path).graph_ == graph


def test_loaded_estimator_lives_on(model, path, tmp_path):
    save(model, path)
    loaded = load(path)
    assert loaded.score(TABLE) == model.score(TABLE)
    assert clone(loaded).fit(TABLE).embedding_.tobytes() == model.embedding_.tobytes()
    assert pickle.loads(pickle.dumps(loaded)).transform(TABLE).tobytes() == model.embedding_.tobytes()  # noqa: S301
    again = tmp_path / "again.safetensors"
    save(loaded, again)
    assert again.read_bytes() == path.read_bytes()
    other = loaded.set_params(n_components=1).fit(TABLE[:6, :3])
    assert other.embedding_.shape == (6, 1)


def test_global_random_numbers_and_defaults_are_left_alone(path):
    net = Net()
    save(DrLIM(**{**QUICK, "encoder": net}).fit(TABLE), path)
    before = torch.get_rng_state()
    load(path, encoder=lambda *_: Net())
    assert torch.equal(torch.get_rng_state(), before)


def test_architecture_is_the_trained_one_whatever_was_set_since(path):
    original = DrLIM(**QUICK).fit(TABLE)
    original.set_params(encoder="mlp", n_components=5)
    save(original, path)
    loaded = load(path)
    assert loaded.get_params() == original.get_params()
    assert loaded.transform(TABLE).tobytes() == original.embedding_.tobytes()


def test_trained_module_of_ones_own_stays_so_whatever_was_set_since(path):
    net = Net()
    original = DrLIM(**{**QUICK, "encoder": net}).fit(TABLE)
    original.set_params(encoder="mlp")
    save(original, path)
    with pytest.raises(ModelFileError, match="an encoder of your own"):
        load(path)
    assert_same(load(path, encoder=net), original, TABLE, own=("encoder",))


@pytest.mark.parametrize("epochs", [0, 2])
def test_interrupted_training_can_be_saved(path, monkeypatch, epochs):
    def interrupt(*args: Any) -> Any:
        if epochs == 0 or len(args[0]) == epochs:
            raise KeyboardInterrupt
        return False

    monkeypatch.setattr(
        "drlim.training.loop._has_converged" if epochs else "drlim.training.loop._set_learning_rate", interrupt
    )
    with pytest.warns(UserWarning, match="interrupted"):
        original = DrLIM(**{**QUICK, "max_epochs": 5}).fit(TABLE)
    save(original, path)
    loaded = load(path)
    assert (loaded.stopped_, loaded.n_iter_) == ("interrupted", epochs)
    assert_same(loaded, original, TABLE)
    assert read_summary(path)["training"]["epochs"] == epochs


def test_diverged_training_can_be_saved(model, path):
    diverged = copy.deepcopy(model)
    del diverged.stopped_  # as fit leaves it
    save(diverged, path)
    assert_same(load(path), diverged, TABLE)


def test_device_that_is_not_here_is_kept_as_parameter_only(model, path):
    save(model, path)
    forge(path, lambda metadata, _: metadata["parameters"].update(device="cuda:99"))
    loaded = load(path)
    assert loaded.device == "cuda:99"
    assert loaded.transform(TABLE).tobytes() == model.embedding_.tobytes()


# Parts of one's own


@pytest.mark.parametrize("factory", [False, True])
def test_own_encoder_is_given_again(path, factory):
    net = Net()
    encoder: Any = (lambda input_shape, _: Net(*input_shape)) if factory else net
    original = DrLIM(**{**QUICK, "encoder": encoder}).fit(TABLE)
    save(original, path)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    loaded = load(path, encoder=encoder)
    assert loaded.encoder is encoder
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert loaded.encoder_ is not net
    assert_same(loaded, original, TABLE, own=("encoder",))
    again = path.with_name("again.safetensors")
    save(loaded, again)
    assert again.read_bytes() == path.read_bytes()


def test_own_module_like_a_built_in_one_is_still_ones_own(path):
    module = make_encoder("linear", (4,), 2)
    original = DrLIM(**{**QUICK, "encoder": module}).fit(TABLE)
    save(original, path)
    with pytest.raises(ModelFileError, match="encoder of your own"):
        load(path)
    assert_same(load(path, encoder=module), original, TABLE, own=("encoder",))


def test_file_without_a_needed_encoder_says_so(path):
    save(DrLIM(**{**QUICK, "encoder": Net()}).fit(TABLE), path)
    message = (
        f"{path}: was saved with an encoder of your own (a Net), and no code is in a model file. "
        "Give the same again: load(path, encoder=...)."
    )
    with pytest.raises(ModelFileError, match=f"^{re.escape(message)}$"):
        load(path)


def test_encoder_that_does_not_fit(path):
    save(DrLIM(**{**QUICK, "encoder": Net()}).fit(TABLE), path)
    begin = f"{path}: cannot be used: its weights do not fit the 'encoder' given: Error(s) in loading state_dict for "
    with pytest.raises(ModelFileError, match=re.escape(begin + "Net: size mismatch for first.weight")):
        load(path, encoder=Net(n_hidden=7))
    with pytest.raises(
        ModelFileError, match=re.escape(begin + 'Linear: Missing key(s) in state_dict: "weight"')
    ) as info:
        load(path, encoder=nn.Linear(4, 2))
    assert len(str(info.value)) <= 600


def test_factory_that_makes_no_module(path):
    save(DrLIM(**{**QUICK, "encoder": Net()}).fit(TABLE), path)
    message = (
        "The 'encoder' parameter of load must return a torch.nn.Module when called with (input_shape, n_components)."
    )
    with pytest.raises(TypeError, match=re.escape(f"{message} Got 3 instead.")):
        load(path, encoder=lambda *_: 3)
    with pytest.raises(TypeError, match=re.escape("The 'encoder' parameter of load must be")):
        load(path, encoder="mlp")


def test_own_springs_are_given_again(path):
    springs = (attract, repel)
    original = DrLIM(**{**QUICK, "springs": springs}).fit(TABLE)
    save(original, path)
    message = (
        f"{path}: was saved with springs of your own, and no code is in a model file. "
        "Give the same again: load(path, springs=...)."
    )
    with pytest.raises(ModelFileError, match=f"^{re.escape(message)}$"):
        load(path)
    loaded = load(path, springs=springs)
    assert_same(loaded, original, TABLE)
    assert loaded.score(TABLE) == original.score(TABLE)
    with pytest.raises(TypeError, match=re.escape("The 'springs' parameter must be None, a Springs or a pair")):
        load(path, springs=(attract, 3))


def test_both_parts_of_ones_own(path):
    springs = make_springs(laws=(attract, repel))
    net = Net()
    original = DrLIM(**{**QUICK, "encoder": net, "springs": springs}).fit(TABLE)
    save(original, path)
    assert read_summary(path)["needs"] == ["encoder", "springs"]
    assert_same(load(path, encoder=net, springs=springs), original, TABLE, own=("encoder",))


@pytest.mark.parametrize("name", ["encoder", "springs"])
def test_part_that_is_not_needed_is_refused(model, path, name):
    save(model, path)
    message = f"The '{name}' parameter of load must be None for this file, which has its own: {path}"
    with pytest.raises(ValueError, match=re.escape(message)):
        load(path, **{name: Net()})


# What cannot be saved


def test_unfitted(path):
    with pytest.raises(NotFittedError):
        save(DrLIM(), path)
    assert not path.exists()


@pytest.mark.parametrize("given_", [3, Net(), type("Other", (DrLIM,), {})()])
def test_only_drlim_is_saved(path, given_):
    with pytest.raises(TypeError, match=re.escape("The 'estimator' parameter of save must be a DrLIM. Got ")):
        save(given_, path)


def test_parameter_out_of_range_is_not_saved(model, path):
    broken = copy.deepcopy(model).set_params(margin=-1)
    with pytest.raises(ValueError, match="The 'margin' parameter of DrLIM must be"):
        save(broken, path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("ruin", "cause"),
    [
        (lambda e: e.encoder_[1][1].bias.data.fill_(torch.inf), "the encoder's weight '1.1.bias' is not finite"),
        (lambda e: e.encoder_[0].offset.fill_(torch.nan), "the encoder's buffer '0.offset' has NaN in it"),
        (lambda e: e.embedding_.fill(np.nan), "the map of the training samples is not finite"),
    ],
)
def test_what_is_not_finite_is_neither_saved_nor_loaded(model, path, monkeypatch, ruin, cause):
    ruined = copy.deepcopy(model)
    ruin(ruined)
    with pytest.raises(ValueError, match=re.escape(cause)):
        save(ruined, path)
    assert not path.exists()
    with monkeypatch.context() as unguarded:
        unguarded.setattr("drlim.persistence.saving._check_finite", lambda *_: None)
        save(ruined, path)
    with pytest.raises(ModelFileError, match=re.escape(f"{path}: cannot be used: {cause}")):
        load(path)


def test_state_that_is_no_tensor(path):
    class Stateful(Net):
        def get_extra_state(self) -> dict[str, int]:
            return {"steps": 3}

    original = DrLIM(**{**QUICK, "encoder": Net()}).fit(TABLE)
    original.encoder_.__class__ = Stateful
    message = "The encoder cannot be saved: '_extra_state' in its state is no tensor, and a file holds no other."
    with pytest.raises(TypeError, match=re.escape(message)):
        save(original, path)


# Files on a disk


class FullDisk(io.BytesIO):
    def write(self, _: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_full_disk_leaves_the_old_file_whole(model, path, monkeypatch):
    save(model, path)
    old = path.read_bytes()
    with monkeypatch.context() as full:
        full.setattr(_io.Path, "open", lambda *_: FullDisk())
        with pytest.raises(OSError, match="No space left on device"):
            save(DrLIM(**QUICK).fit(TABLE[:6]), path)
    assert path.read_bytes() == old
    assert_same(load(path), model, TABLE)
    assert list(path.parent.iterdir()) == [path]


KILLED = """
    import itertools, os, random, signal, sys, time
    import torch
    torch.set_num_threads(1)
    from drlim import load, save
    target, *others = sys.argv[1:]
    models = [load(path) for path in others]
    contents = {open(path, "rb").read() for path in others}
    draw, seen = random.Random(0), set()
    for _ in range(15):
        done, tell = os.pipe()
        child = os.fork()
        if child == 0:
            for model in itertools.cycle(models):
                save(model, target)
                os.write(tell, b".")
        os.read(done, draw.choice([1, 2]))
        time.sleep(draw.uniform(0, 0.01))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        load(target)
        content = open(target, "rb").read()
        assert content in contents  # what another process wrote: bytes depend on the model alone
        seen.add(content)
    print(len(seen))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="fork and SIGKILL of POSIX")
def test_killed_process_leaves_a_whole_file(model, path):
    others = [path.with_name(name) for name in ("a.safetensors", "b.safetensors")]
    save(model, others[0])
    save(DrLIM(**QUICK).fit(TABLE[:6]), others[1])
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(path), *map(str, others)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.stdout == "2\n", done.stderr  # both models were met: saving was under way


@pytest.mark.parametrize("function", [load, read_summary])
def test_missing_file_and_folder(tmp_path, function):
    with pytest.raises(FileNotFoundError, match=re.escape("nowhere")):
        function(tmp_path / "nowhere")
    with pytest.raises(ModelFileError, match=re.escape(f"{tmp_path}: is no model file of drlim but a folder")):
        function(tmp_path)


# Files that are damaged


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, model: DrLIM) -> Path:
    path = tmp_path_factory.mktemp("damage") / "model.safetensors"
    save(model, path)
    return path


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_or_byte_is_noticed(small, path, data):
    content = bytearray(small.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=re.escape(f"{path}: ")) as info:
        load(path)
    assert len(str(info.value)) <= 600


def test_a_cut_anywhere_is_noticed(small, path):
    content = small.read_bytes()
    path.write_bytes(content)
    for length in reversed(range(len(content))):
        os.truncate(path, length)
        with pytest.raises(ModelFileError, match=r"is cut short|does not begin like"):
            read_summary(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(ModelFileError, match=re.escape(f"it has {len(content) + 1} bytes, its header says")):
        load(path)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200), header=st.booleans())
def test_any_other_file_is_refused(path, content, header):
    path.write_bytes(struct.pack("<Q", len(content)) + content if header else content)
    with pytest.raises(ModelFileError, match="is no model file of drlim"):
        load(path)


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_pickles_are_refused_and_not_executed(path, tmp_path):
    touched = tmp_path / "touched"
    for write in (lambda bomb: path.write_bytes(pickle.dumps(bomb)), lambda bomb: torch.save(bomb, path)):
        write(Bomb(touched))
        with pytest.raises(ModelFileError, match="it does not begin like a safetensors file"):
            load(path)
    assert not touched.exists()


def test_other_safetensors_file(path):
    for metadata in (None, {"format": "pt"}, {KEY: "{}", "format": "pt"}):
        path.write_bytes(safetensors_torch.save({"weight": torch.zeros(2)}, metadata))
        with pytest.raises(ModelFileError, match="is no model file of drlim, or its header is damaged"):
            load(path)
    path.write_bytes(safetensors_torch.save({"weight": torch.zeros(2)}, {KEY: "{}"}))
    with pytest.raises(ModelFileError, match="is no model file of drlim, or its checksum is damaged"):
        load(path)


def test_oversized_header_is_refused_unread(path):
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 10**9) + b"{")
        file.truncate(10**9 + 10)  # a hole, not a gigabyte
    with pytest.raises(ModelFileError, match="it does not begin like a safetensors file"):
        load(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.replace(b'"embedding":', b'"embedding":{},"embedding":'),
        lambda header: header.replace(b'{"__metadata__"', b'{"__metadata__":{},"__metadata__"'),
        lambda header: header.replace(b'"shape":[12,2]', b'"shape":[12,2.0]'),
        lambda header: header.replace(b'"shape":[12,2]', b'"shape":[-12,-2]'),
        lambda header: header.replace(b'"shape":[12,2]', b'"shape":[true,2]'),
        lambda header: header.replace(b'"shape":[12,2]', b'"shape":' + b"[" * 100_000),
        lambda _: b"[]",
        lambda _: b"\xff" * 9,
        lambda _: b"1" * 5000,
    ],
)
def test_header_that_is_none(small, path, change):
    path.write_bytes(small.read_bytes())
    rewrite_header(path, change)
    assert path.read_bytes() != small.read_bytes()
    with pytest.raises(ModelFileError, match="is no model file of drlim, or its header is damaged"):
        load(path)


def reseal(path: Path) -> None:
    content = re.sub(rb'(\\"sha256\\":\\")[0-9a-f]{64}', rb"\g<1>" + b"0" * 64, path.read_bytes())
    path.write_bytes(sealed(content))


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (
            lambda header: header.replace(b'\\"needs\\":[]', b'\\"needs\\":[],\\"needs\\":[]'),
            "a key stands in it twice",
        ),
        (lambda header: re.sub(rb'(\\"energy\\":)[0-9.e-]+', rb"\1NaN", header, count=1), "NaN in it is not finite"),
        (lambda header: re.sub(rb'(\\"energy\\":)[0-9.e-]+', rb"\g<1>1e999", header), "1e999 in it is not finite"),
        (lambda header: header.replace(b'\\"needs\\":[]', b'\\"needs\\":' + b"[" * 100_000), "recursion"),
    ],
)
def test_metadata_that_are_no_json(small, path, change, cause):
    path.write_bytes(small.read_bytes())
    rewrite_header(path, change)
    reseal(path)
    assert path.read_bytes() != small.read_bytes()
    with pytest.raises(ModelFileError, match=f"its metadata is not JSON as drlim writes it .*{cause}"):
        load(path)


def test_metadata_that_are_no_object(small, path):
    path.write_bytes(small.read_bytes())
    rewrite_header(path, lambda header: header.replace(b'"drlim":"{', b'"drlim":"[{').replace(b'}"},"', b'}]"},"'))
    reseal(path)
    with pytest.raises(ModelFileError, match="is damaged: its metadata is no JSON object"):
        load(path)


def set_in(*keys: Any, to: Any) -> Callable[[dict[str, Any], dict[str, torch.Tensor]], None]:
    """Return a forgery that sets one entry of the metadata."""

    def change(metadata: dict[str, Any], _: dict[str, torch.Tensor]) -> None:
        place = metadata
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to

    return change


def tensor(name: str, edit: Callable[[torch.Tensor], torch.Tensor | None]) -> Callable[..., None]:
    """Return a forgery that replaces one tensor, or drops it."""

    def change(_: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        edited = edit(tensors.pop(name, torch.zeros(1)))
        if edited is not None:
            tensors[name] = edited.contiguous().clone()

    return change


def pairs(indices: list[int], indptr: list[int]) -> Callable[..., None]:
    """Return a forgery that gives the first few of 12 samples other similar pairs."""

    def change(_: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        tensors[INDPTR] = torch.tensor(indptr + [len(indices)] * (13 - len(indptr)))
        tensors[INDICES] = torch.tensor(indices)

    return change


NOT_IN_ORDER = "the similar pairs of its graph are not symmetric, or not in order"
INDPTR, INDICES = "graph.similar.indptr", "graph.similar.indices"

FORGERIES: dict[str, tuple[Callable[..., Any], str]] = {
    "newer format": (
        set_in("format_version", to=FORMAT_VERSION + 1),
        f"is of format {FORMAT_VERSION + 1}, written by drlim 0.1.0.dev0; this drlim reads formats up to "
        f"{FORMAT_VERSION}. Install a newer drlim.",
    ),
    "old format": (set_in("format_version", to=0), "is damaged: 'format_version' in its metadata"),
    "format as text": (set_in("format_version", to="2"), "is damaged: 'format_version' in its metadata is a str"),
    "true format": (set_in("format_version", to=True), "is damaged: 'format_version' in its metadata is a bool"),
    "unknown key": (set_in("extra", to=1), "is damaged: its metadata have other keys than format_version, "),
    "missing key": (lambda m, _: m.pop("needs"), "is damaged: its metadata have other keys than"),
    "null parameters": (set_in("parameters", to=None), "is damaged: 'parameters' in its metadata is a NoneType"),
    "architecture": (set_in("architecture", "more", to=1), "is damaged: its architecture have other keys"),
    "input shape": (set_in("architecture", "input_shape", to=[0]), "'input_shape' in its metadata has an impossible"),
    "empty shape": (set_in("architecture", "input_shape", to=[]), "'input_shape' in its metadata has an impossible"),
    "text shape": (set_in("architecture", "input_shape", to=["4"]), "'input_shape' in its metadata has an impossible"),
    "needs": (set_in("needs", to=["springs", "encoder"]), "'needs' in its metadata has an impossible value"),
    "names": (set_in("feature_names", to=["a", "b"]), "'feature_names' in its metadata has an impossible value"),
    "numbers as names": (set_in("feature_names", to=[1, 2, 3, 4]), "'feature_names' in its metadata has an impossible"),
    "history": (set_in("training", "history", to=[1]), "'history' in its metadata has an impossible value"),
    "record": (set_in("training", "history", to=[{"energy": "low"}]), "'history' in its metadata has an impossible"),
    "stopped": (set_in("training", "stopped", to="bored"), "'stopped' in its metadata has an impossible value"),
    "components": (set_in("architecture", "n_components", to=3), "is damaged: the map in it is of shape (12, 2)"),
    "unknown parameter": (set_in("parameters", "colour", to=1), "its parameters differ from DrLIM's in colour"),
    "missing parameter": (lambda m, _: m["parameters"].pop("tol"), "its parameters differ from DrLIM's in tol"),
    "parameter": (set_in("parameters", "margin", to=-1), "The 'margin' parameter of DrLIM must be a float"),
    "device": (set_in("parameters", "device", to={"torch.device": "oven"}), "cannot be used: "),
    "device key": (set_in("parameters", "device", to={"os.system": "ls"}), "cannot be used: "),
    "no encoder": (set_in("parameters", "encoder", to=None), "The 'encoder' parameter of DrLIM must be"),
    "encoder": (set_in("architecture", "encoder", to="resnet"), "The 'name' parameter of make_encoder must be"),
    "encoder type": (set_in("architecture", "encoder", to="mlp"), "its weights are not those of a 'mlp' encoder: "),
    "convnet": (set_in("architecture", "encoder", to="convnet"), "The 'convnet' encoder takes images"),
    "other shape": (set_in("architecture", "input_shape", to=[5]), "its weights are not those of a 'linear' encoder: "),
    "huge shape": (set_in("architecture", "input_shape", to=[10**12]), "cannot be used: its weights are not those of"),
    "impossible shape": (set_in("architecture", "input_shape", to=[10**30]), "cannot be used: "),
    "no embedding": (tensor("embedding", lambda _: None), "the map in it is of shape ()"),
    "flat embedding": (tensor("embedding", lambda t: t.ravel()), "the map in it is of shape (24,)"),
    "half embedding": (tensor("embedding", lambda t: t.half()), "its map is of type float16"),
    "bfloat embedding": (tensor("embedding", lambda t: t.bfloat16()), "cannot be used: "),
    "embedding rows": (tensor("embedding", lambda t: t[:11]), "the similar pairs of its graph do not fit 11 samples"),
    "unknown tensor": (tensor("more", lambda t: t), "it has an unknown tensor 'more'"),
    "missing weight": (tensor("encoder.1.1.bias", lambda _: None), 'Missing key(s) in state_dict: "1.1.bias"'),
    "unknown weight": (tensor("encoder.1.2.bias", lambda t: t), 'Unexpected key(s) in state_dict: "1.2.bias"'),
    "weight shape": (tensor("encoder.1.1.bias", lambda t: t[:1]), "size mismatch for 1.1.bias"),
    "weight type": (tensor("encoder.1.1.bias", lambda t: t.double()), "not all weights of its 'linear' encoder are"),
    "graph lost": (lambda _, t: (t.pop(INDPTR), t.pop(INDICES)), "the similar pairs of its graph are not whole"),
    "half a graph": (tensor(INDICES, lambda _: None), "the similar pairs of its graph are not whole"),
    "half ignored": (
        tensor("graph.ignored.indices", lambda t: t.long()),
        "the ignored pairs of its graph are not whole",
    ),
    "graph type": (tensor(INDICES, lambda t: t.int()), "the similar pairs of its graph are not whole"),
    "graph of rank 2": (tensor(INDICES, lambda t: t[None]), "the graph in it is not made of lists"),
    "indptr length": (tensor(INDPTR, lambda t: t[:-1]), "the similar pairs of its graph do not fit 12 samples"),
    "indptr start": (tensor(INDPTR, lambda t: t + 1), "the similar pairs of its graph do not fit 12 samples"),
    "indptr falls": (tensor(INDPTR, lambda t: t.index_fill(0, torch.tensor([3]), 99)), "do not fit 12 samples"),
    "index outside": (tensor(INDICES, lambda t: t + 12), "the similar pairs of its graph do not fit 12 samples"),
    "negative index": (tensor(INDICES, lambda t: t - 12), "the similar pairs of its graph do not fit 12 samples"),
    "disorder": (pairs([2, 1, 0, 0], [0, 2, 3, 4]), NOT_IN_ORDER),
    "one way": (pairs([1, 2, 0], [0, 2, 3]), NOT_IN_ORDER),
    "loop": (pairs([0, 2, 1], [0, 1, 2, 3]), NOT_IN_ORDER),
    "repeated pair": (pairs([1, 1, 0, 0], [0, 2, 4]), NOT_IN_ORDER),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_file_is_refused(small, path, name):
    change, cause = FORGERIES[name]
    path.write_bytes(small.read_bytes())
    forge(path, change)
    with pytest.raises(ModelFileError, match=f"^{re.escape(str(path))}: .*{re.escape(cause)}") as info:
        load(path)
    assert len(str(info.value)) <= 600


def test_messages_are_short_whatever_the_path(tmp_path):
    error = unusable(tmp_path / ("n" * 3000), "is odd. " * 100)
    assert len(str(error)) == 600
    assert str(error).startswith("...nnn")


# What a file says


def test_checksum_is_of_the_whole_file_its_digits_read_as_zeros(small):
    found = read_summary(small)["sha256"]
    content = small.read_bytes()
    assert content.count(found.encode()) == 1
    assert hashlib.sha256(content.replace(found.encode(), b"0" * 64)).hexdigest() == found


def test_a_name_that_looks_like_a_checksum(path):
    name = '\\"sha256\\":\\"' + "0" * 64 + '\\"'
    save(DrLIM(**QUICK).fit(pd.DataFrame(TABLE, columns=["a", "b", f'"sha256":"{"0" * 64}"', name])), path)
    assert load(path).feature_names_in_[3] == name


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
        "format_version": 1,
        "drlim_version": "0.1.0.dev0",
        "parameters": model.get_params(),
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
            "n_features": 4,
            "feature_names": None,
            "pairs": {"similar": model.graph_.n_similar, "dissimilar": None, "ignored": None},
        },
    }


def test_summary_needs_no_torch(small):
    script = (
        "import sys; from drlim.persistence import read_summary; read_summary(sys.argv[1]); "
        "print([name for name in ('torch', 'sklearn', 'numpy', 'safetensors') if name in sys.modules])"
    )
    command = [sys.executable, "-c", script, str(small)]
    assert subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout == "[]\n"


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        save(DrLIM(**QUICK).fit(TABLE), tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
