"""Connected components: equality with networkx, and the cost of many classes."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from drlim.graph.blocks import Blocks
from drlim.graph.components import count_components
from drlim.graph.pairset import PairSet


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_components_are_those_of_a_search_over_all_pairs(data):
    n = data.draw(st.integers(1, 9))
    pair = st.sampled_from(list(combinations(range(n), 2)) or [(0, 0)])
    found = PairSet.empty(n)
    for _ in range(data.draw(st.integers(0, 2))):
        codes = data.draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n))
        within, between, outside = (data.draw(st.sampled_from([0.0, 1.0])) for _ in range(3))
        blocks = Blocks.from_codes(np.array(codes), within=within, between=between, outside=outside)
        found = found | PairSet.from_blocks(blocks)
    for act in (PairSet.__or__, PairSet.__sub__):
        listed = [one for one in data.draw(st.lists(pair, max_size=14)) if n > 1]
        found = act(found, PairSet.from_pairs(n, listed))
    literal = nx.Graph()
    literal.add_nodes_from(range(n))
    literal.add_edges_from(found.pairs().tolist())
    assert count_components(found) == nx.number_connected_components(literal)


def test_components_of_many_classes_cost_little():
    n = 200_000
    codes = np.arange(n) % 1000
    blocks = Blocks.from_codes(codes, within=1.0)
    assert count_components(PairSet.from_blocks(blocks)) == 1000
    bridges = PairSet.from_pairs(n, np.column_stack([np.arange(10), np.arange(1, 11)]))
    assert count_components(PairSet.from_blocks(blocks) | bridges) == 990
    assert count_components(PairSet.from_blocks(Blocks.constant(n, 1.0)) - PairSet.from_blocks(blocks)) == 1
    many = Blocks.from_codes(np.arange(n) % 50_000, within=1.0)  # a minute, were it squared
    assert count_components(PairSet.from_blocks(many)) == 50_000
