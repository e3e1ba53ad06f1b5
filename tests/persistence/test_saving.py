"""Model files: what is saved comes back whole, and what cannot be saved leaves no file."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from tests.persistence.models import IMAGES, QUICK, TABLE, Net, assert_same, forge

from drlim import DrLIM, NeighborhoodGraph, NeighborMap, load, save
from drlim.persistence import ModelFileError, read_summary
from drlim.persistence.schema import OF_A_FIT, read_model_file

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


class Looking:
    def on_fit_end(self):
        pass


def test_every_parameter_comes_back(path):
    given_: dict[str, Any] = {
        "n_components": np.int64(3),
        "encoder": "linear",
        "n_neighbors": np.int32(2),
        "metric": "cosine",
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
        "weight_decay": 0.5,
        "validation": 0.25,
        "space": "euclidean",
        "device": torch.device("cpu"),
        "random_state": 7,
        "verbose": False,
    }
    assert given_.keys() | OF_A_FIT.keys() == DrLIM().get_params().keys()
    of_a_fit = {"callbacks": [Looking()], "checkpoint": path.parent / "kept", "checkpoint_every": "1h"}
    original = DrLIM(**given_, **of_a_fit).fit(TABLE)
    save(original, path)
    assert b"kept" not in path.read_bytes()
    loaded = load(path)
    assert loaded.get_params() == {**given_, **OF_A_FIT}
    assert loaded.device == torch.device("cpu")
    assert_same(loaded, original, TABLE, own=tuple(OF_A_FIT))


@pytest.mark.parametrize("rows", [[3, 1, 4], np.array([3, 1, 4]), range(2, 6), np.arange(12) > 8])
def test_rows_held_out_come_back(path, rows):
    model = DrLIM(**QUICK, validation=rows).fit(TABLE)
    save(model, path)
    loaded = load(path)
    assert loaded.validation == np.asarray(rows).tolist()
    np.testing.assert_array_equal(clone(loaded).fit(TABLE).embedding_, model.embedding_)


@pytest.mark.parametrize("margin", [1e-30, 0.1, 1e30])
@pytest.mark.parametrize("encoder", ["linear", "mlp", "two_layer"])
def test_a_map_in_another_unit_comes_back(path, margin, encoder):
    original = DrLIM(**{**QUICK, "encoder": encoder}, margin=margin).fit(TABLE)
    save(original, path)
    assert_same(load(path), original, TABLE)
    assert load(path).score(TABLE) == original.score(TABLE)
    np.testing.assert_array_equal(
        load(path).partial_fit(TABLE).embedding_, copy.deepcopy(original).partial_fit(TABLE).embedding_
    )


def test_what_the_first_format_holds_is_written_in_it(path):
    formats = {
        1: {},
        3: {"margin": 2.0},
        "weight decay": {"weight_decay": 0.1},
        "validation": {"validation": 0.5},
        "orbit": {"orbit": np.negative},
    }
    for wanted, parameters in formats.items():
        save(DrLIM(**{**QUICK, **parameters}).fit(TABLE), path, novelty=False)
        metadata = read_model_file(path).metadata
        assert metadata["format_version"] == (1 if wanted == 1 else 3)
        assert ("weight_decay" in metadata["parameters"]) == ("unit" in metadata) == (wanted != 1)


@pytest.mark.parametrize("unit", [0.0, -1.0, 1e-32, 1e32])
def test_an_impossible_unit_is_refused(path, unit):
    save(DrLIM(**QUICK, margin=2.0).fit(TABLE), path)
    forge(path, lambda metadata, _: metadata.update(unit=unit))
    with pytest.raises(ModelFileError, match="'unit' in its metadata has an impossible value"):
        load(path)


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
        "drlim.training.judging.has_converged" if epochs else "drlim.training.epochs.set_learning_rate", interrupt
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


def test_a_map_of_one_new_sample_comes_back(path):
    original = DrLIM(**QUICK).fit(TABLE).partial_fit(TABLE[:1], anchor=TABLE[1:])
    save(original, path)
    assert load(path).embedding_.tobytes() == original.embedding_.tobytes()
    assert load(path).embedding_.shape == (1, 2)


def test_unfitted(path):
    with pytest.raises(NotFittedError):
        save(DrLIM(), path)
    assert not path.exists()


@pytest.mark.parametrize(
    "given_", [3, Net(), type("Other", (DrLIM,), {})(), type("Other", (NeighborMap,), {})(), object()]
)
def test_only_the_estimators_are_saved(path, given_):
    with pytest.raises(TypeError, match="must be a DrLIM, a NeighborMap or a pipeline that ends with one"):
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
        unguarded.setattr("drlim.persistence.encoder.check_finite", lambda *_: None)
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


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        save(DrLIM(**QUICK).fit(TABLE), tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        ("feature_names_in_", np.array(["a", "b"], dtype=object), "'feature_names' in its metadata"),
        ("stopped_", "bored", "'stopped' in its metadata"),
        ("history_", [{"energy": 10**400}], "'history' in its metadata"),
        ("embedding_", np.zeros((11, 2)), "the similar pairs of its graph do not fit 11 samples"),
        ("embedding_", np.zeros((12, 2), dtype=np.float16), "its map is of type float16"),
        ("graph_", NeighborhoodGraph.from_pairs(5, [(0, 1)]), "the similar pairs of its graph do not fit 12 samples"),
    ],
)
@pytest.mark.parametrize("kind", ["model", "neighbor_map"])
def test_what_load_would_refuse_is_not_saved(request, path, kind, name, value, cause):
    path.write_bytes(b"old")
    changed = copy.deepcopy(request.getfixturevalue(kind))
    setattr(changed, name, value)
    with pytest.raises(ValueError, match=re.escape(cause)) as refusal:
        save(changed, path)
    assert str(refusal.value).startswith("The estimator was not saved, for its file could not be loaded again. ")
    assert path.read_bytes() == b"old"


def test_what_load_would_refuse_is_not_saved_beside_an_encoder_of_ones_own(path):
    changed = DrLIM(**{**QUICK, "encoder": Net()}).fit(TABLE)
    changed.graph_ = NeighborhoodGraph.from_pairs(5, [(0, 1)])
    with pytest.raises(ValueError, match="the similar pairs of its graph do not fit 12 samples"):
        save(changed, path)
    assert not path.exists()


@pytest.mark.parametrize("given_", [None, 3, b"model.safetensors", ["model.safetensors"]])
def test_what_is_no_path_is_refused(model, given_):
    sentence = re.escape("Expected 'path' to be a file's name, a str or a pathlib.Path. Got ")
    with pytest.raises(TypeError, match=sentence):
        save(model, given_)
    with pytest.raises(TypeError, match=sentence):
        load(given_)
