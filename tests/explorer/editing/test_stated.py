"""The graph of statements: the last one about a pair counts."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from drlim import NeighborhoodGraph
from drlim.explorer.editing.stated import graph_of, labels_of, left_out
from drlim.explorer.editing.statement import Statement, read_statement

N = 8
PLACES = {"alike": "similar", "not alike": "dissimilar", "ignore": "ignored"}


def said(*given: dict[str, object]) -> list[Statement]:
    return [read_statement(one, N) for one in given]


def state(graph: NeighborhoodGraph, i: int, j: int) -> str:
    """Return the state of a pair that is not one of the rest."""
    found = [kind for kind in PLACES.values() if getattr(graph, kind).weight_of([i], [j])[0] > 0]
    return found[0] if found else "nothing"


def test_nothing_is_said_of_the_rest() -> None:
    graph = graph_of(said({"kind": "alike", "samples": [0, 1]}), N)
    assert graph == NeighborhoodGraph.from_pairs(N, [(0, 1)], dissimilar=[])
    assert graph_of([], N) == NeighborhoodGraph.from_pairs(N, np.empty((0, 2), dtype=int), dissimilar=[])


def test_labels_part_groups_and_pairs_overrule_them() -> None:
    statements = said(
        {"kind": "not alike", "samples": [0], "others": [1]},
        {"kind": "label", "samples": [0, 1, 2], "label": "a"},
        {"kind": "label", "samples": [2, 3], "label": "b"},
    )
    assert labels_of(statements, N) == ["a", "a", "b", "b", None, None, None, None]
    graph = graph_of(statements, N)
    found = {pair: state(graph, *pair) for pair in combinations(range(5), 2)}
    assert found[(0, 1)] == "dissimilar"  # stated of the pair, and both have the label a
    assert found[(2, 3)] == "similar"
    assert {found[pair] for pair in [(0, 2), (0, 3), (1, 2), (1, 3)]} == {"dissimilar"}
    assert {found[(i, 4)] for i in range(4)} == {"nothing"}


def test_samples_that_take_no_part_have_no_springs_whatever_is_said_later() -> None:
    statements = said({"kind": "ignore", "samples": [1, 2]}, {"kind": "alike", "samples": [0, 1, 3]})
    graph = graph_of(statements, N)
    assert left_out(statements, N).tolist() == [1, 2]
    for i, j in combinations(range(N), 2):
        expected = "ignored" if {i, j} & {1, 2} else "similar" if (i, j) == (0, 3) else "nothing"
        assert state(graph, i, j) == expected, (i, j)


def test_a_pair_has_the_weight_of_its_last_statement() -> None:
    statements = said({"kind": "alike", "samples": [0, 1, 2]}, {"kind": "alike", "samples": [1, 2]})
    weights = graph_of(statements, N, [0.5, 3.0]).similar.weight_of([0, 0, 1], [1, 2, 2])
    assert weights.tolist() == [0.5, 0.5, 3.0]


rows = st.lists(st.integers(0, N - 1), min_size=2, max_size=5, unique=True)
listed = st.tuples(st.sampled_from(["alike", "not alike"]), rows)
between = st.tuples(st.sampled_from(list(PLACES)), rows)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.one_of(listed, between.map(lambda one: (one[0], one[1], 1))), max_size=8))
def test_each_pair_is_as_its_last_statement_says(given: list[tuple[str, list[int]]]) -> None:
    statements, expected = [], dict.fromkeys(combinations(range(N), 2), "nothing")
    for kind, members, *cut in given:
        one = (
            {"kind": kind, "samples": members[:1], "others": members[1:]} if cut else {"kind": kind, "samples": members}
        )
        statements.append(read_statement(one, N))
        pairs = [(members[0], other) for other in members[1:]] if cut else combinations(members, 2)
        expected.update({(min(pair), max(pair)): PLACES[kind] for pair in pairs})
    graph = graph_of(statements, N)
    assert {pair: state(graph, *pair) for pair in expected} == expected
    assert graph.n_contradictions == 0
