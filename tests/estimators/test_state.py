"""Global state: a fit, a map and a score neither depend on what the caller has set, nor change it."""

from __future__ import annotations

import random
import subprocess
import sys
import warnings
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import torch
from torch import nn

from drlim import DrLIM, NeighborMap, make_encoder, make_springs, metrics

X = np.random.default_rng(0).normal(size=(60, 4))
IMAGES = np.random.default_rng(1).random((30, 24, 24)).astype(np.float32)
CLASSES = np.arange(60) % 3


def noise(batch, generator):
    return batch + 0.1 * generator.normal(size=batch.shape)


def factory(input_shape, *n_components):
    return nn.Sequential(nn.Linear(*input_shape, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, *(n_components or [5])))


DRLIM = {"random_state": 0, "max_epochs": 2, "verbose": False}
MAP = {"random_state": 0, "max_epochs": 1, "verbose": False}

FITS = {
    "L-BFGS": lambda: DrLIM(**DRLIM).fit(X),
    "Adam": lambda: DrLIM(**DRLIM, optimizer="adam", batch_size=30).fit(X, CLASSES),
    "an orbit": lambda: DrLIM(**DRLIM, orbit=noise, encoder="two_layer").fit(X),
    "a factory": lambda: DrLIM(**DRLIM, encoder=factory).fit(X),
    "springs": lambda: DrLIM(**DRLIM, springs=(torch.square, lambda d: torch.exp(-d))).fit(X),
    "images": lambda: DrLIM(**{**DRLIM, "max_epochs": 1}).fit(IMAGES),
    "anchors": lambda: DrLIM(**DRLIM).fit(X[:40]).partial_fit(X[40:], anchor=X[:40]),
    "map": lambda: NeighborMap(**MAP).fit(X, CLASSES),
    "map with an orbit": lambda: NeighborMap(**MAP, orbit=noise).fit(X),
    "map by a factory": lambda: NeighborMap(**MAP, encoder=factory).fit(X),
    "map of images": lambda: NeighborMap(**MAP).fit(IMAGES),
}


@contextmanager
def set_to(setter, value, usual):
    setter(value)
    try:
        yield
    finally:
        setter(usual)


STATES = {
    "another default dtype": lambda: set_to(torch.set_default_dtype, torch.float64, torch.float32),
    "another default device": lambda: set_to(torch.set_default_device, "meta", None),
    "errors of NumPy raised": lambda: np.errstate(all="raise"),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "deterministic algorithms": lambda: set_to(torch.use_deterministic_algorithms, True, False),
    "inference mode": torch.inference_mode,
}


def seen(model, samples):
    """All that is shown of a model: map, new samples in both dtypes, a score."""
    new = samples[:20]
    parts = [model.embedding_, model.transform(new.astype(np.float64)), model.transform(new.astype(np.float32))]
    return b"".join([*(part.tobytes() for part in parts), np.float64(model.score(new)).tobytes()])


USUAL = {}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", FITS)
def test_no_state_changes_a_map(name, state):
    samples = IMAGES if "images" in name else X
    if name not in USUAL:
        USUAL[name] = seen(FITS[name](), samples)
    with STATES[state]():
        assert seen(FITS[name](), samples) == USUAL[name]


def test_a_built_in_network_is_of_float32_whatever_the_default():
    with set_to(torch.set_default_dtype, torch.float64, torch.float32):
        encoder = make_encoder("convnet", (24, 24))
    assert {value.dtype for value in encoder.state_dict().values()} == {torch.float32}


def test_springs_of_ones_own_are_tried_in_any_state():
    for state in STATES.values():
        with state():
            law = make_springs(laws=(torch.square, lambda d: torch.exp(-d))).similar
    with torch.inference_mode():
        assert law.force(torch.ones(1)).tolist() == [-2.0]


def state():
    return {
        "Python's generator": random.getstate(),
        "NumPy's generator": str(np.random.get_state()),  # noqa: NPY002 - the one that is not to move
        "torch's generator": torch.get_rng_state().tolist(),
        "warnings": list(warnings.filters),
        "errors": np.geterr(),
        "threads": torch.get_num_threads(),
        "defaults": (torch.get_default_dtype(), str(torch.get_default_device()), torch.is_grad_enabled()),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


@pytest.mark.parametrize("entered", [nullcontext, *STATES.values()])
def test_all_is_left_as_it_was(entered):
    with entered():
        before = state()
        for fit in (FITS["Adam"], FITS["map"]):
            model = fit()
            model.transform(X[:3])
            model.score(X)
            metrics.invariance_report(model, X, {"moved": lambda batch: batch + 0.1}, n_permutations=19)
        assert state() == before


@pytest.mark.parametrize("estimator", [DrLIM, NeighborMap])
@pytest.mark.parametrize("make", [lambda: None, lambda: np.random.RandomState(0)])
def test_to_score_draws_no_seed(estimator, make):
    model = estimator(max_epochs=1, random_state=make(), verbose=False).fit(X)
    before = str(np.random.get_state()), str(model.random_state and model.random_state.get_state())  # noqa: NPY002
    assert model.score(X) == model.score(X)
    assert (str(np.random.get_state()), str(model.random_state and model.random_state.get_state())) == before  # noqa: NPY002


FRESH = """
import os, random, sys
import joblib, numpy as np, scipy.optimize, scipy.stats, torch  # most of the time that the first calls take
import drlim
X = np.random.default_rng(0).normal(size=(40, 3))
Z, values = X[:, :2], np.arange(40) % 2
calls = {
    "report": lambda: drlim.metrics.invariance_report(Z, None, {"a": values}, n_permutations=19),
    "fit": lambda: drlim.DrLIM(max_epochs=1, random_state=0, verbose=True).fit(X),
    "load": lambda: drlim.load(sys.argv[1]),
}
for name, call in calls.items():
    if os.fork() == 0:
        before = random.getstate()
        call()
        os._exit(random.getstate() != before)
    if os.wait()[1]:
        print(name)
"""
"""Each call in a process of its own, in which nothing that a first call imports is there yet."""


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_the_first_call_leaves_python_s_generator_alone(tmp_path):
    import drlim

    path = tmp_path / "model.safetensors"
    drlim.save(DrLIM(**DRLIM).fit(X[:, :3]), path)
    done = subprocess.run([sys.executable, "-c", FRESH, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == ""
