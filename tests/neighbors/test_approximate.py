"""Approximate neighbours: what is found and measured, and libraries that stand in."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from drlim import knn_graph
from drlim.neighbors import approximate as _approximate
from drlim.neighbors import knn_indices


def clustered(n: int, seed: int = 0) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(20, 8)) * 4
    return (centres[generator.integers(0, 20, n)] + generator.normal(size=(n, 8))) @ generator.normal(size=(8, 30))


def test_the_approximate_method_finds_most_and_measures_exactly():
    X = clustered(2000) + 1e6
    indices, distances = knn_indices(X, 5, algorithm="index")
    exact, _ = knn_indices(X, 5)
    assert np.mean([len(set(a) & set(b)) for a, b in zip(indices.tolist(), exact.tolist(), strict=True)]) > 4.9
    measured = np.sqrt(np.sum((X[indices] - X[:, None]) ** 2, axis=2))
    np.testing.assert_allclose(distances, measured, rtol=1e-12)
    assert (np.diff(distances) >= 0).all()
    assert (indices != np.arange(2000)[:, None]).all()


def test_the_approximate_method_repeats_by_its_seed():
    X = np.random.default_rng(0).normal(size=(1500, 40))
    first, again = (knn_graph(X, 4, algorithm="index", random_state=3) for _ in range(2))
    assert first == again
    assert knn_graph(X, 4, algorithm="index") == knn_graph(X, 4, algorithm="index", random_state=0)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_few_samples_are_all_found(metric):
    X = np.random.default_rng(0).normal(size=(7, 3))
    for k in (1, 6):
        exact, approximate = knn_indices(X, k, metric), knn_indices(X, k, metric, algorithm="index")
        np.testing.assert_array_equal(exact[0], approximate[0])
        np.testing.assert_array_equal(exact[1], approximate[1])


def test_identical_samples_are_found():
    X = np.zeros((300, 4))
    X[200:] = np.random.default_rng(0).normal(size=(100, 4))
    assert not knn_indices(X, 3, algorithm="index")[1][:200].any()


class NoIndex:
    """An index that finds each sample itself and nobody else."""

    def __call__(self, wanted, effort):
        return np.repeat(np.arange(50)[:, None], wanted, axis=1)


def test_an_index_that_finds_too_little_is_no_graph(monkeypatch):
    monkeypatch.setattr(_approximate, "_proposer", lambda X, seed: NoIndex())
    with pytest.raises(RuntimeError, match=re.escape("The index finds only 0 of 2 neighbours of some samples")):
        knn_graph(np.eye(50), 2, algorithm="index")


def test_the_extra_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "voyager", None)
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ImportError, match=re.escape("algorithm='index' needs voyager or faiss: pip install \"drlim[")):
        knn_graph(np.eye(50), 2, algorithm="index")


class Hesitant:
    """Stands in for voyager.Index: it gives up unless it may search among 300 candidates."""

    def __init__(self, space, num_dimensions, M, random_seed, max_elements):
        pass

    def add_items(self, X, num_threads):
        assert num_threads == 1
        self.X = X

    def query(self, X, k, query_ef):
        if query_ef < 300:
            raise RuntimeError("Fewer than expected results were retrieved")
        squares = ((X[:, None] - self.X) ** 2).sum(axis=2)
        return np.argsort(squares, axis=1)[:, :k].astype(np.uint64), squares


def test_an_index_is_asked_again_with_more_candidates(monkeypatch):
    index = SimpleNamespace(Index=Hesitant, Space=SimpleNamespace(Euclidean=None))
    monkeypatch.setitem(sys.modules, "voyager", index)
    X = clustered(400)
    np.testing.assert_array_equal(knn_indices(X, 4, algorithm="index")[0], knn_indices(X, 4)[0])
    with pytest.raises(RuntimeError, match=re.escape("The index finds only 0 of 4 neighbours")):
        knn_indices(X[:200], 4, algorithm="index")


class FlatLists:
    """Stands in for faiss.IndexIVFFlat, with one list and an exact search that leaves a gap for some."""

    def __init__(self, quantizer, d, n_lists):
        self.cp = SimpleNamespace(seed=None)

    def train(self, X):
        assert self.cp.seed is not None

    def add(self, X):
        self.X = X

    def search(self, X, wanted):
        squares = ((X[:, None] - self.X) ** 2).sum(axis=2)
        found = np.argsort(squares, axis=1)[:, :wanted]
        found[::2, -1] = -1
        return squares, found


def test_faiss_stands_in(monkeypatch):
    monkeypatch.setitem(sys.modules, "voyager", None)
    monkeypatch.setitem(sys.modules, "faiss", SimpleNamespace(IndexIVFFlat=FlatLists, IndexFlatL2=lambda d: None))
    X = clustered(60)
    np.testing.assert_array_equal(knn_indices(X, 4, algorithm="index")[0], knn_indices(X, 4)[0])
