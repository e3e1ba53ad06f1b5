"""Bad input to `NeighborMap`: refused before any training, by a message that names the way out."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import nn

import drlim.estimators.neighbor_map
from drlim import NeighborhoodGraph, NeighborMap, orbits

X = np.random.default_rng(0).normal(size=(12, 3))
IMAGES = np.random.default_rng(0).random((12, 9, 9)).astype(np.float32)


class Through(nn.Module):
    """A linear map, and a function of what comes out."""

    def __init__(self, function, dtype=None):
        super().__init__()
        self.linear = nn.Linear(3, 2)
        self.function = function
        self.dtype = dtype

    def forward(self, x):
        return self.function(self.linear(x if self.dtype is None else x.to(self.dtype)))


@pytest.fixture
def no_training(monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("training began")

    monkeypatch.setattr(drlim.estimators.neighbor_map, "lay_out", never)
    monkeypatch.setattr(drlim.estimators.neighbor_map, "train_places", never)


def refuses(message, X=X, y=None, error=ValueError, graph=None, pairs=None, **parameters):
    model = NeighborMap(**parameters)
    before = dict(vars(model))
    with pytest.raises(error, match=re.escape(message)) as refusal:
        model.fit(X, y, graph=graph, pairs=pairs)
    assert len(str(refusal.value)) <= 600
    assert vars(model) == before


def changed(value, at=(3, 1)):
    bad = X.copy()
    bad[at] = value
    return bad


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (changed(np.nan), ValueError, "Input X contains NaN."),
        (changed(np.inf), ValueError, "Input X contains infinity"),
        (changed(1e31), ValueError, "Expected 'X' to hold values up to 1e+30 in size: rescale it."),
        (X[:1], ValueError, "Found array with 1 sample(s) (shape=(1, 3)) while a minimum of 2 is required"),
        (X[:, 0], ValueError, "Expected 2D array, got 1D array instead"),
        (np.zeros((12, 28, 28, 1)), ValueError, "which look like (H, W, C): use X.transpose(0, 3, 1, 2)."),
        (np.ma.array(X, mask=X > 1), ValueError, "Expected 'X' to hold no masked values."),
        (orbits(X, [np.negative], lazy=True).X, TypeError, "give NeighborMap the samples, and what does not matter as"),
    ],
)
def test_samples(bad, error, message):
    refuses(message, bad, error=error)


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"n_components": 0},
            "The 'n_components' parameter of NeighborMap must be an int in the range [1, inf). Got",
        ),
        (
            {"n_neighbors": 0},
            "The 'n_neighbors' parameter of NeighborMap must be an int in the range [1, inf) or a str",
        ),
        ({"metric": "manhattan"}, "The 'metric' parameter of NeighborMap must be a str among {'cosine', 'euclidean',"),
        ({"metric": 3}, "The 'metric' parameter of NeighborMap must be a str among"),
        ({"metric": lambda a: 0.0}, "must be a name or a function (row, row) -> float. On two samples it fails:"),
        ({"metric": lambda a, b: a.nothing}, "On two samples it fails: 'numpy.ndarray' object has no attribute"),
        (
            {"metric": lambda a, b: np.nan},
            "finite distances of at least 0. Of the samples in 'X' it gives nan",
        ),
        (
            {"metric": lambda a, b: -1.0},
            "finite distances of at least 0. Of the samples in 'X' it gives -1.0",
        ),
        (
            {"metric": lambda a, b: "far"},
            "finite distances of at least 0. Of the samples in 'X' it gives 'far'",
        ),
        ({"metric": lambda a, b: a - b}, "Of the samples in 'X' it gives an array of shape (3,)"),
        (
            {"metric": lambda a, b: -1.0 if a[0] == X[5, 0] else 1.0},
            "Expected the function 'metric' to return finite distances of at least 0. Got -1.0 for rows 5 and 0.",
        ),
        ({"encoder": "convnet"}, "The 'encoder' parameter of NeighborMap must be a str among {'auto'}"),
        ({"orbit": 3}, "The 'orbit' parameter of NeighborMap must be None or a callable. Got 3 instead."),
        ({"orbit": lambda x: x[:, :1]}, "Expected transform 'orbit' to keep the shape (2, 3) of a batch."),
        ({"orbit": lambda x, g: x * np.nan}, "Expected transform 'orbit' to return finite values."),
        ({"orbit": lambda x: x.nothing}, "The 'orbit' parameter of NeighborMap must be a function of a batch, or"),
        ({"springs": "soft"}, "The 'springs' parameter of NeighborMap must be None, an instance of"),
        ({"springs": (abs,)}, "The 'springs' parameter must be None, a Springs or a pair (L_S, L_D)"),
        ({"springs": (torch.log, torch.exp)}, "does not map three distances (0, 0.5, 1) to three finite energies"),
        ({"n_places": 0}, "The 'n_places' parameter of NeighborMap must be an int in the range [1, inf)"),
        ({"n_places": "many"}, "The 'n_places' parameter of NeighborMap must be an int in the range [1, inf)"),
        ({"max_epochs": 0}, "The 'max_epochs' parameter of NeighborMap must be an int in the range [1, inf)"),
        ({"device": "gpu"}, "The 'device' parameter of NeighborMap must be 'auto' or a device that torch can use here"),
        ({"random_state": "seed"}, "The 'random_state' parameter of NeighborMap must be an int in the range"),
        ({"verbose": "yes"}, "The 'verbose' parameter of NeighborMap must be an int in the range [0, inf)"),
    ],
)
def test_parameters(parameters, message):
    refuses(message, **parameters)


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    ("encoder", "error", "message"),
    [
        (
            nn.Linear(7, 2),
            ValueError,
            "features of shape (2, n_features). On float32 samples of shape (3,) it fails: mat1 and mat2 shapes",
        ),
        (lambda shape: None, TypeError, "must return a torch.nn.Module when called with (input_shape). Got None"),
        (
            lambda: None,
            ValueError,
            "a module or a callable (input_shape) -> module. Called with (3,) it fails:",
        ),
        (Through(lambda z: z * torch.nan), ValueError, "n_features), of finite numbers. It gives [nan, nan, nan, nan]"),
        (Through(lambda z: {}["z" * 2000]), ValueError, "On float32 samples of shape (3,) it fails: 'zzz"),
        (Through(lambda z: z[:1]), ValueError, "Got shape (1, 2) for 2 samples."),
        (Through(lambda z: z.sum(dim=1)), ValueError, "Got shape (2,) for 2 samples."),
        (Through(lambda z: (z, z)), ValueError, "Got tuple for 2 samples."),
        (Through(lambda z: z[:, :0]), ValueError, "n_features at least 1. It gives (2, 0)."),
        (Through(lambda z: z, dtype=torch.float32), ValueError, "Give X as float32, or let the module take float64."),
    ],
)
def test_encoders(encoder, error, message):
    refuses(message, error=error, encoder=encoder)


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    ("distances", "message"),
    [
        (X, "Expected 'X' to be square with metric='precomputed': the distances between all training samples"),
        (IMAGES[:9], "Expected 'X' to be square with metric='precomputed'"),
        (-np.abs(X @ X.T), "with metric='precomputed', 'X' holds distances, which are at least 0. Got -"),
    ],
)
def test_distances(distances, message):
    refuses(message, distances, metric="precomputed")


@pytest.mark.filterwarnings("ignore:.*A map says nothing of samples that far away")
def test_new_distances():
    distance = np.linalg.norm(X[:, None] - X, axis=2)
    model = NeighborMap(metric="precomputed", max_epochs=1).fit(distance)
    for use in (model.transform, model.confidence, model.kneighbors, model.score, model.partial_fit):
        with pytest.raises(ValueError, match=re.escape("which are at least 0. Got -")):
            use(-distance)
        with pytest.raises(ValueError, match="X has 5 features, but NeighborMap is expecting 12 features"):
            use(distance[:, :5])


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"graph": NeighborhoodGraph.from_pairs(11, [(0, 1)])}, ValueError, "samples as 'X'. Got 11 and 12."),
        ({"graph": NeighborhoodGraph.from_pairs(12, [])}, ValueError, "Expected 'graph' to have similar pairs."),
        ({"graph": [(0, 1)]}, TypeError, "NeighborhoodGraph.from_pairs takes index pairs. Got [(0, 1)] instead."),
        ({"graph": sparse.csr_array((12, 11))}, ValueError, "Expected 'graph' to be square (n_samples, n_samples)."),
        ({"y": [0, 1]}, ValueError, "Got 2 in 'y' and 12 in 'X'."),
        ({"y": NeighborhoodGraph.from_pairs(12, [(0, 1)])}, TypeError, "Pass it by name: fit(X, graph=graph)."),
        ({"pairs": [(0, 12)]}, ValueError, "Expected 'similar' to"),
        ({"pairs": {"alike": [(0, 1)]}}, ValueError, "Got the key 'alike'."),
        ({"pairs": NeighborhoodGraph.from_pairs(3, [(0, 1)])}, ValueError, "Got 3 in 'pairs' and 12 in 'X'."),
    ],
)
def test_relations(arguments, error, message):
    refuses(message, error=error, **arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"anchor_weight": 0.0}, "The 'anchor_weight' parameter of NeighborMap.partial_fit must be a float in the"),
        ({"anchor_weight": 1e7}, "must be a float in the range (0.0, 1000000.0]. Got 10000000.0 instead."),
        ({"y": [0] * 10, "anchor": X}, "Got 10 in 'y' and 12 in 'X'."),
        ({"anchor": np.zeros((3, 9))}, "anchor has 9 features, but NeighborMap is expecting 3 features"),
        ({"graph": NeighborhoodGraph.from_pairs(3, [(0, 1)])}, "as many samples as 'X'. Got 3 and 12."),
        (
            {"graph": NeighborhoodGraph.from_pairs(12, [(0, 1)]), "anchor": X[:3]},
            "as many samples as 'X' and 'anchor' together. Got 12 and 15.",
        ),
        ({"pairs": [(0, 15)], "anchor": X[:3]}, "Expected 'similar' to"),
        ({"anchor": changed(np.nan)}, "Input anchor contains NaN. 'anchor' has NaN in row 3, column 1: fill"),
        ({"anchor": [X, X[:3]]}, "Expected 'anchor' to be an array, a data frame, a tensor, an AnnData or a map-style"),
    ],
)
def test_a_refused_partial_fit_changes_nothing(arguments, sentence):
    model = NeighborMap(max_epochs=1).fit(X)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=re.escape(sentence)):
        model.partial_fit(X, **arguments)
    assert vars(model) == before


def test_partial_fit_keeps_the_dimensions_of_the_map():
    model = NeighborMap(max_epochs=1).fit(X).set_params(n_components=3)
    with pytest.raises(ValueError, match=re.escape("Expected n_components=2, as the present map has. Got 3: call fit")):
        model.partial_fit(X)


@pytest.mark.parametrize("n_neighbors", [0, 13, 2.0])
def test_neighbours_on_the_map_are_as_many_as_there_are(n_neighbors):
    model = NeighborMap(max_epochs=1).fit(X)
    with pytest.raises(ValueError, match=re.escape("must be an int in the range [1, 12]. Got")):
        model.kneighbors(X, n_neighbors)


def test_score_needs_two_samples():
    with pytest.raises(ValueError, match=re.escape("Expected 'X' to hold at least 2 samples. Got 1.")):
        NeighborMap(max_epochs=1).fit(X).score(X[:1])
