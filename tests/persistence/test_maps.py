"""Files of `NeighborMap`: what is saved comes back whole, functions apart, which are asked for again."""

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
from tests.persistence.models import IMAGES, QUICK_MAP, TABLE, Trunk, assert_same, attract, forge, repel
from torch import nn

from drlim import DrLIM, NeighborhoodGraph, NeighborMap, load, runtime, save
from drlim.encoders.place_encoder import directions
from drlim.encoders.retrieval import Retrieval
from drlim.encoders.standardize import UnitLength
from drlim.persistence import ModelFileError, read_summary
from drlim.persistence.schema import DRLIM_FORMAT, NEIGHBOR_MAP_FORMAT, OF_A_FIT, REFERENCE_FORMAT, read_model_file

VARIANTS: dict[str, tuple[dict[str, Any], Any]] = {
    "table": ({}, TABLE),
    "float64": ({}, TABLE.astype(np.float64)),
    "three dimensions": ({"n_components": 3}, TABLE),
    "images": ({}, IMAGES),
    "colour images": ({}, IMAGES[:, None].repeat(3, axis=1)),
    "small images": ({}, IMAGES[:, :5, :7]),
    "cosine": ({"metric": "cosine"}, TABLE),
    "cosine of images": ({"metric": "cosine"}, IMAGES),
    "jaccard": ({"metric": "jaccard"}, (TABLE > 0).astype(np.float32)),
    "few places": ({"n_places": 1}, TABLE),
    "data frame": ({}, pd.DataFrame(TABLE, columns=["a", 'b "', "Länge", "\\d\\\n"])),
}


def manhattan(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).sum())


def shaken(x: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return x + generator.normal(size=x.shape).astype(x.dtype)


def assert_same_map(loaded: NeighborMap, original: NeighborMap, X: Any, own: tuple[str, ...] = ()) -> None:
    """Assert that two maps agree in all that they show."""
    assert type(loaded) is NeighborMap
    assert_same(loaded, original, X, own)
    strides = [{n: v.stride() for n, v in one.encoder_.state_dict().items()} for one in (loaded, original)]
    assert strides[0] == strides[1]  # another order in memory can change how a product is rounded
    assert loaded.confidence(X).tobytes() == original.confidence(X).tobytes()
    for found, wanted in zip(loaded.kneighbors(X, 3), original.kneighbors(X, 3), strict=True):
        assert found.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("retrieves", [True, False])
@pytest.mark.parametrize("name", VARIANTS)
def test_round_trip(name, path, monkeypatch, retrieves):
    if not retrieves:
        monkeypatch.setattr("drlim.training.neighbor_layout._RETRIEVED", 5)
    parameters, X = VARIANTS[name]
    original = NeighborMap(**{**QUICK_MAP, **parameters}).fit(X)
    assert bool(original.encoder_.shares) == retrieves
    save(original, path)
    loaded = load(path)
    assert_same_map(loaded, original, X)
    assert loaded.score(X) == original.score(X)
    again = path.with_name("again.safetensors")
    save(loaded, again)
    assert again.read_bytes() == path.read_bytes()


def test_formats(model, neighbor_map, path):
    for one, without in ((model, DRLIM_FORMAT), (neighbor_map, NEIGHBOR_MAP_FORMAT)):
        save(one, path)
        assert read_model_file(path).metadata["format_version"] == REFERENCE_FORMAT == 4
        save(one, path, novelty=False)
        assert read_model_file(path).metadata["format_version"] == without < 3
        save(load(path), path.with_name("again"))
        assert path.with_name("again").read_bytes() == path.read_bytes()
    assert read_model_file(path).metadata["estimator"] == "NeighborMap"


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("factory", [False, True])
def test_own_trunk_is_given_again(path, factory, metric):
    net = Trunk()
    encoder: Any = (lambda input_shape: Trunk(*input_shape)) if factory else net
    original = NeighborMap(**QUICK_MAP, encoder=encoder, metric=metric).fit(TABLE)
    save(original, path)
    message = f"{path}: was saved with an encoder of your own (a Trunk), and no code is in a model file. "
    with pytest.raises(ModelFileError, match=re.escape(f"{message}Give the same again: load(path, encoder=...).")):
        load(path)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    loaded = load(path, encoder=encoder)
    assert loaded.encoder is encoder
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert_same_map(loaded, original, TABLE, own=("encoder",))
    inner = loaded.encoder_.network.trunk[1] if metric == "cosine" else loaded.encoder_.network.trunk
    assert inner.tied is inner.last  # stored twice, and one weight again
    assert loaded.score(TABLE) == original.score(TABLE)
    again = path.with_name("again.safetensors")
    save(loaded, again)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("own", [nn.Flatten(), nn.Sequential(UnitLength(), nn.Linear(4, 3))])
def test_own_trunks_that_look_like_scaled_ones(path, own, metric):
    original = NeighborMap(**QUICK_MAP, encoder=own, metric=metric).fit(TABLE)
    save(original, path)
    assert_same_map(load(path, encoder=own), original, TABLE, own=("encoder",))


def test_own_trunk_that_does_not_fit(path):
    save(NeighborMap(**QUICK_MAP, encoder=Trunk()).fit(TABLE), path)
    begin = f"{path}: cannot be used: its weights do not fit the 'encoder' given: Error(s) in loading state_dict for "
    with pytest.raises(ModelFileError, match=re.escape(begin + "Trunk: size mismatch for first.weight")):
        load(path, encoder=Trunk(n_hidden=7))
    with pytest.raises(TypeError, match=re.escape("must return a torch.nn.Module when called with (input_shape). Got")):
        load(path, encoder=lambda _: 3)
    with pytest.raises(TypeError, match=re.escape("The 'encoder' parameter of load must be")):
        load(path, encoder="auto")


def test_own_trunk_with_state_that_is_no_tensor(path):
    class Stateful(Trunk):
        def get_extra_state(self) -> dict[str, int]:
            return {"steps": 3}

    original = NeighborMap(**QUICK_MAP, encoder=Trunk()).fit(TABLE)
    original.encoder_.network.trunk.__class__ = Stateful
    with pytest.raises(TypeError, match=r"The encoder cannot be saved: 'network\.trunk\._extra_state' in its state is"):
        save(original, path)
    assert not path.exists()


def test_own_springs_are_given_again(path):
    original = NeighborMap(**QUICK_MAP, springs=(attract, repel)).fit(TABLE)
    save(original, path)
    with pytest.raises(ModelFileError, match=re.escape("Give the same again: load(path, springs=...).")):
        load(path)
    loaded = load(path, springs=(attract, repel))
    assert_same_map(loaded, original, TABLE)
    assert loaded.score(TABLE) == original.score(TABLE)
    with pytest.raises(TypeError, match=re.escape("The 'springs' parameter must be None, a Springs or a pair")):
        load(path, springs=(attract, 3))
    assert read_summary(path)["needs"] == ["springs"]


@pytest.mark.parametrize("name", ["encoder", "springs"])
def test_part_that_is_not_needed_is_refused(small_map, name):
    message = f"The '{name}' parameter of load must be None for this file, which has its own: {small_map}"
    with pytest.raises(ValueError, match=re.escape(message)):
        load(small_map, **{name: Trunk()})


@pytest.mark.parametrize(("name", "function"), [("metric", manhattan), ("orbit", shaken)])
def test_functions_are_asked_for_again(path, name, function):
    original = NeighborMap(**QUICK_MAP, **{name: function}).fit(TABLE)
    save(original, path)
    loaded = load(path)
    assert_same_map(loaded, original, TABLE, own=(name,))
    wanted = function.__name__
    message = re.escape(
        f"The '{name}' parameter of NeighborMap was a function, '{wanted}', and no code is in a model file. "
        f"Give the same again: model.set_params({name}=...)."
    )
    training = (loaded.fit, loaded.partial_fit, clone(loaded).fit)
    for act in (*training, loaded.score) if name == "metric" else training:  # a score draws no copies
        with pytest.raises(ValueError, match=f"^{message}$"):
            act(TABLE)
    assert loaded.transform(TABLE).tobytes() == original.embedding_.tobytes()
    again = path.with_name("again.safetensors")
    save(loaded, again)
    assert again.read_bytes() == path.read_bytes()
    assert read_summary(path)["parameters"][name] == {"function": wanted}
    loaded.set_params(**{name: function})
    assert loaded.score(TABLE) == original.score(TABLE)
    new = TABLE[:6] + np.float32(0.1)
    assert loaded.partial_fit(new).embedding_.tobytes() == original.partial_fit(new).embedding_.tobytes()


def test_every_parameter_comes_back(path):
    given: dict[str, Any] = {
        "n_components": np.int64(3),
        "n_neighbors": np.int32(2),
        "metric": "cosine",
        "encoder": "auto",
        "orbit": None,
        "springs": None,
        "n_places": 4,
        "max_epochs": 1,
        "device": torch.device("cpu"),
        "random_state": 7,
        "verbose": False,
    }
    assert given.keys() | OF_A_FIT.keys() == NeighborMap().get_params().keys()
    original = NeighborMap(**given).fit(TABLE)
    save(original, path)
    loaded = load(path)
    assert loaded.get_params() == {**given, **OF_A_FIT}
    assert loaded.device == torch.device("cpu")


def test_loaded_map_lives_on(neighbor_map, small_map):
    loaded = load(small_map)
    assert clone(loaded).fit(TABLE).embedding_.tobytes() == neighbor_map.embedding_.tobytes()
    assert pickle.loads(pickle.dumps(loaded)).transform(TABLE).tobytes() == neighbor_map.embedding_.tobytes()  # noqa: S301
    new = TABLE[:5] + np.float32(0.1)
    ours = loaded.partial_fit(new, anchor=TABLE)
    theirs = copy.deepcopy(neighbor_map).partial_fit(new, anchor=TABLE)
    assert ours.embedding_.tobytes() == theirs.embedding_.tobytes()
    assert ours.drift_ == theirs.drift_


@pytest.mark.parametrize("n_samples", [12, 1])
def test_an_updated_map_comes_back(neighbor_map, path, n_samples):
    original = copy.deepcopy(neighbor_map).partial_fit(TABLE[:n_samples] + np.float32(0.1), anchor=TABLE)
    save(original, path)
    loaded = load(path)
    assert loaded.embedding_.tobytes() == original.embedding_.tobytes()
    assert loaded.transform(TABLE).tobytes() == original.transform(TABLE).tobytes()
    assert loaded.graph_ == original.graph_


def test_dropout_of_many_samples_comes_back(neighbor_map, path, monkeypatch):
    monkeypatch.setattr("drlim.encoders.modern._MANY_SAMPLES", 5)
    original = NeighborMap(**QUICK_MAP).fit(TABLE)
    monkeypatch.undo()
    save(original, path)
    rates = [
        {module.p for module in one.encoder_.modules() if isinstance(module, nn.Dropout)}
        for one in (load(path), original, neighbor_map)
    ]
    assert rates == [{0.1}, {0.1}, {0.3}]


def test_a_graph_of_every_kind_comes_back(path):
    graph = NeighborhoodGraph.from_pairs(12, [(0, 1), (4, 2)], dissimilar=[(0, 4)], ignored=[(0, 2)])
    with pytest.warns(UserWarning, match="ignore all pairs that they do not list"):
        original = NeighborMap(**QUICK_MAP).fit(TABLE, graph=graph)
    save(original, path)
    assert load(path).graph_ == original.graph_ == graph


def test_architecture_is_the_trained_one_whatever_was_set_since(neighbor_map, path):
    original = copy.deepcopy(neighbor_map).set_params(n_components=5, metric="cosine", n_places=2)
    save(original, path)
    loaded = load(path)
    assert loaded.get_params() == original.get_params()
    assert loaded.transform(TABLE).tobytes() == neighbor_map.embedding_.tobytes()


def test_trained_module_of_ones_own_stays_so_whatever_was_set_since(path):
    net = Trunk()
    original = NeighborMap(**QUICK_MAP, encoder=net).fit(TABLE)
    save(original.set_params(encoder="auto"), path)
    with pytest.raises(ModelFileError, match="an encoder of your own"):
        load(path)
    assert_same_map(load(path, encoder=net), original, TABLE, own=("encoder",))


def test_global_random_numbers_are_left_alone(small_map):
    before = torch.get_rng_state()
    load(small_map)
    assert torch.equal(torch.get_rng_state(), before)


def test_unfitted_and_out_of_range(neighbor_map, path):
    with pytest.raises(NotFittedError):
        save(NeighborMap(), path)
    with pytest.raises(ValueError, match="The 'n_places' parameter of NeighborMap must be"):
        save(copy.deepcopy(neighbor_map).set_params(n_places=-1), path)
    assert not path.exists()


def test_what_is_of_no_known_kind_is_not_saved(neighbor_map, path):
    ruined = copy.deepcopy(neighbor_map)
    ruined.encoder_.reductions[0] = nn.Flatten()
    with pytest.raises(TypeError, match="it retrieves by features of an unknown kind"):
        save(ruined, path)
    ruined = copy.deepcopy(neighbor_map)
    ruined.encoder_.head.register_buffer("more", torch.zeros(1))
    with pytest.raises(ValueError, match=re.escape("'head.more' of its encoder is missing, unknown or of another")):
        save(ruined, path)
    assert not path.exists()


def test_the_same_seed_gives_the_same_bytes(small_map, path):
    save(NeighborMap(**QUICK_MAP).fit(TABLE), path)
    assert path.read_bytes() == small_map.read_bytes()


def test_summary(neighbor_map, small_map):
    summary = read_summary(small_map)
    network = neighbor_map.encoder_.network.state_dict()
    history = neighbor_map.history_
    assert summary["estimator"] == "NeighborMap"
    assert summary["architecture"] == {
        "encoder": "auto",
        "class": "Sequential",
        "input_shape": [4],
        "n_components": 2,
        "n_weights": sum(value.numel() for value in network.values()),
    }
    assert summary["places"] == {
        "n_places": len(neighbor_map.encoder_.head.centres),
        "shares": neighbor_map.encoder_.shares,
        "n_stored": 12,
    }
    assert summary["training"] == {
        "epochs": 2,
        "stopped": "max_epochs",
        "cross_entropy_first": history[0]["cross_entropy"],
        "cross_entropy_last": history[1]["cross_entropy"],
    }
    assert "seconds" not in str(read_model_file(small_map).metadata["training"])


def test_a_file_of_drlim_that_claims_the_format_of_a_map_is_refused(model, path):
    save(model, path)
    forge(path, lambda metadata, _: metadata.update(format_version=NEIGHBOR_MAP_FORMAT))
    with pytest.raises(ModelFileError, match="is damaged: its metadata have other keys than"):
        load(path)
    assert isinstance(model, DrLIM)


def test_the_first_files_of_the_format_searched_all_features(neighbor_map, path):
    old = copy.deepcopy(neighbor_map)
    encoder = old.encoder_
    with torch.no_grad():
        features = directions(encoder.network.features(torch.from_numpy(TABLE))).numpy()
    encoder.retrievals[1] = Retrieval(features, encoder.retrievals[1].positions.numpy(), 3)
    encoder.reductions[1] = nn.Identity()
    save(old, path, novelty=False)
    assert load(path).transform(TABLE).tobytes() == old.transform(TABLE).tobytes()
    np.testing.assert_allclose(runtime.load(path).transform(TABLE), old.transform(TABLE), rtol=1e-5, atol=1e-5)
