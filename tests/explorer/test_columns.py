from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from drlim.explorer.columns import as_texts, column_of, numbers, stored, table_columns


def test_whole_numbers_are_groups_where_few_differ():
    column = column_of("label", np.array([3, 1, 1, 3, 3, 1, 3, 3, 1, 1]))
    assert (column.kind, list(column.groups), column.ordered) == ("category", ["1", "3"], True)
    assert column.values.tolist() == [2, 1, 1, 2, 2, 1, 2, 2, 1, 1]


def test_groups_of_numbers_stand_in_the_order_of_the_numbers():
    assert list(column_of("x", [10, 9] * 10).groups) == ["9", "10"]


def test_whole_numbers_are_numbers_where_many_differ():
    assert column_of("age", np.arange(100)).kind == "number"
    assert column_of("age", [1, 2, 3]).kind == "number"  # one sample of each


def test_many_different_numbers_after_the_first_ten_thousand_are_numbers():
    assert column_of("x", np.concatenate([np.zeros(10_000), np.arange(100)])).kind == "number"


def test_missing_values_have_code_0_or_are_nan():
    assert column_of("city", ["b", None, "a", "b", "a"]).values.tolist() == [2, 0, 1, 2, 1]
    np.testing.assert_array_equal(column_of("x", [1.5, None, 2.0]).values, np.float32([1.5, np.nan, 2.0]))


def test_texts_that_differ_are_texts():
    column = column_of("name", ["Ada", "Bo", None])
    assert column.kind == "text"
    said, values = stored(column)
    assert values is None
    assert said["values"] == ["Ada", "Bo", ""]


def test_a_thousand_groups_and_more_are_texts():
    assert column_of("name", [f"n{place % 1001}" for place in range(3003)]).kind == "text"
    assert column_of("name", [f"n{place % 1000}" for place in range(3000)]).kind == "category"


def test_more_than_254_groups_have_codes_of_16_bits():
    column = column_of("name", [f"n{place % 300:03}" for place in range(900)])
    assert column.values.dtype == np.uint16
    assert column.values.max() == 300


def test_pandas_categories_and_booleans_are_groups():
    frame = pd.DataFrame({"a": pd.Categorical([1, 2, 1]), "b": [True, False, True], "since": ["2020-01-01"] * 3})
    kinds = [column.kind for column in table_columns(frame, 3, "X")]
    assert kinds == ["category", "category", "text"]


def test_a_column_of_another_length_is_refused_by_its_name():
    with pytest.raises(ValueError, match=r"Expected 'columns\['age'\]' and 'X' to describe the same samples"):
        table_columns({"age": [1.0]}, 2, "columns")


def test_what_is_no_table_is_refused():
    with pytest.raises(TypeError, match="Expected 'columns' to be a data frame or a dict of columns by name"):
        table_columns(5, 2, "columns")


def test_texts_of_whatever_kind():
    assert as_texts("text", [1, None, float("nan"), "<b>"], 4).values.tolist() == ["1", "", "", "<b>"]


def test_a_long_text_is_cut():
    (value,) = stored(as_texts("text", ["x" * 3000], 1))[0]["values"]
    assert len(value) == 2000


def test_many_numbers_are_stored_in_16_bits():
    values = np.linspace(-3, 5, 200_000)
    values[7] = np.nan
    said, steps = stored(numbers("x", values))
    assert steps.dtype == np.uint16
    assert steps[7] == 65535
    back = said["low"] + steps * (said["high"] - said["low"]) / 65534
    assert np.abs(np.delete(back - values, 7)).max() <= 8 / 65534
