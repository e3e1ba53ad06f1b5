"""One statement: read from JSON that is not trusted, or refused by a sentence."""

from __future__ import annotations

import json
import math
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drlim.explorer.editing.statement import LARGEST_STATEMENT, LONGEST_TEXT, read_statement


def test_alike_means_all_pairs_within_the_set() -> None:
    statement = read_statement({"kind": "alike", "samples": [5, 2, 9]}, 10)
    assert statement.pairs().tolist() == [[2, 5], [2, 9], [5, 9]]
    assert statement.n_pairs == 3
    assert statement.name == "3 samples alike"


def test_with_a_second_set_it_means_the_pairs_between_the_two() -> None:
    statement = read_statement({"kind": "not alike", "samples": [5, 2], "others": [3]}, 10)
    assert statement.pairs().tolist() == [[2, 3], [3, 5]]
    assert statement.name == "2 and 1 samples not alike"


def test_a_label_and_samples_that_take_no_part_list_no_pairs() -> None:
    label = read_statement({"kind": "label", "samples": [0, 1, 2], "label": " cat "}, 5)
    ignored = read_statement({"kind": "ignore", "samples": [4]}, 5)
    assert (label.label, label.name, label.n_pairs) == ("cat", "3 labelled cat", 0)
    assert (ignored.name, ignored.n_pairs, ignored.pairs().shape) == ("1 sample ignored", 0, (0, 2))


sets = st.lists(st.integers(0, 30), min_size=2, max_size=12, unique=True)


@settings(deadline=None, max_examples=40)
@given(sets, st.integers(1, 11))
def test_pairs_are_those_of_a_literal_loop(rows: list[int], cut: int) -> None:
    within = read_statement({"kind": "alike", "samples": rows}, 31)
    assert {tuple(pair) for pair in within.pairs().tolist()} == set(combinations(sorted(rows), 2))
    first, second = rows[:cut], rows[cut:]
    if second:
        between = read_statement({"kind": "ignore", "samples": first, "others": second}, 31)
        assert {tuple(pair) for pair in between.pairs().tolist()} == {
            (min(i, j), max(i, j)) for i, j in product(first, second)
        }
        assert between.n_pairs == len(first) * len(second)


@settings(deadline=None, max_examples=40)
@given(sets, st.text(min_size=1, max_size=20).filter(lambda text: text.strip()))
def test_a_statement_is_read_back_from_what_it_is_written_as(rows: list[int], name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    once = read_statement({"kind": "label", "samples": rows, "label": name, "name": name}, 31)
    assert read_statement(json.loads(json.dumps(once.to_dict())), 31).to_dict() == once.to_dict()


REFUSED = {
    "no object": ([1, 2], "an object"),
    "unknown key": ({"kind": "alike", "samples": [0, 1], "weight": 3}, "no 'weight'"),
    "no kind": ({"samples": [0, 1]}, "no such kind"),
    "unknown kind": ({"kind": "similar", "samples": [0, 1]}, "no such kind"),
    "kind of another type": ({"kind": ["alike"], "samples": [0, 1]}, "no such kind"),
    "no samples": ({"kind": "alike"}, "'samples' to be a list"),
    "text for a list": ({"kind": "alike", "samples": "01"}, "'samples' to be a list"),
    "row too large": ({"kind": "alike", "samples": [0, 10]}, "0 to 9. Got 10"),
    "negative row": ({"kind": "alike", "samples": [0, -1]}, "0 to 9. Got -1"),
    "true is no row": ({"kind": "alike", "samples": [0, True]}, "Got True"),
    "fraction": ({"kind": "alike", "samples": [0, 1.0]}, "Got 1.0"),
    "NaN": ({"kind": "alike", "samples": [0, math.nan]}, "Got nan"),
    "huge number": ({"kind": "alike", "samples": [0, 10**5000]}, "digits"),
    "repeated": ({"kind": "alike", "samples": [3, 3]}, "repeats 1"),
    "more rows than there are": ({"kind": "alike", "samples": list(range(11))}, "each of 10 samples once"),
    "one sample": ({"kind": "alike", "samples": [1]}, "at least 2 samples"),
    "empty": ({"kind": "ignore", "samples": []}, "at least 1 sample"),
    "sets that meet": ({"kind": "alike", "samples": [0, 1], "others": [1, 2]}, "Sample 1 is in both"),
    "label without one": ({"kind": "label", "samples": [0]}, "'label'"),
    "label where none belongs": ({"kind": "alike", "samples": [0, 1], "label": "x"}, "'label'"),
    "label with others": ({"kind": "label", "samples": [0], "others": [1], "label": "x"}, "no 'others'"),
    "empty label": ({"kind": "label", "samples": [0], "label": "  "}, "1 to 200 characters. Got 0"),
    "long name": ({"kind": "alike", "samples": [0, 1], "name": "x" * 201}, "Got 201"),
    "half a letter": ({"kind": "label", "samples": [0], "label": "\ud800"}, "UTF-16"),
    "name of another type": ({"kind": "alike", "samples": [0, 1], "name": 3}, "'name' to be text"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_statement_is_refused_by_a_short_sentence(case: str) -> None:
    said, part = REFUSED[case]
    with pytest.raises((ValueError, TypeError)) as error:
        read_statement(said, 10)
    assert part in str(error.value)
    assert len(str(error.value)) <= 600


def test_a_statement_has_a_largest_number_of_pairs_and_labels_are_the_way_out() -> None:
    side = math.isqrt(2 * LARGEST_STATEMENT) + 1
    assert read_statement({"kind": "alike", "samples": list(range(1000))}, 5000).n_pairs == 499_500
    with pytest.raises(ValueError, match=r"at most 500,000 pairs.*labels"):
        read_statement({"kind": "alike", "samples": list(range(side))}, 5000)
    assert read_statement({"kind": "label", "samples": list(range(side)), "label": "x"}, 5000).n_pairs == 0


def test_a_usual_name_is_no_longer_than_a_name_may_be() -> None:
    assert len(read_statement({"kind": "label", "samples": [0], "label": "x" * LONGEST_TEXT}, 3).name) == LONGEST_TEXT
