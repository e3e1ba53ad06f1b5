"""`Blocks`: cases solved by hand, and equality with a table of all pairs."""

from __future__ import annotations

import copy
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.graph.drawing import any_blocks, table_of

from drlim.graph.blocks import Blocks

quick = settings(max_examples=60, deadline=None)


@pytest.mark.parametrize(
    "blocks",
    [
        Blocks.constant(3, 2.0),
        Blocks.from_codes(np.array([0, 0, 1, -1]), within=1.0),
        Blocks(np.array([0, 1, 1]), table=np.array([[0.0, 1.0], [1.0, 2.0]])),
    ],
)
def test_sums_that_are_kept_cannot_be_changed(blocks):
    with pytest.raises(ValueError, match="read-only"):
        blocks.row_sums[0] = 9.0


def test_classes_by_hand():
    """Samples 0, 1 and 4 in one class, 2 in another, 3 outside."""
    blocks = Blocks.from_codes(np.array([0, 0, 1, -1, 0]), within=2.0, between=1.0, outside=0.0)
    assert table_of(blocks, 5).tolist() == [
        [0, 2, 1, 0, 2], [2, 0, 1, 0, 2], [1, 1, 0, 0, 1], [0, 0, 0, 0, 0], [2, 2, 1, 0, 0]
    ]  # fmt: skip
    assert blocks.row_sums.tolist() == [5, 5, 3, 0, 5]
    assert blocks.degrees.tolist() == [3, 3, 3, 0, 3]
    assert (blocks.n_pairs, blocks.total_weight) == (6, 9.0)
    assert [members.tolist() for members in blocks.members()] == [[0, 1, 4], [2]]


def test_a_constant_takes_no_memory():
    blocks = Blocks.constant(10**9, 1.0)
    assert blocks.level == 1
    assert blocks.n_pairs == 10**9 * (10**9 - 1) // 2
    assert blocks.total_weight == blocks.n_pairs
    assert blocks.cut(np.array([5, 10**8])).n_samples == 2


@pytest.mark.parametrize(
    ("codes", "levels", "level"),
    [
        ([0, 0, 1], (1.0, 1.0, 5.0), 1.0),
        ([0, 0, 0], (2.0, 1.0, 5.0), 2.0),
        ([-1, -1, -1], (2.0, 1.0, 5.0), 5.0),
        ([0, 1, -1], (3.0, 3.0, 3.0), 3.0),
        ([0, 1, -1], (3.0, 3.0, 2.0), None),
        ([0, 0, 1], (3.0, 2.0, 3.0), None),
    ],
)
def test_levels_that_no_pair_shows_do_not_count(codes, levels, level):
    within, between, outside = levels
    assert Blocks.from_codes(np.array(codes), within=within, between=between, outside=outside).level == level


@quick
@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), any_blocks(n))))
def test_sums_are_those_of_the_table(case):
    n, blocks = case
    table = table_of(blocks, n)
    np.testing.assert_allclose(blocks.row_sums, table.sum(1), rtol=1e-15)
    assert blocks.degrees.tolist() == np.count_nonzero(table, axis=1).tolist()
    assert blocks.n_pairs == np.count_nonzero(table) // 2
    assert blocks.total_weight == table.sum() / 2


@quick
@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), any_blocks(n))))
def test_terms_add_up_to_the_table(case):
    n, blocks = case
    table = np.zeros((n, n))
    for factor, samples in blocks.terms():
        members = np.arange(n) if samples is None else samples
        assert factor != 0
        assert (np.diff(members) > 0).all()
        table[np.ix_(members, members)] += factor
    np.fill_diagonal(table, 0)
    np.testing.assert_allclose(table, table_of(blocks, n), atol=1e-14)


@quick
@given(
    st.integers(1, 7).flatmap(
        lambda n: st.tuples(st.just(n), any_blocks(n), st.lists(st.integers(0, 3), min_size=n, max_size=n))
    )
)
def test_pairs_inside_groups_are_counted(case):
    n, blocks, groups = case
    table, group = table_of(blocks, n), np.array(groups)
    assert blocks.count_within(group) == np.count_nonzero(table * (group[:, None] == group)) // 2


@quick
@given(
    st.integers(1, 7).flatmap(
        lambda n: st.tuples(st.just(n), any_blocks(n), st.lists(st.integers(0, n - 1), unique=True))
    )
)
def test_cut_is_the_literal_one(case):
    n, blocks, samples = case
    part = blocks.cut(np.array(samples, dtype=int))
    np.testing.assert_array_equal(table_of(part, len(samples)), table_of(blocks, n)[np.ix_(samples, samples)])


@pytest.mark.parametrize(
    ("codes", "levels", "error", "message"),
    [
        ([[0]], {}, TypeError, "Expected 'codes' to be a 1-D array of integers."),
        ([0.5], {}, TypeError, "Expected 'codes' to be a 1-D array of integers."),
        ([-2, 0], {}, ValueError, "Expected 'codes' to be -1 or more. Got -2."),
        ([0, 1], {"within": -1.0}, ValueError, "Expected 'within' to be a weight in [0, 1e+100]. Got -1.0."),
        ([0, 1], {"between": np.inf}, ValueError, "Expected 'between' to be a weight in [0, 1e+100]. Got inf."),
        ([0, 1], {"outside": np.nan}, ValueError, "Expected 'outside' to be a weight in [0, 1e+100]. Got nan."),
        ([0, 1], {"between": 1e101}, ValueError, "Expected 'between' to be a weight in [0, 1e+100]. Got 1e+101."),
    ],
)
def test_bad_classes(codes, levels, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        Blocks.from_codes(np.array(codes), **levels)


@pytest.mark.parametrize("remake", [lambda one: one, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])  # noqa: S301
def test_nothing_can_be_changed(remake):
    codes = np.array([0, 0, 1])
    blocks = remake(Blocks.from_codes(codes, within=1.0))
    codes[:] = 5
    assert blocks.codes.tolist() == [0, 0, 1]
    with pytest.raises(ValueError, match="read-only"):
        blocks.codes[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        blocks.degrees[0] = 1
