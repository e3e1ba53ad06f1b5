from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from torch import nn

from drlim import NeighborhoodGraph, make_springs
from drlim._base import hashing
from drlim._base.sparse_rows import SparseRows
from drlim.relations import LazyCopies
from drlim.training import fingerprint
from drlim.training.fresh import FreshCopies
from drlim.training.validation import Part

X = np.arange(12, dtype=np.float32).reshape(6, 2)


def negated(batch):
    return -batch


FORMS = {
    "array": X,
    "another value": X + np.eye(6, 2, dtype=np.float32),
    "another shape": X.reshape(3, 4),
    "another type": X.astype(np.float64),
    "part": Part(X, np.array([0, 1])),
    "another part": Part(X, np.array([0, 2])),
    "sparse": SparseRows(sparse.csr_array(X)),
    "lazy copies": LazyCopies(X, {"negated": negated}),
    "fresh copies": FreshCopies(X, negated, 0),
}


def test_samples_have_a_fingerprint_of_their_own_in_each_form():
    found = {name: fingerprint.of_samples(samples) for name, samples in FORMS.items()}
    assert len(set(found.values())) == len(FORMS)
    assert found == {name: fingerprint.of_samples(samples) for name, samples in FORMS.items()}


def test_reading_the_fingerprint_of_copies_makes_none():
    made = []
    fingerprint.of_samples(FreshCopies(X, lambda batch: made.append(1) or batch, 0))
    assert made == []


def test_of_many_samples_a_part_is_read(monkeypatch):
    monkeypatch.setattr(hashing, "_BLOCK_BYTES", 8)
    monkeypatch.setattr(hashing, "_MOST_BYTES", 24)  # three of six rows
    changed = X.copy()
    changed[1] += 1
    assert fingerprint.of_samples(X) == fingerprint.of_samples(changed)
    changed[4] += 1
    assert fingerprint.of_samples(X) != fingerprint.of_samples(changed)


def test_relations_differ_by_pairs_weights_and_rest():
    graphs = [
        NeighborhoodGraph.from_pairs(4, [(0, 1)]),
        NeighborhoodGraph.from_pairs(4, [(0, 2)]),
        NeighborhoodGraph.from_pairs(5, [(0, 1)]),
        NeighborhoodGraph.from_pairs(4, [(0, 1)], weights=[2.0]),
        NeighborhoodGraph.from_pairs(4, [(0, 1)], dissimilar=[(0, 2)]),
    ]
    assert len({fingerprint.of_graph(graph) for graph in graphs}) == len(graphs)
    assert fingerprint.of_graph(graphs[0]) == fingerprint.of_graph(NeighborhoodGraph.from_pairs(4, [(1, 0)]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1.0, 2.0),
        (np.array([1, 2]), np.array([1, 3])),
        (nn.Linear(2, 2), nn.Linear(2, 2)),
        (make_springs(1.0), make_springs(2.0)),
        (lambda x: x, lambda x: x + 1),
        ([1, 2], [1, 3]),
    ],
)
def test_parameters_differ_by_value(one, other):
    texts = [fingerprint.of_parameters({"p": value})["p"] for value in (one, other, one)]
    assert texts[0] == texts[2] != texts[1]
    assert all(len(text) < 300 for text in texts)
