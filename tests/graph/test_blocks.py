"""`Blocks`: cases solved by hand, and equality with a table of all pairs."""

from __future__ import annotations

import copy
import pickle
import re
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drlim.graph.blocks import LARGEST_TABLE, Blocks
from drlim.graph.joint import combined

quick = settings(max_examples=60, deadline=None)

LEVELS = st.sampled_from([0.0, 0.5, 1.0, 3.0])


@st.composite
def blocks_of(draw: st.DrawFn, n: int) -> Blocks:
    codes = np.array(draw(st.lists(st.integers(-1, 3), min_size=n, max_size=n)), dtype=int)
    return Blocks.from_codes(codes, within=draw(LEVELS), between=draw(LEVELS), outside=draw(LEVELS))


@st.composite
def any_blocks(draw: st.DrawFn, n: int) -> Blocks:
    """Of three levels, constant, or of a table."""
    one, other = draw(blocks_of(n)), draw(blocks_of(n))
    joint = combined(np.maximum, n, [one, other])
    return draw(st.sampled_from([one, Blocks.constant(n, 2.0), joint or other]))


def table_of(blocks: Blocks | None, n: int) -> np.ndarray:
    table = np.zeros((n, n))
    for i, j in combinations(range(n), 2):
        if blocks is not None:
            table[i, j] = table[j, i] = blocks.weight_of(np.array([i]), np.array([j]))[0]
    return table


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


@quick
@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), any_blocks(n), any_blocks(n), any_blocks(n))))
def test_combined_acts_on_every_pair(case):
    n, *operands = case

    def function(a, b, c):
        return np.where(a > b, c, np.abs(a - b))

    tables = [table_of(blocks, n) for blocks in operands]
    wanted = np.zeros((n, n))
    upper = np.triu_indices(n, 1)
    wanted[upper] = function(*(table[upper] for table in tables))
    np.testing.assert_array_equal(table_of(combined(function, n, operands), n), wanted + wanted.T)


def test_what_is_nowhere_above_zero_is_nothing():
    one = Blocks.from_codes(np.array([0, 0, 1, 1]), within=1.0)
    other = Blocks.from_codes(np.array([0, 0, 1, 1]), between=1.0)
    assert combined(np.minimum, 4, [one, other]) is None
    assert combined(np.minimum, 4, [one, None]) is None
    assert combined(np.maximum, 1, [Blocks.constant(1, 1.0)]) is None


def test_two_partitions_come_back_to_one():
    """(a | b) & a is a again, in three levels and not in a table."""
    one = Blocks.from_codes(np.arange(40) % 4, within=1.0)
    other = Blocks.from_codes(np.arange(40) // 20, within=1.0)
    joint = combined(np.maximum, 40, [one, other])
    back = combined(np.minimum, 40, [joint, one])
    assert joint.table.shape == (8, 8)
    assert back.table is None
    assert (back.within, back.between) == (1.0, 0.0)
    np.testing.assert_array_equal(table_of(back, 40), table_of(one, 40))


def test_too_many_joint_classes_are_refused():
    n = 5000
    one = Blocks.from_codes(np.arange(n) // 2, within=1.0)
    other = Blocks.from_codes((np.arange(n) + 1) // 2, within=1.0)
    message = f"These graphs divide the samples into {n} joint classes; at most {LARGEST_TABLE} can be held"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        combined(np.maximum, n, [one, other])
    assert combined(np.maximum, n, [one, one]).n_pairs == n // 2


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
