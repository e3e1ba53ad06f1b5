"""Tension: springs solved by hand, the literal double loop, ranks, memory, wrong labels found, refusals."""

from __future__ import annotations

import re
import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from drlim import DrLIM, NeighborhoodGraph, datasets, knn_graph
from drlim.forces import balanced
from drlim.graph.blocks import Blocks
from drlim.graph.pairset import PairSet
from drlim.metrics import exact_energy, pair_energies, pair_tension, tension
from drlim.springs import Springs, make_springs

Floats = NDArray[np.float64]


def mixed_graph(n: int, seed: int, rest: Any = "dissimilar") -> NeighborhoodGraph:
    """Similar, dissimilar and ignored pairs, listed with weights and implied by classes, some contradicting."""
    rng = np.random.default_rng(seed)
    first, second = np.triu_indices(n, 1)
    every = np.column_stack([first, second])

    def some(share: float) -> PairSet:
        pairs = every[rng.random(len(every)) < share]
        return PairSet.from_pairs(n, pairs, weights=rng.choice([0.5, 1.0, 2.0], len(pairs)))

    classes = rng.integers(-1, 3, n)
    similar = some(0.2) | PairSet.from_blocks(Blocks.from_codes(classes, within=1.0))
    dissimilar = some(0.2) | PairSet.from_blocks(Blocks.from_codes(classes, between=0.5))
    return NeighborhoodGraph(n, similar, dissimilar, some(0.1), rest)


def literal(Z: Floats, graph: NeighborhoodGraph, laws: Springs) -> tuple[Floats, Floats, list[dict[Any, float]]]:
    """Energy and force of each sample, and energies of pairs of both kinds, by the double loop."""
    n, energy, force = len(Z), np.zeros(len(Z)), np.zeros(Z.shape)
    kinds: list[dict[Any, float]] = [{}, {}]
    of = ((graph.similar, laws.similar), (graph.dissimilar, laws.dissimilar))
    for (pairs, law), weight, found in zip(of, balanced(graph), kinds, strict=True):
        for i in range(n):
            for j in range(i + 1, n):
                strength = float(pairs.weight_of([i], [j])[0])
                if strength:
                    length = torch.tensor(np.sqrt(np.sum((Z[i] - Z[j]) ** 2)))
                    found[i, j] = strength * float(law.energy(length))
                    energy[[i, j]] += weight * found[i, j] / 2
                    if length > 0:
                        push = weight * strength * float(law.force(length)) * (Z[i] - Z[j]) / float(length)
                        force[i] += push
                        force[j] -= push
    return energy, force, kinds


def test_three_samples_on_a_line() -> None:
    # 0-1 similar at distance 3: energy 9/2, pull 3. 1-2 dissimilar, half a margin apart: energy 1/8, push 1/2.
    # One similar pair, two dissimilar (0-2 is out of reach): the balance is 1 and 1/2.
    found = tension([[0.0], [3.0], [3.5]], NeighborhoodGraph.from_pairs(3, [(0, 1)]))
    np.testing.assert_allclose(found.energy, [9 / 4, 9 / 4 + 1 / 32, 1 / 32])
    np.testing.assert_allclose(found.force.ravel(), [3.0, -3.0 - 1 / 4, 1 / 4])
    assert found.similar.pairs.tolist() == [[0, 1]]
    assert (found.similar.distance.tolist(), found.similar.energy.tolist()) == ([3.0], [4.5])
    assert found.dissimilar.pairs.tolist() == [[1, 2]]  # 0-2 has no energy, and is no violation
    assert (found.dissimilar.distance.tolist(), found.dissimilar.energy.tolist()) == ([0.5], [0.125])


def test_coincident_dissimilar_samples_are_the_worst_and_feel_nothing() -> None:
    found = tension([[1.0, 1.0], [1.0, 1.0]], NeighborhoodGraph.from_pairs(2, []))
    assert found.dissimilar.energy.tolist() == [0.5]
    assert not found.force.any()


def test_weights_count_in_pairs_and_samples() -> None:
    graph = NeighborhoodGraph.from_pairs(3, [(0, 1), (1, 2)], weights=[1.0, 5.0])
    found = tension([[0.0], [2.0], [3.0]], graph)
    assert found.similar.pairs.tolist() == [[1, 2], [0, 1]]  # 5/2 before 4/2, though shorter
    assert found.similar.energy.tolist() == [2.5, 2.0]


def test_margin_springs_and_the_balance_act() -> None:
    Z, graph = [[0.0], [1.5]], NeighborhoodGraph.from_pairs(2, [])
    assert len(tension(Z, graph).dissimilar.pairs) == 0
    assert tension(Z, graph, margin=2.0).dissimilar.energy.tolist() == [0.125]
    repelled = tension(Z, graph, springs=(torch.square, lambda d: 4.0 - d))
    assert repelled.dissimilar.energy.tolist() == [2.5]
    assert repelled.force.ravel().tolist() == [-1.0, 1.0]
    heavy = tension(Z, graph, margin=2.0, dissimilar_weight=8.0)
    assert heavy.energy.sum() == 1.0
    assert heavy.dissimilar.energy.tolist() == [0.125]


@given(st.integers(2, 14), st.integers(1, 3), st.integers(0, 10_000), st.sampled_from(["dissimilar", "ignored"]))
@settings(max_examples=40, deadline=None)
def test_equals_the_double_loop(n: int, d: int, seed: int, rest: str) -> None:
    graph = mixed_graph(n, seed, rest)
    Z = np.random.default_rng(seed).normal(size=(n, d))
    energy, force, kinds = literal(Z, graph, make_springs(1.0))
    found = tension(Z, graph, n_pairs=1000)
    np.testing.assert_allclose(found.energy, energy, atol=1e-12)
    np.testing.assert_allclose(found.force, force, atol=1e-12)
    for worst, expected in zip((found.similar, found.dissimilar), kinds, strict=True):
        strained = {pair: value for pair, value in expected.items() if value > 0}
        assert {tuple(pair) for pair in worst.pairs.tolist()} == set(strained)
        np.testing.assert_allclose(worst.energy, sorted(strained.values(), reverse=True), atol=1e-12)
        np.testing.assert_allclose(worst.energy, [strained[tuple(pair)] for pair in worst.pairs.tolist()], atol=1e-12)


@pytest.mark.parametrize("chunk", [1 << 20, 64])
@pytest.mark.parametrize("spread", [0.2, 1.0, 20.0])
def test_the_worst_are_the_head_of_all(chunk: int, spread: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_energies, "_CHUNK", chunk)  # one strip, and strips of a row
    graph = mixed_graph(60, 1)
    Z = spread * np.random.default_rng(2).normal(size=(60, 2))
    everything, few = tension(Z, graph, n_pairs=2000), tension(Z, graph, n_pairs=7)
    first, second = np.triu_indices(60, 1)
    near = np.linalg.norm(Z[first] - Z[second], axis=1) < 1.0  # the margin
    assert len(everything.dissimilar.pairs) == np.count_nonzero(near & (graph.dissimilar.weight_of(first, second) > 0))
    for whole, head in ((everything.similar, few.similar), (everything.dissimilar, few.dissimilar)):
        assert len(head.pairs) == min(7, len(whole.pairs))
        np.testing.assert_array_equal(head.pairs, whole.pairs[:7])
        np.testing.assert_allclose(head.energy, whole.energy[:7])
        np.testing.assert_allclose(np.linalg.norm(Z[head.pairs[:, 0]] - Z[head.pairs[:, 1]], axis=1), head.distance)


def test_the_nearest_pairs_may_all_be_similar() -> None:
    Z = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.02, 50))[:, None]
    chain = NeighborhoodGraph.from_pairs(50, [(i, i + 1) for i in range(49)])
    for graph, step in ((chain, 2), (NeighborhoodGraph.from_pairs(50, []), 1)):
        gaps = (Z[step:] - Z[:-step]).ravel()
        nearest = [[int(i), int(i) + step] for i in np.argsort(gaps)[:3]]
        assert tension(Z, graph, n_pairs=3).dissimilar.pairs.tolist() == nearest


@pytest.mark.parametrize("seed", range(4))
def test_samples_add_up_to_the_exact_energy_and_forces_to_nothing(seed: int) -> None:
    graph, Z = mixed_graph(40, seed), np.random.default_rng(seed).normal(size=(40, 2))
    found = tension(Z, graph, dissimilar_weight=3.0)
    assert found.energy.sum() == pytest.approx(exact_energy(Z, graph, dissimilar_weight=3.0), rel=1e-12)
    np.testing.assert_allclose(found.force.sum(axis=0), 0.0, atol=1e-14)
    step = 1e-6 * np.random.default_rng(9).normal(size=Z.shape)
    energies = [exact_energy(Z + sign * step, graph, dissimilar_weight=3.0) for sign in (-1, 1)]
    assert energies[1] - energies[0] == pytest.approx(-2 * np.sum(found.force * step), rel=1e-5)


def test_memory_does_not_grow_with_n_squared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_energies, "_CHUNK", 1 << 14)
    Z = np.random.default_rng(0).normal(size=(3000, 2))
    classes = PairSet.from_blocks(Blocks.from_codes(np.arange(3000) % 3, within=1.0, between=0.5))
    tracemalloc.start()
    for law in (make_springs().similar, make_springs().dissimilar):
        pair_energies.strained_pairs(Z, classes, law, 100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3000 * 3000 * 8 / 20  # of the matrix of distances


@pytest.mark.parametrize("seed", range(3))
def test_shares_count_the_pairs_of_the_same_kind(seed: int) -> None:
    graph, Z = mixed_graph(25, seed), np.random.default_rng(seed).normal(size=(25, 2))
    kinds = literal(Z, graph, make_springs(1.0))[2]
    wanted = [*kinds[0], *kinds[1]]
    found = pair_tension(Z, graph, np.array(wanted)[:, ::-1])  # in either direction
    for place, pair in enumerate(wanted):
        kind = kinds[0] if pair in kinds[0] else kinds[1]
        assert found.similar[place] == (pair in kinds[0])
        assert found.energy[place] == pytest.approx(kind[pair], abs=1e-12)
        at_least = np.mean(np.array(list(kind.values())) >= kind[pair] - 1e-13)
        assert found.share[place] == pytest.approx(at_least)
    np.testing.assert_array_equal(found.pairs, np.array(wanted)[:, ::-1])


def test_of_many_implied_pairs_a_sample_tells_the_share(monkeypatch: pytest.MonkeyPatch) -> None:
    Z = np.random.default_rng(0).normal(size=(300, 2))
    graph = NeighborhoodGraph.from_pairs(300, [(0, 1)])
    asked = np.column_stack([np.arange(2, 52), np.arange(52, 102)])
    exact = pair_tension(Z, graph, asked)
    monkeypatch.setattr(pair_energies, "_ALL_PAIRS", 100)
    monkeypatch.setattr(pair_energies, "_DRAWN", 20_000)
    drawn = pair_tension(Z, graph, asked)
    np.testing.assert_array_equal(drawn.energy, exact.energy)
    np.testing.assert_allclose(drawn.share, exact.share, atol=0.02)
    assert (drawn.share != exact.share).any()
    np.testing.assert_array_equal(drawn.share, pair_tension(Z, graph, asked).share)
    assert 19_000 < len(pair_energies._population(graph.dissimilar)[0]) < 40_000  # no more than it takes


def test_of_scarce_implied_pairs_few_or_none_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_energies, "_ALL_PAIRS", 1)
    twins = PairSet.from_blocks(Blocks.from_codes(np.arange(400) // 2, within=1.0))
    graph = NeighborhoodGraph(400, twins, PairSet.empty(400), PairSet.empty(400), "ignored")
    # Ten draws find none of the 200 pairs: every share is then 1. The last pair has the highest energy.
    for draws, highest in ((10, 1.0), (50_000, pytest.approx(1 / 200, abs=0.01))):
        monkeypatch.setattr(pair_energies, "_DRAWN", draws)
        monkeypatch.setattr(pair_energies, "_MOST_DRAWS", 2 * draws)
        share = pair_tension(np.arange(400.0)[:, None] ** 2, graph, [[0, 1], [398, 399]]).share
        assert share[0] == 1.0  # the lowest energy of all
        assert share[1] == highest


def test_without_pairs_all_that_was_stated_is_ranked() -> None:
    graph = NeighborhoodGraph.from_pairs(5, [(0, 1), (1, 2)], dissimilar=[(3, 4), (0, 3)], ignored=[(2, 4)])
    found = pair_tension(np.arange(5.0)[:, None], graph)
    assert found.pairs.tolist() == [[0, 1], [1, 2], [0, 3], [3, 4]]
    assert found.similar.tolist() == [True, True, False, False]
    silenced = pair_tension(np.arange(5.0)[:, None], graph.ignore([(0, 1), (3, 4)]))
    assert silenced.pairs.tolist() == [[1, 2], [0, 3]]
    by_default = NeighborhoodGraph.from_pairs(3, [(0, 1)])
    assert pair_tension(np.arange(3.0)[:, None], by_default).pairs.tolist() == [[0, 1]]


def test_flipped_labels_stand_out() -> None:
    # 46 of 4600 labels of 8x8 digits are wrong: half of them strangers declared similar, half neighbours declared
    # dissimilar. At least 80 % of either are in the top 5 % of their kind.
    X = datasets.digits().X_train
    graph, rng = knn_graph(X, n_neighbors=5), np.random.default_rng(0)
    listed = graph.similar.pairs()
    gone = rng.choice(len(listed), 23, replace=False)
    strangers = np.array([pair for pair in rng.integers(0, len(X), (40, 2)).tolist() if pair[0] != pair[1]])
    strangers = strangers[graph.similar.weight_of(*strangers.T) == 0][:23]
    flipped = NeighborhoodGraph.from_pairs(len(X), np.concatenate([np.delete(listed, gone, axis=0), strangers]))
    Z = DrLIM(max_epochs=70, random_state=0, verbose=0).fit(X, graph=flipped).embedding_
    assert np.mean(pair_tension(Z, flipped, strangers).share <= 0.05) >= 0.8
    assert np.mean(pair_tension(Z, flipped, listed[gone]).share <= 0.05) >= 0.8


def test_what_is_printed() -> None:
    Z = np.linspace(0.0, 3.0, 12)[:, None]
    found = tension(Z, NeighborhoodGraph.from_pairs(12, [(i, i + 2) for i in range(10)]))
    lines = str(found).splitlines()
    assert len(lines) == 1 + 2 * (1 + 5)
    assert lines[0] == f"energy {found.energy.sum():.6g} of 12 samples"
    assert repr(found) == f"Tension(12 samples, energy {found.energy.sum():.6g}, 10 similar, 20 dissimilar pairs)"


FEW = NeighborhoodGraph.from_pairs(3, [(0, 1)], ignored=[(1, 2)])
LINE = [[0.0], [1.0], [2.0]]


@pytest.mark.parametrize("nothing", [[], (), np.empty((0, 2)), np.empty((0, 2), dtype=int)])
def test_no_pairs_have_no_tension(nothing: Any) -> None:
    found = pair_tension(LINE, FEW, nothing)
    assert found.pairs.shape == (0, 2)
    assert len(found.similar) == len(found.distance) == len(found.energy) == len(found.share) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tension(LINE, FEW, n_pairs=0), "The 'n_pairs' parameter of tension must be an int in the range [1"),
        (lambda: tension(LINE, FEW, margin=0.0), "The 'margin' parameter of tension must be a float"),
        (lambda: tension(LINE, FEW, dissimilar_weight=-1), "The 'dissimilar_weight' parameter of tension"),
        (lambda: tension(LINE, FEW, springs=3), "The 'springs' parameter must be None"),
        (lambda: tension(LINE[:2], FEW), "Got 2 in 'Z' and 3 in 'graph'."),
        (lambda: tension([[np.nan], [0.0], [1.0]], FEW), "Input Z contains NaN"),
        (lambda: tension(LINE, [(0, 1)]), "Expected 'graph' to be a NeighborhoodGraph. Got [(0, 1)]."),
        (lambda: pair_tension(LINE, FEW, margin=-1.0), "The 'margin' parameter of pair_tension"),
        (lambda: pair_tension(LINE, FEW, [0, 1]), "Expected 'pairs' to be index pairs of shape (n_pairs, 2)."),
        (
            lambda: pair_tension(LINE, FEW, [[0.5, 1.0]]),
            "Expected 'pairs' to hold whole, finite indices. Got [0.5, 1.0]",
        ),
        (
            lambda: pair_tension(LINE, FEW, [[0, 3]]),
            "to hold indices in [0, 3), one for each of 3 samples. Got [0, 3] at",
        ),
        (
            lambda: pair_tension(LINE, FEW, [[-1, 0]]),
            "to hold indices in [0, 3), one for each of 3 samples. Got [-1, 0] at",
        ),
        (
            lambda: pair_tension(LINE, FEW, [[0, 1], [2, 1]]),
            "1 pair is ignored and without a spring, first [2, 1] at row 1: leave out such rows.",
        ),
        (lambda: pair_tension(LINE, FEW, [[1, 1]]), "to pair distinct samples. Got [1, 1] at row 0"),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(message)) as refusal:
        call()
    assert len(str(refusal.value)) <= 600
