"""Bad input to the estimator: refused before any training, by a message that names the way out."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from scipy import sparse
from torch import nn

import drlim.estimators.drlim
from drlim import DrLIM, NeighborhoodGraph

X = np.random.default_rng(0).normal(size=(12, 3))
IMAGES = np.random.default_rng(0).random((12, 28, 28)).astype(np.float32)


class Through(nn.Module):
    """A linear map, and a function of what comes out."""

    def __init__(self, function, dtype=None):
        super().__init__()
        self.linear = nn.Linear(3, 2)
        self.function = function
        self.dtype = dtype

    def forward(self, x):
        return self.function(self.linear(x if self.dtype is None else x.to(self.dtype)))


@pytest.fixture(autouse=True)
def _no_training(monkeypatch):
    def never(*args, **kwargs):
        raise AssertionError("training began")

    monkeypatch.setattr(drlim.estimators.plan, "train_rows", never)


def refuses(message, X=X, error=ValueError, graph=None, **parameters):
    with pytest.raises(error, match=re.escape(message)) as refusal:
        DrLIM(**parameters).fit(X, graph=graph)
    assert len(str(refusal.value)) <= 600


def changed(value, at=(3, 1)):
    bad = X.copy()
    bad[at] = value
    return bad


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (changed(np.nan), ValueError, "Input X contains NaN."),
        (changed(np.inf), ValueError, "Input X contains infinity or a value too large for dtype('float64')."),
        (changed(1e31), ValueError, "values up to 1e+30 in size: rescale it. Got 1e+31 in row 3, column 1."),
        (np.empty((0, 3)), ValueError, "Found array with 0 sample(s) (shape=(0, 3)) while a minimum of 2 is required"),
        (np.empty((3, 0)), ValueError, "Found array with 0 feature(s) (shape=(3, 0)) while a minimum of 1 is required"),
        (X[:1], ValueError, "Found array with 1 sample(s) (shape=(1, 3)) while a minimum of 2 is required"),
        (X[:, 0], ValueError, "Expected 2D array, got 1D array instead"),
        (np.float64(3.0), ValueError, "Expected 2D array, got scalar array instead"),
        (X + 1j, ValueError, "Complex data not supported"),
        (np.array([["a", "b"]] * 12, dtype=object), ValueError, "could not convert string to float"),
        ([[1.0, 2.0], [3.0]], ValueError, "inhomogeneous"),
        (IMAGES[..., None], ValueError, "(28, 28, 1), which look like (H, W, C): use X.transpose(0, 3, 1, 2)."),
        (np.where(IMAGES > 0.999, np.nan, IMAGES), ValueError, "Input X contains NaN."),
        (np.empty((12, 0, 28)), ValueError, "Found array with 0 value(s) a sample (shape=(12, 0, 28))"),
    ],
)
def test_samples(bad, error, message):
    refuses(message, bad, error)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": 0}, "The 'n_components' parameter of DrLIM must be an int in the range [1, inf). Got 0"),
        ({"n_components": 2.0}, "The 'n_components' parameter of DrLIM must be an int in the range [1, inf). Got 2.0"),
        (
            {"n_components": True},
            "The 'n_components' parameter of DrLIM must be an int in the range [1, inf). Got True",
        ),
        ({"encoder": "convnt"}, "The 'encoder' parameter of DrLIM must be a str among"),
        ({"encoder": 3}, "The 'encoder' parameter of DrLIM must be a str among"),
        ({"n_neighbors": 0}, "The 'n_neighbors' parameter of DrLIM must be an int in the range [1, inf). Got 0"),
        ({"n_neighbors": "5"}, "The 'n_neighbors' parameter of DrLIM must be an int in the range [1, inf). Got '5'"),
        ({"n_neighbors": 12}, "Expected n_neighbors < n_samples, but n_neighbors = 12 and n_samples = 12"),
        ({"n_neighbors": 11}, "Got none: without repulsion the map collapses to a point."),
        ({"margin": -1}, "The 'margin' parameter of DrLIM must be a float in the range (0.0, inf). Got -1 instead."),
        ({"margin": 0}, "The 'margin' parameter of DrLIM must be a float in the range (0.0, inf). Got 0 instead."),
        ({"margin": np.inf}, "The 'margin' parameter of DrLIM must be a float in the range (0.0, inf). Got inf"),
        ({"margin": np.nan}, "The 'margin' parameter of DrLIM must be a float in the range (0.0, inf). Got nan"),
        ({"margin": np.ones((50, 50))}, "Got an array of shape (50, 50) and dtype float64 instead."),
        ({"dissimilar_weight": 0.0}, "The 'dissimilar_weight' parameter of DrLIM must be a float in the range (0.0"),
        ({"springs": "soft"}, "The 'springs' parameter of DrLIM must be None, an instance of"),
        ({"springs": (abs,)}, "The 'springs' parameter must be None, a Springs or a pair (L_S, L_D)"),
        ({"springs": (torch.log, torch.exp)}, "does not map three distances (0, 0.5, 1) to three finite energies"),
        ({"optimizer": "sgd"}, "The 'optimizer' parameter of DrLIM must be a str among {'adam', 'auto', 'lbfgs'}"),
        ({"learning_rate": 0.0}, "The 'learning_rate' parameter of DrLIM must be a float in the range (0.0, inf)"),
        ({"learning_rate": "fast"}, "The 'learning_rate' parameter of DrLIM must be a float in the range (0.0, inf)"),
        ({"batch_size": 1}, "The 'batch_size' parameter of DrLIM must be an int in the range [2, inf)"),
        ({"batch_size": None}, "The 'batch_size' parameter of DrLIM must be an int in the range [2, inf)"),
        ({"optimizer": "lbfgs", "batch_size": 4}, "optimizer='lbfgs' steps on all samples: set batch_size='all'."),
        ({"interactions": "none"}, "The 'interactions' parameter of DrLIM must be a str among {'all', 'batch'}"),
        ({"max_epochs": 0}, "The 'max_epochs' parameter of DrLIM must be an int in the range [1, inf)"),
        ({"max_epochs": 1.5}, "The 'max_epochs' parameter of DrLIM must be an int in the range [1, inf)"),
        ({"margin": 10**400}, "The 'margin' parameter of DrLIM must be a float in the range (0.0, inf). Got 1000"),
        ({"tol": -1e-3}, "The 'tol' parameter of DrLIM must be a float in the range [0.0, inf). Got -0.001 instead."),
        ({"device": "gpu"}, "The 'device' parameter of DrLIM must be 'auto' or a device that torch can use here"),
        ({"device": 0}, "The 'device' parameter of DrLIM must be an instance of 'str' or an instance of"),
        ({"random_state": "seed"}, "The 'random_state' parameter of DrLIM must be an int in the range"),
        ({"random_state": -1}, "The 'random_state' parameter of DrLIM must be an int in the range"),
        ({"verbose": "yes"}, "The 'verbose' parameter of DrLIM must be an int in the range [0, inf)"),
    ],
)
def test_parameters(parameters, message):
    refuses(message, **parameters)


@pytest.mark.parametrize(
    ("encoder", "error", "message"),
    [
        (nn.Linear(3, 5), ValueError, "must map (2, ...) samples to shape (2, 2), n_components = 2. It gives (2, 5)."),
        (
            nn.Linear(7, 2),
            ValueError,
            "On float32 samples of shape (3,) it fails: mat1 and mat2 shapes cannot be multiplied",
        ),
        (
            lambda shape, d: None,
            TypeError,
            "must return a torch.nn.Module when called with (input_shape, n_components)",
        ),
        (nn.Flatten(), ValueError, "n_components = 2. It gives (2, 3)."),
        (nn.Linear(3, 2).requires_grad_(False), ValueError, "must have weights to train. It has none that require"),
        (Through(lambda z: z.detach()), ValueError, "must give floating-point outputs that depend on its weights"),
        (Through(lambda z: z.long()), ValueError, "must give floating-point outputs that depend on its weights"),
        (Through(lambda z: z * torch.nan), ValueError, "of finite numbers. It gives [[nan, nan], [nan, nan]]"),
        (Through(lambda z: {}["z" * 2000]), ValueError, "On float32 samples of shape (3,) it fails: 'zzz"),
        (Through(lambda z: z, dtype=torch.float32), ValueError, "Give X as float32, or let the module take float64."),
        ("convnet", ValueError, "The 'convnet' encoder takes images of at least 24 x 24 pixels"),
    ],
)
def test_encoders(encoder, error, message):
    refuses(message, error=error, encoder=encoder)


def test_images_too_small_for_the_convnet():
    refuses("Got samples of shape (8, 8); try encoder='mlp'.", IMAGES[:, :8, :8], encoder="convnet")


@pytest.mark.parametrize(
    ("graph", "error", "message"),
    [
        (NeighborhoodGraph.from_pairs(11, [(0, 1)]), ValueError, "as many samples as 'X'. Got 11 and 12."),
        (NeighborhoodGraph.from_pairs(12, []), ValueError, "Expected 'graph' to have similar pairs. Got none"),
        (NeighborhoodGraph.from_csr(np.ones((12, 12))), ValueError, "Got none: without repulsion the map collapses"),
        ([(0, 1)], TypeError, "NeighborhoodGraph.from_pairs takes index pairs. Got [(0, 1)] instead."),
        (sparse.csr_array((12, 11)), ValueError, "Expected 'graph' to be square (n_samples, n_samples). Got shape"),
        (sparse.csr_array(np.full((12, 12), np.nan)), ValueError, "Expected 'matrix' to hold finite real numbers."),
    ],
)
def test_graphs(graph, error, message):
    refuses(message, error=error, graph=graph)


@pytest.mark.parametrize("graph", [NeighborhoodGraph.from_pairs(12, [(0, 1)]), sparse.csr_array((12, 12))])
def test_a_graph_in_the_place_of_labels_is_not_lost_in_silence(graph):
    with pytest.raises(TypeError, match=re.escape("Pass it by name: fit(X, graph=graph).")):
        DrLIM().fit(X, graph)


@pytest.mark.parametrize("pairs", [[(0, 12)], [(-1, 0)], [(0.5, 1)], [(np.nan, 1)], [(np.inf, 1)], [(3, 3)]])
def test_edges_are_refused_where_they_are_given(pairs):
    with pytest.raises(ValueError, match=re.escape("Expected 'similar' to")):
        NeighborhoodGraph.from_pairs(12, pairs)
