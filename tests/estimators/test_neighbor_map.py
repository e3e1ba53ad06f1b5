"""`NeighborMap` as a transformer: scikit-learn's contract, numbers, determinism, interruptions."""

from __future__ import annotations

import os
import pickle
import random
import re
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import _param_validation as sklearn_kinds
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

import drlim
import drlim.training.placing
from drlim import DivergenceError, NeighborhoodGraph, NeighborMap, knn_graph, label_graph
from drlim._base.checks import InvalidParameterError
from drlim._base.constraints import StrOptions, _HasMethods, _Interval
from drlim.estimators import parameters

VARIANTS = [
    NeighborMap(max_epochs=1),
    NeighborMap(3, metric="cosine", max_epochs=1),
    NeighborMap(1, metric="precomputed", n_neighbors=3, max_epochs=1),
]
NAMES = ["default", "three components by cosine", "one component, precomputed"]


@parametrize_with_checks(VARIANTS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "check",
    [
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_set_output_transform_polars",
        "check_global_output_transform_pandas",
        "check_global_set_output_transform_polars",
        "check_dataframe_column_names_consistency",
        "check_n_features_in_after_fitting",
        "check_estimators_partial_fit_n_features",
        "check_transformer_preserve_dtypes",
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_transformers_unfitted",
    ],
)
# These checks pass arrays to an estimator fitted on a data frame, and the reverse, on purpose.
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.filterwarnings("ignore:X has feature names, but NeighborMap was fitted without")
@pytest.mark.parametrize("estimator", VARIANTS[:2], ids=NAMES[:2])
def test_checks_scikit_learn_leaves_to_the_caller(estimator, check):
    getattr(estimator_checks, check)("NeighborMap", estimator)


def test_scikit_learn_check_of_parameters(monkeypatch):
    # The check makes bad values from scikit-learn's own kinds of constraint.
    kinds = {
        _Interval: lambda accepted: sklearn_kinds.Interval(
            accepted.of, accepted.low, accepted.high, closed=accepted.closed
        ),
        StrOptions: lambda accepted: sklearn_kinds.StrOptions(set(accepted.options)),
        _HasMethods: lambda accepted: sklearn_kinds.HasMethods(list(accepted.methods)),
    }

    def translated(accepted):
        return kinds.get(type(accepted), sklearn_kinds.make_constraint)(accepted)

    monkeypatch.setattr(NeighborMap, "_parameter_constraints", parameters._OF_A_NEIGHBOR_MAP, raising=False)
    monkeypatch.setattr(estimator_checks, "InvalidParameterError", InvalidParameterError)
    monkeypatch.setattr(estimator_checks, "make_constraint", translated)
    estimator_checks.check_param_validation("NeighborMap", VARIANTS[0])


def fitted(X, **parameters):
    return NeighborMap(**{"random_state": 0, "max_epochs": 2, **parameters}).fit(X)


@pytest.fixture
def cloud():
    return np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)


@pytest.mark.parametrize(
    ("parameter", "other"),
    [
        ("n_components", 3),
        ("n_neighbors", 2),
        ("metric", "cosine"),
        ("encoder", nn.Sequential(nn.Linear(4, 6), nn.Tanh())),
        ("orbit", np.negative),
        ("springs", (lambda d: d**2, lambda d: torch.exp(-d))),
        ("n_places", 5),
        ("max_epochs", 7),
        ("random_state", 1),
    ],
)
def test_every_parameter_acts(cloud, parameter, other):
    embedding = fitted(cloud).embedding_
    changed = fitted(cloud, **{parameter: other}).embedding_
    assert embedding.shape != changed.shape or np.abs(embedding - changed).max() > 1e-4


def test_device_is_used(cloud):
    with pytest.raises(ValueError, match="The 'device' parameter of NeighborMap must be 'auto' or a device"):
        fitted(cloud, device="meta")
    assert next(fitted(cloud, device="cpu").encoder_.parameters()).device.type == "cpu"


def test_verbose_shows_a_bar_and_silence_is_the_default(cloud, capsys):
    fitted(cloud)
    assert capsys.readouterr() == ("", "")
    fitted(cloud, verbose=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "epoch 2/2" in err
    assert "cross-entropy" in err


@pytest.mark.parametrize(
    ("given", "computed"),
    [
        ("float64", "float64"),
        ("float32", "float32"),
        ("uint8", "float32"),
        ("float16", "float32"),
        ("bool", "float32"),
        ("int64", "float64"),
    ],
)
def test_the_map_of_the_training_samples_is_their_transform(cloud, given, computed):
    X = np.abs(cloud * 2).astype(given)
    model = NeighborMap(random_state=0, max_epochs=2)
    embedding = model.fit_transform(X)
    assert embedding.dtype == computed
    np.testing.assert_array_equal(embedding, model.embedding_)
    np.testing.assert_array_equal(model.transform(X), model.embedding_)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 1e-3)])
def test_a_sample_s_place_depends_on_no_other_sample(dtype, tolerance):
    X = drlim.datasets.digits().X_train[:100].astype(dtype)
    model = fitted(X)
    width = model.embedding_.std()
    order = np.random.default_rng(0).permutation(len(X))
    for other in (
        np.concatenate([model.transform(row[None]) for row in X[:9]] + [model.transform(X[9:])]),
        model.transform(X[order])[np.argsort(order)],
        np.concatenate([model.transform(X[:40]), model.transform(X[40:])]),
    ):
        away = np.linalg.norm(other - model.embedding_, axis=1)
        assert (away > tolerance * width).sum() <= (0 if dtype == "float64" else 1)  # rounding may exchange modes


@pytest.mark.parametrize("n_components", [1, 2, 3])
@pytest.mark.parametrize("n_samples", [2, 3, 5, 20])
def test_few_samples_keep_places_of_their_own(n_samples, n_components):
    X = np.random.default_rng(0).normal(size=(n_samples, 4))
    model = fitted(X, n_components=n_components)
    assert model.embedding_.shape == (n_samples, n_components)
    assert np.isfinite(model.embedding_).all()
    assert len(np.unique(model.embedding_, axis=0)) == n_samples


@pytest.mark.parametrize(
    "X",
    [
        np.ones((50, 3)),
        np.zeros((50, 3)),
        np.random.default_rng(0).normal(size=(50, 1)),
        np.repeat(np.random.default_rng(0).normal(size=(4, 3)), 60, axis=0),  # more copies than neighbours
        np.random.default_rng(0).normal(size=(50, 3)) * 1e-30,
        np.random.default_rng(0).normal(size=(50, 3)) * 1e29,
        np.random.default_rng(0).normal(size=(50, 3)) + 1e6,
    ],
    ids=["ones", "zeros", "one column", "duplicates", "tiny", "huge", "offset"],
)
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_degenerate_samples(X, metric):
    for given in (X, X.astype(np.float32)):
        model = fitted(given, metric=metric, max_epochs=1)
        assert np.isfinite(model.embedding_).all()
        np.testing.assert_array_equal(model.transform(given), model.embedding_)


@pytest.mark.parametrize("wild", [1e6, 9e29])
def test_one_wild_value_does_not_hide_the_groups_of_the_others(wild):
    rng = np.random.default_rng(0)
    group = np.arange(120) % 3
    X = rng.normal(size=(120, 6)) + 8 * np.eye(6)[group]
    X[7, 1] = wild
    model = fitted(X, max_epochs=10)
    others = np.delete(np.arange(120), 7)
    _, nearest = model.kneighbors(X[others], 6)
    nearest = np.where(nearest == 7, others[:, None], nearest)
    assert (group[nearest] == group[others, None]).mean() > 0.97
    new = rng.normal(size=(60, 6)) + 8 * np.eye(6)[np.arange(60) % 3]
    assert (group[model.kneighbors(new, 5)[1]] == (np.arange(60) % 3)[:, None]).mean() > 0.95
    assert np.isfinite(model.confidence(X)).all()


@pytest.mark.parametrize("shape", [(8, 8), (5, 5), (3, 8, 8), (1, 12, 10)])
def test_images(shape):
    X = np.random.default_rng(0).random((24, *shape)).astype(np.float32)
    model = fitted(X, max_epochs=1)
    assert model.transform(X[:3]).shape == (3, 2)
    assert model.input_shape_ == shape
    assert model.n_features_in_ == np.prod(shape)
    with pytest.raises(ValueError, match=re.escape(f"samples of shape {shape}, as NeighborMap was fitted on.")):
        model.transform(X[..., :-1])


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_reads_memory_maps_that_cannot_be_written(cloud, tmp_path, metric):
    np.save(tmp_path / "X.npy", cloud)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    np.testing.assert_array_equal(fitted(mapped, metric=metric).embedding_, fitted(cloud, metric=metric).embedding_)


def test_data_frames_give_and_take_names(cloud):
    frame = pd.DataFrame(cloud, columns=list("abcd"))
    model = NeighborMap(random_state=0, max_epochs=1).set_output(transform="pandas").fit(frame)
    assert model.transform(frame).columns.tolist() == ["neighbormap0", "neighbormap1"]
    assert model.feature_names_in_.tolist() == list("abcd")


def test_pickle_clone_pipeline_and_grid_search(cloud):
    model = fitted(cloud)
    copy = pickle.loads(pickle.dumps(model))  # noqa: S301
    np.testing.assert_array_equal(copy.transform(cloud), model.embedding_)
    assert clone(model).get_params() == model.get_params()
    graph = knn_graph(cloud, 3)
    pipe = make_pipeline(StandardScaler(), NeighborMap(random_state=0, max_epochs=1))
    assert pipe.fit(cloud, neighbormap__graph=graph)[-1].graph_ is graph
    grid = {"n_components": [1, 2], "n_neighbors": [2, 5]}
    search = GridSearchCV(NeighborMap(random_state=0, max_epochs=2), grid, cv=2, error_score="raise").fit(cloud)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert len(set(scores)) == 4


def test_distances_can_be_searched_over(cloud):
    distance = np.linalg.norm(cloud[:, None] - cloud, axis=2)
    model = NeighborMap(metric="precomputed", random_state=0, max_epochs=1)
    search = GridSearchCV(model, {"n_components": [1, 2]}, cv=3, error_score="raise").fit(distance)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.input_shape_ == (60,)


def test_each_keyword_is_routed_and_a_graph_is_cut_with_its_samples(cloud):
    seen = []

    class Watched(NeighborMap):
        def fit(self, X, y=None, *, graph=None, pairs=None):
            seen.append(graph)
            return super().fit(X, y, graph=graph, pairs=pairs)

    graph = label_graph(np.arange(60) % 2)
    with sklearn.config_context(enable_metadata_routing=True):
        model = Watched(max_epochs=1, random_state=0)
        model = model.set_fit_request(graph=True, pairs=False).set_score_request(graph=True, pairs=False)
        search = GridSearchCV(model, {"n_components": [1, 2]}, cv=2, error_score="raise")
        search.fit(cloud, graph=graph)
        NeighborMap().set_partial_fit_request(graph=True, pairs=True, anchor=True, anchor_weight=True)
        asking = NeighborMap(max_epochs=1).set_fit_request(pairs=True).set_score_request(pairs=False)
        search = GridSearchCV(asking, {"n_components": [1]}, cv=2, error_score="raise")
        with pytest.raises(TypeError, match=re.escape("Give drlim.pairs(n_samples, similar=..., dissimilar=...).")):
            search.fit(cloud, pairs=np.array([[0, 1], [2, 3]]))
        search.fit(cloud, pairs=drlim.pairs(60, similar=[(0, 1)]))
        assert 1 in search.best_estimator_.graph_.neighbors(0)
    assert [cut.n_samples for cut in seen] == [30] * 4 + [60]
    assert seen[0] == graph.subgraph(np.arange(30, 60))


def global_state():
    return (
        torch.get_rng_state().tolist(),
        np.random.get_state()[1].tolist(),  # noqa: NPY002 - the global state is what is watched
        random.getstate(),
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        list(warnings.filters),
    )


def test_nothing_global_is_touched(cloud):
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    before = global_state()
    model = fitted(cloud, encoder=lambda shape: nn.Sequential(nn.Linear(*shape, 5), nn.Dropout(0.5)))
    model.partial_fit(cloud, anchor=cloud[:5])
    model.score(cloud)
    model.confidence(cloud)
    assert global_state() == before


@pytest.mark.parametrize("shape", [(4,), (8, 8)])
def test_the_default_dtype_does_not_matter(shape):
    X = np.random.default_rng(0).normal(size=(60, *shape)).astype(np.float32)
    usual = fitted(X).embedding_
    torch.set_default_dtype(torch.float64)
    try:
        model = fitted(X)
    finally:
        torch.set_default_dtype(torch.float32)
    tensors = [*model.encoder_.parameters(), *model.encoder_.buffers()]
    assert {tensor.dtype for tensor in tensors if tensor.is_floating_point()} == {torch.float32}
    np.testing.assert_array_equal(model.embedding_, usual)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_trains_where_gradients_are_switched_off(cloud, mode):
    with mode():
        inside = fitted(cloud)
        confidence = inside.confidence(cloud)
    np.testing.assert_array_equal(inside.embedding_, fitted(cloud).embedding_)
    np.testing.assert_array_equal(inside.confidence(cloud), confidence)


def test_the_same_seed_gives_the_same_bytes(cloud):
    np.testing.assert_array_equal(fitted(cloud).embedding_, fitted(cloud).embedding_)
    assert not np.array_equal(fitted(cloud).embedding_, fitted(cloud, random_state=1).embedding_)


_BYTES = """
import hashlib
import torch
from drlim import NeighborMap, datasets
X = datasets.digits().X_train[:150]
for parameters in ({}, {"metric": "cosine", "n_components": 1}, {"orbit": lambda x, g: x + g.normal(size=x.shape)}):
    model = NeighborMap(random_state=0, max_epochs=1, **parameters).fit(X)
    print(torch.get_num_threads(), hashlib.sha256(model.embedding_.tobytes()).hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_in_two_processes_of_two_threads():
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    outputs = [
        subprocess.run(
            [sys.executable, "-c", _BYTES], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert outputs[0] == outputs[1]
    assert len(set(outputs[0].splitlines())) == 3
    assert all(line.startswith("2 ") for line in outputs[0].splitlines())


class _Counter:
    """Stands in for the loss of a step, and acts at one of them."""

    def __init__(self, loss, at, action):
        self.loss, self.at, self.action, self.calls = loss, at, action, 0

    def __call__(self, *arguments):
        self.calls += 1
        loss = self.loss(*arguments)
        return self.action(loss) if self.calls == self.at else loss


def interrupt(loss):
    raise KeyboardInterrupt


def test_an_interrupt_leaves_a_usable_map_and_a_warning(cloud, monkeypatch):
    step = drlim.training.placing._loss
    monkeypatch.setattr(drlim.training.placing, "_loss", _Counter(step, 4, interrupt))  # one step an epoch
    model = NeighborMap(random_state=0, max_epochs=10)
    with pytest.warns(UserWarning, match="interrupted after 3 of 10 epochs; the map is usable as it stood") as caught:
        model.fit(cloud)
    assert caught[0].filename == __file__
    assert model.stopped_ == "interrupted"
    assert model.n_iter_ == len(model.history_) == 3
    np.testing.assert_array_equal(model.transform(cloud), model.embedding_)
    monkeypatch.setattr(drlim.training.placing, "_loss", _Counter(step, 2, interrupt))
    with pytest.warns(UserWarning, match="interrupted after 1 of 10 epochs"):
        model.partial_fit(cloud)
    assert model.n_iter_ == len(model.history_) == 4


def test_an_interrupt_of_the_layout_leaves_the_earlier_map(cloud, monkeypatch):
    model = fitted(cloud)
    before = dict(vars(model))
    monkeypatch.setattr(drlim.training.neighbor_layout, "relax", interrupt_call)
    with pytest.raises(KeyboardInterrupt):
        model.fit(cloud[:, :2])
    assert vars(model) == before


def interrupt_call(*arguments, **keywords):
    raise KeyboardInterrupt


def test_divergence_raises_and_keeps_the_last_finite_map(cloud, monkeypatch):
    step = drlim.training.placing._loss
    monkeypatch.setattr(drlim.training.placing, "_loss", _Counter(step, 3, lambda loss: loss * torch.nan))
    model = NeighborMap(random_state=0, max_epochs=10)
    with pytest.raises(DivergenceError, match="Training diverged: the loss of epoch 3"):
        model.fit(cloud)
    assert model.stopped_ == "diverged"
    assert model.n_iter_ == len(model.history_) == 2
    np.testing.assert_array_equal(model.transform(cloud), model.embedding_)
    assert np.isfinite(model.embedding_).all()


def broken(distance):
    return distance**2 * torch.where((distance > 0) & (distance < 0.1), torch.nan, 1.0)


def test_a_layout_that_diverges_leaves_the_estimator_as_it_was(cloud):
    model = NeighborMap(random_state=0, max_epochs=1, springs=(broken, lambda d: torch.exp(-d)))
    with pytest.raises(DivergenceError, match="Relaxation diverged"):
        model.fit(cloud)
    assert vars(model) == vars(clone(model))


def test_no_map_holds_a_value_that_is_not_finite(cloud):
    class Exponential(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 3)

        def forward(self, x):
            return torch.exp(self.linear(x))

    model = fitted(cloud, encoder=Exponential())
    with pytest.raises(ValueError, match="maps some of the samples in 'X' to values that are not finite"):
        model.transform(np.sign(model.encoder_.network.trunk.linear.weight.detach().numpy()[:1]) * 1e9)


def test_a_module_is_trained_as_a_copy(cloud):
    trunk = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 3)).double()
    before = {name: value.clone() for name, value in trunk.state_dict().items()}
    model = fitted(cloud, encoder=trunk)
    for name, value in trunk.state_dict().items():
        assert torch.equal(value, before[name])
        assert value.dtype == before[name].dtype
    assert not torch.equal(model.encoder_.network.trunk[0].weight, before["0.weight"].float())
    np.testing.assert_array_equal(model.embedding_, fitted(cloud, encoder=trunk).embedding_)
    np.testing.assert_array_equal(model.transform(cloud), model.embedding_)


def test_a_factory_is_given_the_shape(cloud):
    calls = []

    def factory(input_shape):
        calls.append(input_shape)
        return nn.Linear(*input_shape, 7)

    model = fitted(cloud, encoder=factory)
    assert calls == [(4,)]
    assert model.encoder_.network.linear.in_features == 7
    np.testing.assert_array_equal(fitted(cloud, encoder=factory).embedding_, model.embedding_)


def test_weights_need_not_be_in_the_trunk(cloud):
    assert fitted(cloud, encoder=nn.Flatten()).embedding_.shape == (60, 2)


def test_a_refused_fit_leaves_the_earlier_map(cloud):
    model = fitted(cloud)
    before = dict(vars(model))
    with pytest.raises(ValueError, match="as many samples as 'X'"):
        model.fit(cloud[:, :2], graph=NeighborhoodGraph.from_pairs(5, [(0, 1)]))
    assert vars(model) == before


def test_images_after_a_table_have_no_column_names(cloud):
    model = fitted(pd.DataFrame(cloud, columns=list("abcd")), max_epochs=1)
    model.fit(np.random.default_rng(0).random((12, 8, 8)))
    assert not hasattr(model, "feature_names_in_")


@pytest.mark.slow
def test_seeds_differ_little_in_quality():
    data = drlim.datasets.digits()
    scores = [
        (
            data.y_train[fitted(data.X_train, random_state=seed, max_epochs=10).kneighbors(data.X_test, 1)[1][:, 0]]
            == data.y_test
        ).mean()
        for seed in range(3)
    ]
    assert min(scores) > 0.96
