"""Forces of graphs with weights and classes: equal to a literal double loop over the weights of all pairs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from drlim import NeighborhoodGraph
from drlim.forces import Balance, balanced, graph_energy
from drlim.relations import label_graph
from drlim.springs import FreeLaw, Springs, make_springs

EXACT = make_springs(margin=1.0)
FREE = Springs(FreeLaw(lambda d: 0.5 * d.square()), FreeLaw(lambda d: torch.exp(-d)))


@st.composite
def graphs(draw):
    n = draw(st.integers(2, 8))
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda pair: pair[0] != pair[1])
    listed = draw(st.lists(pairs, max_size=6, unique_by=lambda pair: tuple(sorted(pair))))
    graph = NeighborhoodGraph.from_pairs(n, listed, weights=[draw(st.sampled_from([0.5, 1, 3])) for _ in listed])
    labels = label_graph(draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n)))
    other = label_graph(draw(st.lists(st.integers(-1, 1), min_size=n, max_size=n)))
    joined = {
        "listed": graph,
        "labels": labels,
        "both": graph | 2.0 * labels,
        "overruled": (graph - ~labels) | labels,
        "two": labels | other,
        "turned": graph.with_rest("ignored") | ~other,
    }[draw(st.sampled_from(["listed", "labels", "both", "overruled", "two", "turned"]))]
    return joined, draw(st.none() | st.lists(st.integers(0, n - 1), unique=True, min_size=1))


def literal(Z, graph, springs, balance, rows):
    energies, gradient = [0.0, 0.0], np.zeros((len(rows), Z.shape[1]))
    for place, i in enumerate(rows):
        for j in range(len(Z)):
            if i == j:
                continue
            displacement = Z[i] - Z[j]
            distance = torch.linalg.vector_norm(displacement)[None]
            for kind, pairs, law in ((0, graph.similar, springs.similar), (1, graph.dissimilar, springs.dissimilar)):
                weight = float(pairs.weight_of([i], [j])[0])
                energies[kind] += 0.5 * weight * float(law.energy(distance))
                gradient[place] -= balance[kind] * weight * float(law.force(distance) / distance) * displacement.numpy()
    return energies, gradient


@settings(max_examples=60, deadline=None)
@given(graphs(), st.integers(0, 2**32 - 1), st.sampled_from([EXACT, FREE]))
def test_equal_to_a_literal_double_loop(drawn, seed, springs):
    graph, rows = drawn
    Z = torch.from_numpy(np.random.default_rng(seed).normal(size=(graph.n_samples, 2)) * 0.6)
    balance = Balance(0.7, 0.3)
    found = graph_energy(Z, graph, springs, balance, None if rows is None else np.array(rows))
    energies, gradient = literal(Z, graph, springs, balance, range(len(Z)) if rows is None else rows)
    np.testing.assert_allclose([found.similar, found.dissimilar], energies, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(found.gradient.numpy(), gradient, rtol=1e-11, atol=1e-13)


def test_a_class_is_pulled_to_its_mean_however_many_it_has():
    # 200,000 samples of one class, all but two on one point: sum of L_S = 2 (n - 2) / 2 + 4 / 2 with the two at +-1.
    n = 200_000
    Z = torch.zeros(n, 1)
    Z[0], Z[1] = 1.0, -1.0
    graph = label_graph(np.zeros(n, dtype=int))
    found = graph_energy(Z, graph, EXACT)
    assert found.similar == pytest.approx((n - 2) + 2)
    assert found.gradient[:3].ravel().tolist() == pytest.approx([n, -n, 0.0])


def test_far_from_the_origin_a_class_loses_no_digits():
    Z = torch.tensor([[1e8], [1e8 + 1], [1e8 + 3]], dtype=torch.float64)
    found = graph_energy(Z, label_graph([0, 0, 0]), EXACT)
    assert found.similar == pytest.approx(0.5 * (1 + 9 + 4), rel=1e-9)


def test_means_are_weighted():
    graph = NeighborhoodGraph.from_pairs(
        4, [(0, 1), (1, 2)], dissimilar=[(0, 3)], weights=[3.0, 1.0], dissimilar_weights=[0.5]
    )
    assert balanced(graph, 2.0) == Balance(1 / 4, 2.0 / 0.5)


def test_doubling_all_weights_changes_no_objective():
    rng = np.random.default_rng(0)
    Z = torch.from_numpy(rng.normal(size=(30, 2)))
    graph = NeighborhoodGraph.from_pairs(30, [(i, i + 1) for i in range(29)], dissimilar=[(0, 9), (3, 20)])
    once, twice = (graph_energy(Z, one, EXACT, balanced(one)).gradient.numpy() for one in (graph, graph * 2.0))
    np.testing.assert_allclose(once, twice, rtol=1e-12)
