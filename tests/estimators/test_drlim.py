from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import _param_validation as sklearn_kinds
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

import drlim.training.epochs
from drlim import DivergenceError, DrLIM, NeighborhoodGraph, knn_graph, make_encoder
from drlim._base.checks import InvalidParameterError
from drlim._base.constraints import StrOptions, _HasMethods, _Interval
from drlim.estimators import parameters
from drlim.forces.sums import graph_sums
from drlim.training.auto import resolve_settings

VARIANTS = [
    DrLIM(max_epochs=20),
    DrLIM(n_components=3, max_epochs=20, optimizer="adam"),
    DrLIM(batch_size=8, interactions="batch", max_epochs=5),
]


@pytest.mark.filterwarnings("ignore:.* pairs of identical samples are declared dissimilar")  # of a check's data
@parametrize_with_checks(VARIANTS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([DrLIM()])
def test_scikit_learn_checks_of_the_defaults(estimator, check):
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
@pytest.mark.filterwarnings("ignore:X has feature names, but DrLIM was fitted without")
@pytest.mark.parametrize("estimator", VARIANTS, ids=["default", "three components", "small batches"])
def test_checks_scikit_learn_leaves_to_the_caller(estimator, check):
    getattr(estimator_checks, check)("DrLIM", estimator)


@pytest.mark.parametrize("estimator", VARIANTS, ids=["default", "three components", "small batches"])
def test_scikit_learn_check_of_parameters(estimator, monkeypatch):
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

    monkeypatch.setattr(DrLIM, "_parameter_constraints", parameters._ACCEPTED, raising=False)
    monkeypatch.setattr(estimator_checks, "InvalidParameterError", InvalidParameterError)
    monkeypatch.setattr(estimator_checks, "make_constraint", translated)
    estimator_checks.check_param_validation("DrLIM", estimator)


def fitted(X, **parameters):
    return DrLIM(**{"random_state": 0, "max_epochs": 5, **parameters}).fit(X)


@pytest.mark.parametrize(
    ("parameter", "other"),
    [
        ("n_components", 3),
        ("encoder", "linear"),
        ("n_neighbors", 2),
        ("neighbors", lambda X: [[(i + 1) % len(X)] for i in range(len(X))]),
        ("orbit", lambda batch: batch + 1.0),
        ("margin", 0.5),
        ("dissimilar_weight", 3.0),
        ("springs", (torch.square, lambda d: torch.exp(-d))),
        ("optimizer", "adam"),
        ("learning_rate", 1e-2),
        ("batch_size", 8),
        ("max_epochs", 7),
        ("random_state", 1),
    ],
)
def test_every_parameter_acts(two_groups, parameter, other):
    embedding = fitted(two_groups).embedding_
    changed = fitted(two_groups, **{parameter: other}).embedding_
    assert embedding.shape != changed.shape or np.abs(embedding - changed).max() > 1e-4


def test_interactions_act(two_groups):
    everyone = fitted(two_groups, batch_size=8).embedding_
    own = fitted(two_groups, batch_size=8, interactions="batch").embedding_
    assert np.abs(everyone - own).max() > 1e-4


def test_tol_stops_early(two_groups):
    assert fitted(two_groups, max_epochs=100, tol=1.0).n_iter_ < 100
    assert fitted(two_groups, max_epochs=100, tol=1.0).stopped_ == "converged"


def test_device_is_used(two_groups):
    with pytest.raises((ValueError, NotImplementedError)):
        fitted(two_groups, device="meta")
    assert next(fitted(two_groups, device="cpu").encoder_.parameters()).device.type == "cpu"


def test_verbose_shows_a_bar_and_silence_is_the_default(two_groups, capsys):
    fitted(two_groups)
    assert capsys.readouterr() == ("", "")
    fitted(two_groups, verbose=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "epoch 5/5" in err
    assert "pairs/s" in err
    assert "energy" in err


def test_similar_samples_land_closer_than_dissimilar_ones(two_groups):
    graph = NeighborhoodGraph.from_pairs(20, [(i, i + 10) for i in range(10)])  # across the groups, against distance
    model = DrLIM(random_state=0, max_epochs=300).fit(two_groups, graph=graph)
    distance = np.linalg.norm(model.embedding_[:, None] - model.embedding_, axis=2)
    similar = distance[np.arange(10), np.arange(10) + 10]
    assert model.graph_ is graph
    assert similar.mean() < 0.3 * distance[np.triu_indices(20, 1)].mean()


def test_a_sparse_matrix_is_a_graph(two_groups):
    similar = sparse.random_array((20, 20), density=0.1, random_state=0)
    np.testing.assert_array_equal(
        fitted_with(two_groups, similar).embedding_,
        fitted_with(two_groups, NeighborhoodGraph.from_csr(similar)).embedding_,
    )


def fitted_with(X, graph):
    return DrLIM(random_state=0, max_epochs=2).fit(X, graph=graph)


@pytest.mark.parametrize(
    ("given", "computed"),
    [
        ("float64", "float64"),
        ("float32", "float32"),
        ("uint8", "float32"),
        ("float16", "float32"),
        ("int64", "float64"),
    ],
)
def test_computes_in_the_dtype_given(two_groups, given, computed):
    X = np.abs(two_groups * 10).astype(given)
    model = fitted(X)
    assert model.embedding_.dtype == computed
    np.testing.assert_array_equal(model.transform(X), model.embedding_)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-5)])
def test_a_sample_s_place_depends_on_no_other_sample(two_groups, dtype, tolerance):
    X = two_groups.astype(dtype)
    model = fitted(X)
    one_by_one = np.concatenate([model.transform(row[None]) for row in X])
    np.testing.assert_allclose(one_by_one, model.embedding_, rtol=tolerance, atol=tolerance)
    order = np.random.default_rng(0).permutation(20)
    np.testing.assert_allclose(model.transform(X[order]), model.embedding_[order], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("shape", [(28, 28), (3, 28, 28), (8, 8), (1, 8, 8)])
def test_images(shape):
    X = np.random.default_rng(0).random((12, *shape)).astype(np.float32)
    model = fitted(X, max_epochs=1)
    assert model.transform(X[:3]).shape == (3, 2)
    assert model.input_shape_ == shape
    assert model.n_features_in_ == np.prod(shape)
    with pytest.raises(ValueError, match=re.escape(f"Expected 'X' to hold samples of shape {shape}, as DrLIM was")):
        model.transform(X[..., :-1])


def test_reads_memory_maps_that_cannot_be_written(two_groups, tmp_path):
    np.save(tmp_path / "X.npy", two_groups.astype(np.float32))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    np.testing.assert_array_equal(fitted(mapped).embedding_, fitted(two_groups.astype(np.float32)).embedding_)


def test_data_frames_give_and_take_names(two_groups):
    frame = pd.DataFrame(two_groups, columns=["a", "b", "c"])
    model = DrLIM(random_state=0, max_epochs=2).set_output(transform="pandas").fit(frame)
    assert model.transform(frame).columns.tolist() == ["drlim0", "drlim1"]
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]


def test_a_module_is_trained_as_a_copy(two_groups):
    class Everything(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(3, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 2))

        def forward(self, x):
            return self.net(x)

    encoder = Everything().double()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    model = fitted(two_groups, encoder=encoder, batch_size=19)  # a last batch of one would break BatchNorm
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, before[name])
        assert value.dtype == before[name].dtype
    assert not torch.equal(model.encoder_.net[0].weight, before["net.0.weight"].float())
    np.testing.assert_array_equal(model.transform(two_groups), model.transform(two_groups))
    np.testing.assert_array_equal(model.embedding_, fitted(two_groups, encoder=encoder, batch_size=19).embedding_)


def test_a_factory_is_told_the_shapes(two_groups):
    calls = []

    def factory(input_shape, n_components):
        calls.append((input_shape, n_components))
        return nn.Linear(*input_shape, n_components)

    model = fitted(two_groups, encoder=factory, n_components=3)
    assert calls == [((3,), 3)]
    assert model.embedding_.shape == (20, 3)
    np.testing.assert_array_equal(fitted(two_groups, encoder=factory, n_components=3).embedding_, model.embedding_)


def test_pickle_clone_pipeline_and_grid_search(two_groups):
    model = fitted(two_groups)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).transform(two_groups), model.embedding_)  # noqa: S301
    assert clone(model).get_params() == model.get_params()
    graph = knn_graph(two_groups, 3)
    pipe = make_pipeline(StandardScaler(), DrLIM(random_state=0, max_epochs=2))
    assert pipe.fit(two_groups, drlim__graph=graph)[-1].graph_ is graph
    grid = {"n_components": [1, 2], "encoder": ["linear", "mlp"]}
    search = GridSearchCV(
        DrLIM(random_state=0, max_epochs=20), grid, cv=KFold(2, shuffle=True, random_state=0), error_score="raise"
    ).fit(two_groups)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert len(set(scores)) == 4


def test_score_is_minus_the_energy_over_all_pairs():
    # Points 0, 3 and 3.5 of a line, mapped by the identity; only the first two are similar.
    identity = nn.Linear(1, 1, bias=False)
    nn.init.ones_(identity.weight)
    X = np.array([[0.0], [3.0], [3.5]])
    graph = NeighborhoodGraph.from_pairs(3, [(0, 1)])
    model = DrLIM(1, encoder=identity, learning_rate=1e-12, max_epochs=1, n_neighbors=1).fit(X, graph=graph)
    # mean L_S = 9/2; L_D: 0 at 3.5, 1/2 (1/2)^2 at 0.5, mean 1/16
    assert model.score(X, graph=graph) == pytest.approx(-(9 / 2 + 1 / 16))
    trained = DrLIM(1, random_state=0, max_epochs=300).fit(X, graph=graph)
    assert trained.score(X, graph=graph) > model.score(X, graph=graph)


def global_state():
    return (
        torch.get_rng_state().tolist(),
        np.random.get_state()[1].tolist(),  # noqa: NPY002 - the global state is what is watched
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        list(warnings.filters),
    )


def test_nothing_global_is_touched(two_groups):
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    before = global_state()
    fitted(two_groups, encoder=lambda shape, d: nn.Linear(*shape, d))
    assert global_state() == before


_BYTES = """
import hashlib
import tempfile
import torch
from drlim import DrLIM, datasets, save
X = datasets.digits49().X_train[:700]
for parameters in ({}, {"interactions": "batch"}, {"batch_size": "all"}, {"optimizer": "lbfgs"}):
    model = DrLIM(random_state=0, max_epochs=2, **parameters).fit(X)
    with tempfile.TemporaryDirectory() as folder:
        save(model, folder + "/model.safetensors")
        written = open(folder + "/model.safetensors", "rb").read()
    print(torch.get_num_threads(), hashlib.sha256(model.embedding_.tobytes() + written).hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_in_two_processes_of_two_threads(tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "NUMBA_CACHE_DIR": str(tmp_path)}
    outputs = [  # the first compiles the kernels, the second reads them from the cache
        subprocess.run(
            [sys.executable, "-c", _BYTES], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert outputs[0] == outputs[1]
    assert len(set(outputs[0].splitlines())) == 4
    assert all(line.startswith("2 ") for line in outputs[0].splitlines())


def test_an_interrupt_leaves_a_usable_map_and_a_warning(two_groups, monkeypatch):
    calls = iter(range(100))

    def interrupted(*args, **kwargs):
        if next(calls) == 7:
            raise KeyboardInterrupt
        return graph_sums(*args, **kwargs)

    monkeypatch.setattr(drlim.training.epochs, "graph_sums", interrupted)
    model = DrLIM(random_state=0, max_epochs=10, batch_size=5)  # 4 steps an epoch
    with pytest.warns(UserWarning, match="interrupted after 1 of 10 epochs; the map is usable as it stood"):
        model.fit(two_groups)
    assert model.stopped_ == "interrupted"
    assert model.n_iter_ == len(model.history_) == 1
    np.testing.assert_array_equal(model.transform(two_groups), model.embedding_)
    assert np.isfinite(model.embedding_).all()


def test_divergence_raises_and_keeps_the_last_finite_map(two_groups):
    model = DrLIM(random_state=0, learning_rate=1e38, max_epochs=30, batch_size=5)
    with pytest.raises(DivergenceError, match="Try a tenth of the learning rate"):
        model.fit(two_groups)
    assert np.isfinite(model.transform(two_groups)).all()
    assert model.stopped_ == "diverged"


@pytest.mark.filterwarnings("ignore:.*A map says nothing of samples that far away")
def test_no_map_holds_a_value_that_is_not_finite(two_groups):
    class Exponential(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x):
            return torch.exp(self.linear(x))

    model = fitted(two_groups, encoder=Exponential())
    with pytest.raises(ValueError, match="maps some of the samples in 'X' to values that are not finite"):
        model.transform(np.sign(model.encoder_.linear.weight.detach().numpy()[:1]) * 1e9)


def test_identical_samples_declared_dissimilar_are_counted(two_groups):
    X = np.vstack([two_groups, two_groups[:3], two_groups[:1]])  # sample 0 three times, 1 and 2 twice
    graph = NeighborhoodGraph.from_pairs(24, [(1, 21), (4, 5)])  # 1 and its copy are similar
    with pytest.warns(UserWarning, match="4 pairs of identical samples are declared dissimilar.*at least 2 to the sum"):
        DrLIM(margin=2.0, max_epochs=1).fit(X, graph=graph)
    named = NeighborhoodGraph.from_pairs(24, [(4, 5)], dissimilar=[(0, 20), (3, 4)])
    with pytest.warns(UserWarning, match="1 pairs of identical samples are declared dissimilar"):
        DrLIM(max_epochs=1).fit(X, graph=named)
    ignored = NeighborhoodGraph.from_pairs(24, [(1, 21), (4, 5)], ignored=[(0, 20), (0, 23), (20, 23), (2, 22)])
    DrLIM(max_epochs=1).fit(X, graph=ignored)  # warnings are errors here: none


def test_inputs_of_any_scale_train(two_groups):
    for scale, offset in ((1e-20, 0.0), (1e20, 0.0), (1.0, 1e6), (0.0, 3.0)):
        X = two_groups * scale + offset
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # constant samples are twins
            assert np.isfinite(fitted(X).embedding_).all()


def resolved(n_samples, encoder="mlp", **parameters):
    asked = DrLIM(encoder=encoder, **parameters).get_params(deep=False)
    return resolve_settings(asked, n_samples, make_encoder(encoder, (28, 28), 2))


def test_auto_epochs_make_about_three_thousand_steps():
    assert resolved(50).max_epochs == 500
    assert resolved(6000).max_epochs == 75
    assert resolved(10**6).max_epochs == 20


def test_auto_batches_are_smaller_where_all_samples_are_felt():
    assert resolved(6000).batch_size == 150
    assert resolved(6000, interactions="batch").batch_size == 250
    assert resolved(120, optimizer="adam").batch_size is None


@pytest.mark.parametrize(
    ("n_samples", "parameters", "optimizer"),
    [
        (1000, {}, "lbfgs"),
        (1001, {}, "adam"),
        (1000, {"encoder": "convnet"}, "adam"),
        (1000, {"batch_size": 500}, "adam"),
        (1000, {"batch_size": "all"}, "adam"),
        (1000, {"learning_rate": 0.1}, "adam"),
        (1000, {"interactions": "batch"}, "adam"),
        (1000, {"orbit": np.negative}, "adam"),
        (5000, {"optimizer": "lbfgs"}, "lbfgs"),
        (100, {"optimizer": "adam"}, "adam"),
    ],
)
def test_few_samples_are_trained_by_lbfgs_unless_something_is_set_for_adam(n_samples, parameters, optimizer):
    assert resolved(n_samples, **parameters).optimizer == optimizer


def test_a_module_of_ones_own_is_trained_by_adam(two_groups):
    # It may drop units or count its batches, which a line search does not bear.
    module = make_encoder("mlp", (3,), 2)
    assert resolve_settings(DrLIM(encoder=module).get_params(deep=False), 20, module).optimizer == "adam"


def test_a_refused_fit_leaves_the_earlier_map(two_groups):
    model = fitted(two_groups)
    before = model.embedding_.copy()
    with pytest.raises(ValueError, match="as many samples as 'X'"):
        model.fit(two_groups[:, :2], graph=NeighborhoodGraph.from_pairs(5, [(0, 1)]))
    np.testing.assert_array_equal(model.transform(two_groups), before)
    assert model.n_features_in_ == 3


def test_warnings_point_at_the_caller(two_groups):
    X = np.vstack([two_groups, two_groups[:1]])
    with pytest.warns(UserWarning, match="identical samples") as caught:
        DrLIM(max_epochs=1).fit(X, graph=NeighborhoodGraph.from_pairs(21, [(4, 5)]))
    assert caught[0].filename == __file__


def test_masks_and_counts_in_a_module_survive_the_average(two_groups):
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)
            self.register_buffer("mask", torch.tensor([0.0, -torch.inf]))
            self.register_buffer("count", torch.tensor(3))

        def forward(self, x):
            return self.linear(x) * torch.exp(self.mask)

        def get_extra_state(self):
            return {"name": "masked"}

        def set_extra_state(self, state):
            assert state == {"name": "masked"}

    model = fitted(two_groups, encoder=Masked())
    assert model.encoder_.mask.tolist() == [0.0, -np.inf]
    assert int(model.encoder_.count) == 3
    assert np.isfinite(model.embedding_).all()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("parameters", [{}, {"batch_size": 5}, {"optimizer": "lbfgs"}])
def test_trains_where_gradients_are_switched_off(two_groups, mode, parameters):
    with mode():
        inside = fitted(two_groups, **parameters).embedding_
    np.testing.assert_array_equal(inside, fitted(two_groups, **parameters).embedding_)


@pytest.mark.slow
def test_lbfgs_gets_as_far_as_adam(two_groups):
    for seed in range(3):
        adam = DrLIM(optimizer="adam", random_state=seed).fit(two_groups).score(two_groups)
        assert DrLIM(optimizer="lbfgs", random_state=seed).fit(two_groups).score(two_groups) > adam - 0.005


def test_no_batch_has_fewer_than_two_samples(two_groups):
    normalised = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    for n_samples in (3, 5):
        for interactions in ("all", "batch"):
            model = DrLIM(encoder=normalised, n_neighbors=1, batch_size=2, interactions=interactions, max_epochs=2)
            assert np.isfinite(model.fit_transform(two_groups[:n_samples])).all()


def test_samples_far_from_zero_are_warned_of(two_groups):
    with pytest.warns(UserWarning, match="times their spread away from zero.*subtract the mean first"):
        fitted(two_groups + 1e8)


def test_an_interrupted_line_search_is_undone(two_groups, monkeypatch):
    calls = iter(range(100))
    seen = []

    def interrupted(*args, **kwargs):
        if next(calls) == 5:
            raise KeyboardInterrupt
        seen.append(graph_sums(*args, **kwargs))
        return seen[-1]

    monkeypatch.setattr(drlim.training.epochs, "graph_sums", interrupted)
    with pytest.warns(UserWarning, match="interrupted"):
        model = DrLIM(optimizer="lbfgs", learning_rate=1e6, random_state=0).fit(two_groups)
    assert np.abs(model.embedding_).max() < 1e3


def test_weights_thrown_out_by_the_last_step_are_a_divergence(two_groups):
    model = DrLIM(learning_rate=3e38, max_epochs=1, random_state=0, encoder=nn.Linear(3, 2))
    X = two_groups.astype(np.float32)
    try:
        assert np.isfinite(model.fit(X).embedding_).all()
    except DivergenceError:
        assert np.isfinite(model.embedding_).all()


def test_a_factory_must_make_a_new_module(two_groups):
    shared = nn.Linear(3, 2)
    model = fitted(two_groups, encoder=lambda shape, d: shared)
    with pytest.raises(ValueError, match="must return a new module at each call"):
        model.fit(two_groups)


def test_the_default_dtype_does_not_matter(two_groups):
    usual = fitted(two_groups).embedding_
    torch.set_default_dtype(torch.float64)
    try:
        model = fitted(two_groups)
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(weight.dtype == torch.float32 for weight in model.encoder_.parameters())
    assert model.embedding_.shape == usual.shape


def test_threads_take_turns(two_groups):
    dropping = nn.Sequential(nn.Linear(3, 16), nn.Dropout(0.5), nn.Linear(16, 2))

    def embedding(seed):
        return fitted(two_groups, encoder=dropping, random_state=seed).embedding_

    serial = [embedding(seed) for seed in range(3)]
    before = torch.get_rng_state()
    with ThreadPoolExecutor(3) as pool:
        parallel = list(pool.map(embedding, range(3)))
    assert torch.equal(torch.get_rng_state(), before)
    for one, other in zip(serial, parallel, strict=True):
        np.testing.assert_array_equal(one, other)


def test_images_after_a_table_have_no_column_names(two_groups):
    model = fitted(pd.DataFrame(two_groups, columns=["a", "b", "c"]), max_epochs=1)
    model.fit(np.random.default_rng(0).random((12, 8, 8)))
    assert not hasattr(model, "feature_names_in_")
