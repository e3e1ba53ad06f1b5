"""Samples of which each process has some rows: reading them, what is computed of all, and what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from scipy import sparse
from tests.training.threads import in_threads, shared

import drlim
from drlim._base import joining
from drlim._base.group import ALONE
from drlim._base.identical import row_keys
from drlim._base.sparse_rows import SparseRows
from drlim._base.stored_rows import are_shared, column_ends, column_means, column_variances
from drlim._base.torch import Rows
from drlim.encoders.standardize import Standardize
from drlim.estimators.reference import extremes, reference_of
from drlim.relations.unstated import parted_by_rest
from drlim.training import Shard, fingerprint
from drlim.training.distributed import Shares
from drlim.training.memory import Memory

BOUNDS = [0, 0, 4, 29, 30]
"""First rows of the shards of four processes, of which one has none."""

X = np.random.default_rng(0).normal(size=(30, 3))
IMAGES = np.random.default_rng(1).normal(size=(30, 4, 5)).astype(np.float32)


def of_all(work, samples=X):
    """Return what each of four threads makes of shared samples."""
    return in_threads(4, lambda group: work(shared(samples, BOUNDS, group)))


@pytest.mark.parametrize(
    "index", [slice(None), slice(2, 30, 7), np.array([29, 3, 4, 3]), np.arange(5, 20), slice(9, 9)]
)
@pytest.mark.parametrize("samples", [X, IMAGES, SparseRows(sparse.csr_array(X))])
def test_all_processes_get_the_rows_that_they_ask_for(samples, index):
    for found in of_all(lambda rows: rows[index], samples):
        assert np.array_equal(found, samples[index])


def test_parts_keep_to_the_process_that_has_their_rows():
    chosen = np.array([1, 3, 4, 5, 29])

    def looked_at(rows):
        part = rows.part(chosen)
        first, own = part.at_hand()
        return part.bounds.tolist(), first, own[:].tolist(), part[:].tolist(), part.following(own[:]).tolist()

    found = of_all(looked_at)
    for bounds, _, _, whole, followed in found:
        assert bounds == [0, 0, 2, 4, 5]
        assert whole == followed == X[chosen].tolist()
    assert [first for _, first, *_ in found] == [0, 0, 2, 4]
    assert [own for _, _, own, *_ in found] == [[], X[[1, 3]].tolist(), X[[4, 5]].tolist(), X[[29]].tolist()]


def test_own_rows_are_read_by_their_numbers_among_all_and_one_where_none_are_wanted():
    def own(rows):
        first, at_hand = rows.at_hand()
        some = Rows(rows, torch.device("cpu"), torch.float64)
        last = some.take_own(np.arange(first, first + len(at_hand))[-1:])
        return last.tolist(), some.take_own(slice(first, first)).shape, len(some.own)

    found = of_all(own)
    assert [last for last, _, _ in found] == [[X[0].tolist()], [X[3].tolist()], [X[28].tolist()], [X[29].tolist()]]
    assert [shape for _, shape, _ in found] == [(1, 3)] * 4
    assert [count for _, _, count in found] == [1, 4, 25, 1]  # the first has the spare row


def test_statistics_of_columns_are_those_of_all_rows():
    for low, high, mean, variance in of_all(
        lambda rows: (*column_ends(rows), column_means(rows), column_variances(rows, np.full(3, 0.5)))
    ):
        assert np.array_equal(low, X.min(axis=0))
        assert np.array_equal(high, X.max(axis=0))
        assert mean == pytest.approx(X.mean(axis=0), abs=1e-14)
        assert variance == pytest.approx(((X - 0.5) ** 2).mean(axis=0), rel=1e-14)


@pytest.mark.parametrize("samples", [X, IMAGES])
def test_what_a_model_keeps_of_samples_is_that_of_all(samples):
    Z = X[:, :2]
    wanted, ends = reference_of(samples, Z), extremes(samples)
    for found, found_ends in of_all(lambda rows: (reference_of(rows, Z), extremes(rows)), samples):
        for name in ("low", "high", "size", "centre", "rows", "places"):
            assert np.array_equal(getattr(found, name), getattr(wanted, name)), name
        assert np.array_equal(found_ends, ends)


@pytest.mark.parametrize("kind", ["columns", "images", "wild", "wide"])
def test_standardisation_is_that_of_all_rows(kind):
    samples = IMAGES.copy() if kind == "images" else X.copy()
    if kind == "wild":
        samples[28, 1], samples[2, 0] = 1e9, -1e7
    if kind == "wide":
        samples[:, 2] *= 1e4
    wanted = Standardize(samples.shape[1:]).fit(samples, chunk_size=8)
    assert wanted.is_bounded == (kind in ("wild", "wide"))
    for found in of_all(lambda rows: Standardize(rows.shape[1:]).fit(rows, chunk_size=8), samples):
        assert found.findings == wanted.findings
        for name, value in wanted.state_dict().items():
            assert torch.allclose(found.state_dict()[name], value, rtol=1e-6, atol=1e-7), name


def test_identical_rows_of_two_shards_are_found():
    samples = X.copy()
    samples[29] = samples[1]
    keys = of_all(row_keys, samples)
    for found in keys:
        assert np.array_equal(found, keys[0])
        assert len(np.unique(found)) == 29
        assert found[1] == found[29]


def test_near_samples_that_the_rest_parts_are_those_of_all():
    line = np.concatenate([np.arange(15.0), np.arange(15.0) + 0.1])[:, None]
    time = drlim.sequence_graph(np.tile(np.arange(15.0), 2), 1.0, groups=np.repeat([0, 1], 15))
    near = time | drlim.knn_graph(line)
    found = of_all(lambda rows: (parted_by_rest(rows, time), parted_by_rest(rows, near)), line)
    assert found == [(parted_by_rest(line, time), parted_by_rest(line, near))] * 4
    assert found[0][0] > 0.9


def test_features_of_estimated_positions_are_those_of_all():
    def features(rows, shares):
        some = Rows(rows, torch.device("cpu"), torch.float64)
        return Memory(torch.zeros(30, 2, dtype=torch.float64), some, 2, shares=shares)._features

    wanted = features(X, Shares(ALONE))
    for found in of_all(lambda rows: features(rows, Shares(joining.present_group()))):
        assert torch.equal(found.isnan(), wanted.isnan())
        assert (found - wanted).abs().max() < 1e-9


def test_fingerprints_follow_from_the_rows_of_each_shard():
    first = of_all(fingerprint.of_samples)
    changed = X.copy()
    changed[29, 0] += 1
    assert len({*first}) == 1
    assert {*of_all(fingerprint.of_samples, changed)}.isdisjoint(first)


def test_rows_of_processes_that_have_left_are_refused():
    def left(rows):
        joining._PRESENT.set(ALONE)
        assert are_shared(rows)
        with pytest.raises(
            ValueError, match=re.escape("Rows of 4 shards can be read only while all their processes fit")
        ):
            rows[:2]
        return rows.at_hand()[1][:].tolist()

    assert of_all(left)[1] == X[:4].tolist()


def test_a_shard_of_one_process_is_all_samples():
    graph = drlim.knn_graph(X, 3)
    model, whole = (drlim.DrLIM(max_epochs=2, random_state=0).fit(given, graph=graph) for given in (Shard(X, 0, 30), X))
    assert model.embedding_.tobytes() == whole.embedding_.tobytes()
    with pytest.raises(ValueError, match=re.escape("They have 29 together, and n_samples=30.")):
        drlim.DrLIM().fit(Shard(X[:29], 0, 30), graph=graph)
    with pytest.raises(TypeError, match="Expected the rows of a Shard to be samples"):
        drlim.DrLIM().fit(Shard(drlim.orbits(X, [np.abs], lazy=True).X, 0, 60), graph=graph)
    with pytest.raises(ValueError, match=re.escape("fill the gaps, rows.filled(...), or drop those samples")):
        drlim.DrLIM().fit(Shard(np.ma.masked_greater(X, 1.0), 0, 30), graph=graph)


@pytest.mark.parametrize(
    ("start", "n_samples", "wanted"),
    [(-1, 30, "The 'start' parameter of Shard"), (0, 1, "The 'n_samples' parameter of Shard"), (0.5, 30, "'start'")],
)
def test_numbers_of_a_shard_are_checked(start, n_samples, wanted):
    with pytest.raises(ValueError, match=wanted):
        Shard(X, start, n_samples)


def test_a_shard_says_which_it_is():
    assert repr(Shard(X, 3, 60)) == "Shard(start=3, n_samples=60)"
