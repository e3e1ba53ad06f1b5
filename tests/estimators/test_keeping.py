"""Fits that are cut short and go on: by an exception at a random epoch here, by SIGKILL in `make test-slow`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV
from torch import nn

import drlim
from drlim import DrLIM, NeighborMap, load, orbits, save
from drlim.callbacks import EarlyStopping

X = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
IMAGES = np.random.default_rng(0).normal(size=(60, 8, 8)).astype(np.float32)


class Cut:
    """Cuts a fit short at an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, record, model_state):
        if record["epoch"] == self.epoch:
            raise KeyboardInterrupt


def noisy(x, generator):
    return (x + generator.normal(scale=0.1, size=x.shape)).astype(np.float32)


def with_dropout(shape, n_components):
    return nn.Sequential(
        nn.Linear(shape[0], 8), nn.BatchNorm1d(8), nn.SiLU(), nn.Dropout(0.3), nn.Linear(8, n_components)
    )


BASE = {"encoder": "mlp", "max_epochs": 8, "tol": 0.0, "batch_size": 20, "random_state": 0}
FITS = {
    "all": BASE,
    "batch": {**BASE, "interactions": "batch"},
    "whole": {**BASE, "batch_size": "all", "optimizer": "adam"},
    "lbfgs": {**BASE, "batch_size": "all", "optimizer": "lbfgs"},
    "orbit": {**BASE, "orbit": noisy},
    "dropout": {**BASE, "encoder": with_dropout, "margin": 0.5},
    "held out": {**BASE, "validation": 0.2},
    "rows held out": {**BASE, "validation": [3, 4, 5, 6, 7, 8, 9]},
    "early": {**BASE, "validation": 0.2, "max_epochs": 40, "learning_rate": 0.1},
}


def same(one, other):
    """Whether two models are the same to the byte, but for the seconds of their epochs."""
    weights = zip(one.encoder_.state_dict().items(), other.encoder_.state_dict().items(), strict=True)
    histories = [
        [{name: value for name, value in record.items() if name != "seconds"} for record in model.history_]
        for model in (one, other)
    ]
    return (
        one.embedding_.tobytes() == other.embedding_.tobytes()
        and all(a == b and torch.equal(x, y) for (a, x), (b, y) in weights)
        and histories[0] == histories[1]
        and one.stopped_ == other.stopped_
        and one.n_iter_ == other.n_iter_
    )


def cut(model, epoch, *given, method="fit", **options):
    """Cut a fit short."""
    callbacks = [*(model.callbacks or ()), Cut(epoch)]
    with pytest.warns(UserWarning, match="interrupted"):
        getattr(model.set_params(callbacks=callbacks), method)(*given, **options)
    return model.set_params(callbacks=callbacks[:-1] or None)


@pytest.mark.parametrize("kind", FITS)
def test_a_fit_that_goes_on_ends_in_the_same_bytes(kind, tmp_path):
    stops = [EarlyStopping(patience=4)] if kind == "early" else None
    whole = DrLIM(**FITS[kind], callbacks=stops).fit(X)
    folder = tmp_path / "kept"
    cut(DrLIM(**FITS[kind], checkpoint=folder, callbacks=stops), 5, X)
    again = DrLIM(**FITS[kind], checkpoint=folder, callbacks=stops)
    if kind != "early":
        cut(again, 7, X, resume=True)  # cut short a second time
    again.fit(X, resume=True)
    assert same(again, whole)
    assert same(again.fit(X, resume=True), whole)  # a fit that has ended ends at once


@pytest.mark.parametrize("kind", ["vectors", "images", "orbit", "module"])
def test_a_map_of_neighbors_that_goes_on_ends_in_the_same_bytes(kind, tmp_path, monkeypatch):
    given = {"max_epochs": 5, "random_state": 0}
    if kind == "orbit":
        given["orbit"] = noisy
    if kind == "module":
        torch.manual_seed(0)
        given["encoder"] = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.2))
    monkeypatch.setattr("drlim.training.halves._SMALLEST_STEP", 0.0)  # halves, which have statistics of their own
    samples = IMAGES if kind == "images" else X
    whole = NeighborMap(**given).fit(samples)
    folder = tmp_path / "kept"
    cut(NeighborMap(**given, checkpoint=folder), 3, samples)
    laid_out = []
    with monkeypatch.context() as patched:
        patched.setattr("drlim.estimators.neighbor_map.lay_out", lambda *_: laid_out.append(1))
        again = NeighborMap(**given, checkpoint=folder).fit(samples, resume=True)
    assert laid_out == []  # the layout is in the checkpoint
    assert same(again, whole)


@pytest.mark.parametrize("kind", ["adam", "lbfgs", "neighbors"])
def test_partial_fit_with_an_anchor_goes_on(kind, tmp_path):
    given = {"max_epochs": 6, "random_state": 0}
    if kind != "neighbors":
        given |= {"optimizer": kind, "encoder": "mlp", "tol": 0.0, "batch_size": 20 if kind == "adam" else "all"}
    model = (NeighborMap if kind == "neighbors" else DrLIM)(**given).fit(X[:40])
    save(model, tmp_path / "before.safetensors")
    whole = load(tmp_path / "before.safetensors").partial_fit(X[40:], anchor=X[:40])
    folder = tmp_path / "kept"
    short = load(tmp_path / "before.safetensors").set_params(checkpoint=folder)
    cut(short, 9, X[40:], anchor=X[:40], method="partial_fit")
    again = load(tmp_path / "before.safetensors").set_params(checkpoint=folder)
    again.partial_fit(X[40:], anchor=X[:40], resume=True)
    assert same(again, whole)
    assert again.drift_ == whole.drift_
    other = load(tmp_path / "before.safetensors").set_params(checkpoint=folder)
    with pytest.raises(ValueError, match="of another run: the weight of the anchor was"):
        other.partial_fit(X[40:], anchor=X[:40], anchor_weight=3.0, resume=True)
    moved = load(tmp_path / "before.safetensors").partial_fit(X[:40]).set_params(checkpoint=folder)
    with pytest.raises(ValueError, match=r"weights to begin with|encoder was"):
        moved.partial_fit(X[40:], anchor=X[:40], resume=True)


def test_lazy_copies_go_on(tmp_path):
    copies = orbits(X, {"up": lambda x: x + 0.1, "down": lambda x: x - 0.1}, lazy=True)
    graph = drlim.with_copies(drlim.knn_graph(X, 3), copies.source)
    whole = DrLIM(**BASE).fit(copies.X, graph=graph)
    cut(DrLIM(**BASE, checkpoint=tmp_path), 4, copies.X, graph=graph)
    assert same(DrLIM(**BASE, checkpoint=tmp_path).fit(copies.X, graph=graph, resume=True), whole)


def test_checkpoints_change_no_byte(tmp_path):
    assert same(DrLIM(**BASE, checkpoint=tmp_path).fit(X), DrLIM(**BASE).fit(X))


def test_a_fit_without_a_checkpoint_begins_anew(tmp_path):
    assert same(DrLIM(**BASE, checkpoint=tmp_path / "none").fit(X, resume=True), DrLIM(**BASE).fit(X))


def test_the_seed_of_the_checkpoint_is_taken_where_none_is_given(tmp_path):
    given = {**BASE, "random_state": None}
    telling = cut(DrLIM(**given, checkpoint=tmp_path), 4, X)
    again = DrLIM(**given, checkpoint=tmp_path).fit(X, resume=True)
    assert [r["energy"] for r in again.history_[:4]] == [r["energy"] for r in telling.history_]
    assert again.n_iter_ == 8


def other_noise(x, generator):
    return noisy(x, generator)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"margin": 2.0}, "margin was 1.0 and is 2.0"),
        ({"max_epochs": 9}, "max_epochs was 8 and is 9"),
        ({"random_state": 1}, "random_state was 0 and is 1"),
        ({"encoder": "linear"}, "encoder was 'mlp' and is 'linear'"),
        ({"orbit": other_noise}, "orbit was None and is other_noise"),
        ({"validation": [1, 2, 3]}, r"validation was None and is \[1, 2, 3\]"),
        ({"springs": (lambda d: d**2, lambda d: (1 - d).clamp_min(0) ** 2)}, "springs was None and is "),
    ],
)
def test_other_parameters_are_refused(changed, what, tmp_path):
    cut(DrLIM(**BASE, checkpoint=tmp_path), 3, X)
    model = DrLIM(**{**BASE, **changed}, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="is of another run: .*" + what):
        model.fit(X, resume=True)
    assert not hasattr(model, "embedding_")


def test_other_laws_weights_and_versions_are_refused(tmp_path, monkeypatch):
    def laws(power):
        return (lambda d: d**power, lambda d: (1 - d).clamp_min(0) ** 2)

    torch.manual_seed(0)
    given = {**BASE, "springs": laws(2), "encoder": nn.Linear(5, 2)}
    cut(DrLIM(**given, checkpoint=tmp_path), 3, X)
    with pytest.raises(ValueError, match="springs was"):
        DrLIM(**{**given, "springs": laws(4)}, checkpoint=tmp_path).fit(X, resume=True)
    with pytest.raises(ValueError, match="encoder was Linear"):
        DrLIM(**{**given, "encoder": nn.Linear(5, 2)}, checkpoint=tmp_path).fit(X, resume=True)
    monkeypatch.setattr("drlim.training.fingerprint.__version__", "99")
    with pytest.raises(ValueError, match=r"drlim was .* and is 99"):
        DrLIM(**given, checkpoint=tmp_path).fit(X, resume=True)


def test_other_data_and_relations_are_refused(tmp_path):
    model = cut(DrLIM(**BASE, checkpoint=tmp_path), 3, X)
    with pytest.raises(ValueError, match="other samples"):
        model.fit(X + np.float32(1e-6), resume=True)
    with pytest.raises(ValueError, match=r"the shape of 'X' was \[60, 5\] and is \[59, 5\]"):
        model.fit(X[:59], resume=True)
    with pytest.raises(ValueError, match="other relations"):
        model.fit(X, pairs=[(0, 50)], resume=True)
    model.fit(X, resume=True)


@pytest.mark.parametrize("kind", [DrLIM, NeighborMap])
def test_bad_arguments_are_refused_before_work(kind, tmp_path):
    with pytest.raises(ValueError, match=r"'resume' parameter of \w+\.fit needs the folder of the checkpoints"):
        kind().fit(X, resume=True)
    with pytest.raises(ValueError, match="'checkpoint_every' parameter must be a number of epochs, or a time"):
        kind(checkpoint=tmp_path, checkpoint_every="soon").fit(X)
    with pytest.raises(ValueError, match=r"'checkpoint_every' parameter of .* must be"):
        kind(checkpoint=tmp_path, checkpoint_every=0).fit(X)
    with pytest.raises(ValueError, match="'resume' parameter of"):
        kind(checkpoint=tmp_path).fit(X, resume="yes")
    (tmp_path / "file").write_text("")
    for bad in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("x" * 300), "nul\0"):
        with pytest.raises(ValueError, match=r"'checkpoint' parameter of \w+\.fit must be a folder that can be"):
            kind(checkpoint=bad).fit(X)


def test_a_fit_that_was_cut_short_is_not_overwritten(tmp_path):
    model = cut(DrLIM(**BASE, checkpoint=tmp_path), 3, X)
    with pytest.raises(ValueError, match=r"has one of a run that was cut short after 2 of 8 epochs\. resume=True"):
        model.fit(X)
    model.fit(X, resume=True)
    model.fit(X[:50])  # one that has ended may be


def test_a_search_writes_its_fits_one_after_the_other(tmp_path):
    search = GridSearchCV(DrLIM(**{**BASE, "max_epochs": 2}, checkpoint=tmp_path), {"margin": [0.5, 1.0]}, cv=2)
    assert np.isfinite(search.fit(X).best_score_)


def test_state_that_is_no_tensor_is_refused_at_the_beginning(tmp_path):
    class Odd(nn.Linear):
        def get_extra_state(self):
            return {1, 2}

        def set_extra_state(self, state):
            pass

    with pytest.raises(TypeError, match=r"'encoder\._extra_state' is a set, and neither a tensor nor a number"):
        DrLIM(**{**BASE, "encoder": Odd(5, 2)}, checkpoint=tmp_path).fit(X)


SCRIPT = """
    import sys
    import numpy as np
    import torch
    torch.set_num_threads(1)
    from drlim import DrLIM, save
    X = np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32)
    folder, out = sys.argv[1:]
    model = DrLIM(encoder="mlp", max_epochs=60, tol=0.0, batch_size=30, random_state=0, checkpoint=folder)
    save(model.fit(X, resume=True), out)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL of POSIX")
def test_a_killed_fit_goes_on_to_the_same_file(tmp_path):
    script = textwrap.dedent(SCRIPT)
    command = [sys.executable, "-c", script]
    subprocess.run([*command, tmp_path / "a", tmp_path / "whole.safetensors"], check=True, timeout=120)
    process = subprocess.Popen([*command, tmp_path / "b", tmp_path / "again.safetensors"])
    while len(list((tmp_path / "b").glob("checkpoint-0000001*"))) == 0:  # ten epochs or more
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "again.safetensors").exists()
    subprocess.run([*command, tmp_path / "b", tmp_path / "again.safetensors"], check=True, timeout=120)
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
