"""The algebra of graphs: laws, and equality with dense n x n tables of what is stated."""

from __future__ import annotations

import re
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from drlim import NeighborhoodGraph, label_graph
from drlim.graph.blocks import Blocks
from drlim.graph.pairset import PairSet

quick = settings(max_examples=40, deadline=None)

KINDS = ("similar", "dissimilar", "ignored")
WEIGHTS = (0.5, 1.0, 3.0)
Dense = NDArray[np.float64]


class Case(NamedTuple):
    """A graph, and literally what it states: a symmetric table of weights for each kind."""

    graph: NeighborhoodGraph
    tables: tuple[Dense, Dense, Dense]


@st.composite
def listings(draw: st.DrawFn, n: int) -> tuple[PairSet, Dense]:
    chosen = draw(st.lists(st.sampled_from([*combinations(range(n), 2)] or [None]), unique=True, max_size=6))
    chosen = [pair for pair in chosen if pair is not None]
    units = draw(st.booleans())
    weights = [1.0 if units else draw(st.sampled_from(WEIGHTS)) for _ in chosen]
    table = np.zeros((n, n))
    for (i, j), weight in zip(chosen, weights, strict=True):
        table[i, j] = table[j, i] = weight
    return PairSet.from_pairs(n, chosen, weights=None if units else weights), table


@st.composite
def classes(draw: st.DrawFn, n: int) -> tuple[PairSet, Dense]:
    codes = draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n))
    levels = [draw(st.sampled_from((0.0, *WEIGHTS))) for _ in range(3)]
    table = np.zeros((n, n))
    for i, j in combinations(range(n), 2):
        outside = codes[i] < 0 or codes[j] < 0
        table[i, j] = table[j, i] = levels[2 if outside else 0 if codes[i] == codes[j] else 1]
    within, between, outside_level = levels
    blocks = Blocks.from_codes(np.array(codes, dtype=int), within=within, between=between, outside=outside_level)
    return PairSet.from_blocks(blocks), table


@st.composite
def pair_sets(draw: st.DrawFn, n: int) -> tuple[PairSet, Dense]:
    """A set that lists, implies, or does both, with exceptions."""
    some = [draw(st.one_of(listings(n), classes(n))) for _ in range(draw(st.integers(0, 3)))]
    found, table = PairSet.empty(n), np.zeros((n, n))
    for pairs, dense in some:
        if draw(st.booleans()):
            found, table = found | pairs, np.maximum(table, dense)
        else:
            found, table = found - pairs, np.where(dense > 0, 0, table)
    return found, table


@st.composite
def graphs(draw: st.DrawFn, n: int) -> Case:
    made = [draw(pair_sets(n)) for _ in KINDS]
    rest = draw(st.sampled_from(["dissimilar", "ignored"]))
    return Case(NeighborhoodGraph.from_sets(n, *(pairs for pairs, _ in made), rest=rest), tuple(t for _, t in made))


@st.composite
def several(draw: st.DrawFn, count: int) -> list[Case]:
    n = draw(st.integers(1, 6))
    return [draw(graphs(n)) for _ in range(count)]


def dense_of(pairs: PairSet) -> Dense:
    """Ask for each pair by itself."""
    n = pairs.n_samples
    first, second = (axis.ravel() for axis in np.indices((n, n)))
    return pairs.weight_of(first, second).reshape(n, n)


def stated(graph: NeighborhoodGraph) -> tuple[PairSet, PairSet, PairSet]:
    return graph.stated_similar, graph.stated_dissimilar, graph.stated_ignored


def assert_states(graph: NeighborhoodGraph, tables: tuple[Dense, Dense, Dense]) -> None:
    for pairs, table in zip(stated(graph), tables, strict=True):
        np.testing.assert_array_equal(dense_of(pairs), table)


@quick
@given(several(1))
def test_what_is_stated_is_kept(cases):
    assert_states(cases[0].graph, cases[0].tables)


@quick
@given(several(2))
def test_operations_act_on_each_statement(cases):
    (a, one), (b, other) = cases
    pairs = list(zip(one, other, strict=True))
    assert_states(a | b, tuple(np.maximum(x, y) for x, y in pairs))
    assert_states(a & b, tuple(np.minimum(x, y) for x, y in pairs))
    assert_states(a - b, tuple(np.where(y > 0, 0, x) for x, y in pairs))
    assert_states(~a, (one[1], one[0], one[2]))
    assert_states(a * 2, (2 * one[0], 2 * one[1], one[2]))
    both = "dissimilar" if "dissimilar" in (a.rest, b.rest) else "ignored"
    assert [(a | b).rest, (a & b).rest, (a - b).rest, (~a).rest, (a * 2).rest] == [
        both,
        both,
        a.rest,
        "ignored",
        a.rest,
    ]


@quick
@given(several(1))
def test_the_state_of_every_pair_is_the_literal_one(cases):
    graph, (similar, dissimilar, ignored) = cases[0]
    n = graph.n_samples
    wanted = {kind: np.zeros((n, n)) for kind in KINDS}
    contradictions = 0
    for i, j in combinations(range(n), 2):
        if ignored[i, j] > 0:
            kind, weight = "ignored", 1.0
        elif similar[i, j] > 0 and dissimilar[i, j] > 0:
            kind, weight, contradictions = "ignored", 1.0, contradictions + 1
        elif similar[i, j] > 0:
            kind, weight = "similar", similar[i, j]
        elif dissimilar[i, j] > 0:
            kind, weight = "dissimilar", dissimilar[i, j]
        else:
            kind, weight = graph.rest, 1.0 if graph.rest == "dissimilar" else 0.0
        wanted[kind][i, j] = wanted[kind][j, i] = weight
    for kind in KINDS[:2]:
        np.testing.assert_array_equal(dense_of(getattr(graph, kind)), wanted[kind])
    np.testing.assert_array_equal(dense_of(graph.ignored) > 0, wanted["ignored"] > 0)
    counts = [int(np.count_nonzero(wanted[kind])) // 2 for kind in KINDS[:2]]
    assert [graph.n_similar, graph.n_dissimilar] == counts
    assert graph.n_ignored == n * (n - 1) // 2 - sum(counts)
    assert graph.n_contradictions == contradictions


@quick
@given(several(3))
def test_union_and_intersection_are_those_of_sets(cases):
    a, b, c = (one.graph for one in cases)
    assert a | b == b | a
    assert a & b == b & a
    assert (a | b) | c == a | (b | c)
    assert (a & b) & c == a & (b & c)
    assert a | a == a == a & a
    assert a | (b & c) == (a | b) & (a | c)
    assert a & (b | c) == (a & b) | (a & c)


@quick
@given(several(3))
def test_difference_and_inversion(cases):
    a, b, c = (one.graph for one in cases)
    assert ~~a == a.with_rest("ignored")
    assert ~(a | b) == ~a | ~b
    assert ~(a & b) == ~a & ~b
    assert a - (b | c) == (a - b) - c
    nothing = NeighborhoodGraph.from_sets(a.n_samples, rest=a.rest)
    assert ((a - b) & b).with_rest(a.rest) == nothing
    assert a - nothing == a
    assert a | nothing == a
    assert a - a == nothing


@quick
@given(several(2), st.sampled_from([0.5, 2.0, 4.0]))
def test_weights_distribute(cases, factor):
    a, b = (one.graph for one in cases)
    assert a * 1.0 == a
    assert factor * a == a * factor
    assert (a | b) * factor == (a * factor) | (b * factor)
    assert (a * factor) * (1 / factor) == a
    assert (~a) * factor == ~(a * factor)


@quick
@given(several(2), st.randoms(use_true_random=False))
def test_all_commute_with_relabelling(cases, random):
    (a, one), (b, _) = cases
    order = list(range(a.n_samples))
    random.shuffle(order)
    renamed_a, renamed_b = a.subgraph(order), b.subgraph(order)
    assert_states(renamed_a, tuple(table[np.ix_(order, order)] for table in one))
    assert (a | b).subgraph(order) == renamed_a | renamed_b
    assert (a & b).subgraph(order) == renamed_a & renamed_b
    assert (a - b).subgraph(order) == renamed_a - renamed_b
    assert (~a).subgraph(order) == ~renamed_a
    assert (a * 2).subgraph(order) == renamed_a * 2
    assert renamed_a.subgraph(np.argsort(order)) == a


@quick
@given(several(1), st.data())
def test_states_are_cut_as_they_are_found(cases, data):
    graph = cases[0].graph
    samples = data.draw(st.lists(st.integers(0, graph.n_samples - 1), unique=True))
    found_anew = graph.subgraph(samples)
    counts = [getattr(graph, kind).n_pairs for kind in KINDS]  # the graph keeps its states from here on
    assert sum(counts) == graph.n_samples * (graph.n_samples - 1) // 2 or graph.rest == "ignored"
    assert {*KINDS} <= graph.__dict__.keys()
    cut = graph.subgraph(samples)
    for kind in KINDS:
        assert kind in cut.__dict__
        assert kind not in found_anew.__dict__
        assert getattr(cut, kind).same_pairs(getattr(found_anew, kind))
        np.testing.assert_array_equal(
            dense_of(getattr(cut, kind)), dense_of(getattr(graph, kind))[np.ix_(samples, samples)]
        )


@quick
@given(several(1))
def test_equal_and_hashed_alike_however_the_pairs_are_stored(cases):
    graph, tables = cases[0]
    listed = []
    for table in tables:
        first, second = np.nonzero(np.triu(table))
        listed.append(
            PairSet.from_pairs(graph.n_samples, np.column_stack([first, second]), weights=table[first, second])
        )
    twin = NeighborhoodGraph.from_sets(graph.n_samples, *listed, rest=graph.rest)
    assert twin == graph
    assert graph == twin
    assert hash(twin) == hash(graph)
    assert (graph.with_rest("ignored") == twin.with_rest("dissimilar")) is False


@quick
@given(several(2))
def test_equal_only_when_the_same_is_stated(cases):
    (a, one), (b, other) = cases
    same = a.rest == b.rest and all(np.array_equal(x, y) for x, y in zip(one, other, strict=True))
    assert (a == b) is same


def test_neighbors_but_labels_overrule_them():
    """Samples 0, 1 | 2, 3 of two classes, 4 unlabelled; a neighbour across the classes is corrected."""
    knn = NeighborhoodGraph.from_pairs(5, [(0, 1), (1, 2), (3, 4)])
    blocks = {"similar": {"within": 1.0}, "dissimilar": {"between": 1.0}}
    codes = np.array([0, 0, 1, 1, -1])
    sets = {kind: PairSet.from_blocks(Blocks.from_codes(codes, **levels)) for kind, levels in blocks.items()}
    labels = NeighborhoodGraph.from_sets(5, **sets, rest="ignored")
    assert (knn | labels).n_contradictions == 1
    assert (knn | labels).similar.pairs().tolist() == [[0, 1], [2, 3], [3, 4]]
    mended = (knn - ~labels) | labels
    assert mended.n_contradictions == 0
    assert mended.similar.pairs().tolist() == [[0, 1], [2, 3], [3, 4]]
    assert mended.dissimilar.weight_of(1, 2) == 1
    assert (knn | labels).dissimilar.weight_of(1, 2) == 0
    assert mended.rest == "dissimilar"


def test_classes_against_classes_are_counted():
    """Two labellings of 1000 samples that disagree: contradictions without a list of them."""
    n = 1000
    one, other = np.arange(n) % 2, np.arange(n) // (n // 2)

    def labelled(codes):
        similar, dissimilar = Blocks.from_codes(codes, within=1.0), Blocks.from_codes(codes, between=1.0)
        sets = PairSet.from_blocks(similar), PairSet.from_blocks(dissimilar)
        return NeighborhoodGraph.from_sets(n, *sets, rest="ignored")

    both = labelled(one) | labelled(other)
    alike = (one[:, None] == one) & (other[:, None] == other)
    apart = (one[:, None] != one) & (other[:, None] != other)
    assert both.n_similar == np.count_nonzero(np.triu(alike, 1))
    assert both.n_dissimilar == np.count_nonzero(np.triu(apart, 1))
    assert both.n_contradictions == n * (n - 1) // 2 - both.n_similar - both.n_dissimilar
    assert len(both.similar.indices) == 0


@pytest.mark.parametrize("operation", [lambda a, b: a | b, lambda a, b: a & b, lambda a, b: a - b])
def test_graphs_of_other_samples(operation):
    message = "Expected graphs of the same samples. Got one of 3 and one of 4."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        operation(NeighborhoodGraph.from_pairs(3, []), NeighborhoodGraph.from_pairs(4, []))
    with pytest.raises(TypeError, match="unsupported operand"):
        operation(NeighborhoodGraph.from_pairs(3, []), {(0, 1)})


@pytest.mark.parametrize("weight", [0, -1.0, np.nan, np.inf, True, "2", None])
def test_bad_factors(weight):
    message = "The 'weight' parameter of NeighborhoodGraph.__mul__ must be a float in the range (0.0, inf). Got"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        NeighborhoodGraph.from_pairs(3, [(0, 1)]) * weight


@pytest.mark.parametrize(("first", "factor"), [(1e100, 1.5), (1e60, 1e60), (1.0, 1e300), (1e-300, 1e-300)])
@pytest.mark.parametrize("of_classes", [False, True])
def test_weights_that_would_vanish_or_not_sum_up(first, factor, of_classes):
    unit = label_graph([0, 0, 1]) if of_classes else NeighborhoodGraph.from_pairs(3, [(0, 1)])
    graph = unit * first
    assert graph.similar.total_weight == first
    message = (
        f"Expected weights to stay above 0 and at most 1e+100, so that their sum is finite. Got a factor of {factor}"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        graph * factor


def test_a_numpy_number_is_a_factor_on_either_side():
    graph = NeighborhoodGraph.from_pairs(3, [(0, 1)])
    assert np.float64(2) * graph == graph * np.float32(2) == 2 * graph
    assert (2 * graph).similar.total_weight == 2


def test_ignore_is_a_statement_above_all_others():
    graph = NeighborhoodGraph.from_pairs(4, [(0, 1)]).ignore([(0, 1), (3, 2)])
    assert (graph.n_similar, graph.n_dissimilar, graph.n_ignored, graph.n_contradictions) == (0, 4, 2, 0)
    assert graph - NeighborhoodGraph.from_pairs(4, [], dissimilar=[]).ignore([(1, 0)]) == NeighborhoodGraph.from_pairs(
        4, [(0, 1)], ignored=[(2, 3)]
    )
    with pytest.raises(ValueError, match=r"^Expected 'pairs' to pair distinct samples"):
        graph.ignore([(1, 1)])


@pytest.mark.parametrize("rest", ["similar", None, 0])
def test_bad_rests(rest):
    message = "parameter of NeighborhoodGraph.with_rest must be a str among {'dissimilar', 'ignored'}. Got"
    with pytest.raises(ValueError, match=re.escape(message)):
        NeighborhoodGraph.from_pairs(3, []).with_rest(rest)
