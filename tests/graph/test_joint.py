"""Functions of the weights of several `Blocks`: equality with tables of all pairs, and the simplest form."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.graph.drawing import any_blocks, table_of

from drlim.graph.blocks import LARGEST_TABLE, Blocks
from drlim.graph.joint import combined

quick = settings(max_examples=60, deadline=None)


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
