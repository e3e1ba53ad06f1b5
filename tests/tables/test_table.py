"""`Table`: roles of columns by hand, what is kept and applied the same, scikit-learn's checks, and refusals."""

from __future__ import annotations

import pickle
import re
from datetime import date

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from drlim import Table
from drlim.tables.values import values_of

ROWS = {
    "customer_id": [907, 311, 115, 204, 555, 777],
    "since": ["2006-06-17", "2006-06-18", "", "2006-06-21", "2006-06-21", "2006-06-21"],
    "income": [20000, 40000, None, 30000, 30000, 50000],
    "city": ["Oslo", "Bergen", "Oslo", None, "Bergen", "Oslo"],
    "country": ["NO"] * 6,
    "empty": ["", None, "", None, "", ""],
    "grade": [1, 2, 1, 2, 3, 1],
}


@parametrize_with_checks([Table(), Table(standardize=True, fill="mean")])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def kinds(table: Table) -> dict[str, tuple[str, str]]:
    return {column.name: (column.kind, column.reason) for column in table.columns_}


def test_roles_of_columns():
    table = Table().fit(ROWS)
    assert kinds(table) == {
        "customer_id": ("left out", "all values differ"),
        "since": ("date", ""),
        "income": ("number", ""),
        "city": ("category", ""),
        "country": ("left out", "one value"),
        "empty": ("left out", "no values"),
        "grade": ("number", ""),
    }
    assert table.describe() == (
        "customer_id left out: all values differ; country left out: one value; empty left out: no values; 1 of 7 "
        "columns as categories (city); 1 of 7 columns as dates, in days (since); blanks filled by the median of the "
        "column, 2 values; numbers standardised."
    )
    assert table.get_feature_names_out().tolist() == ["since", "income", "city_Bergen", "city_Oslo", "grade"]


def test_numbers_by_hand():
    Z = Table().fit_transform(ROWS)
    income = np.array([20000, 40000, 30000, 30000, 30000, 50000])  # the third is the median
    known = np.array([20000, 40000, 30000, 30000, 50000])
    assert Z[:, 1] == pytest.approx((income - known.mean()) / known.std())
    days = np.array([0, 1, 4, 4, 4, 4.0])  # days from the first; the median is the fourth
    known = np.array([0, 1, 4, 4, 4.0])
    assert Z[:, 0] == pytest.approx((days - known.mean()) / known.std())
    assert Z[:, 2:4].tolist() == [[0, 1], [1, 0], [0, 1], [0, 0], [1, 0], [0, 1]]


def test_options():
    table = Table(drop=["since"], categories=["grade"], numbers=["customer_id"], as_is=["income"], fill="mean")
    Z = table.fit_transform(ROWS)
    assert table.get_feature_names_out().tolist() == [
        "customer_id", "income", "city_Bergen", "city_Oslo", "grade_1", "grade_2", "grade_3",
    ]  # fmt: skip
    assert Z[:, 1].tolist() == [20000, 40000, 34000, 30000, 30000, 50000]
    assert Z[:, 0].std() == pytest.approx(1)
    assert Z[:, 4:].argmax(axis=1).tolist() == [0, 1, 0, 1, 2, 0]
    assert "since left out: as asked" in table.describe()
    assert "numbers standardised but for income." in table.describe()


def test_numbers_in_one_unit_stay_as_they_are():
    X = np.random.default_rng(0).normal(size=(30, 4)) * [1, 2, 3, 9]
    table = Table().fit(X)
    assert not table.standardized_
    assert table.changes_nothing_
    assert table.describe() == "numbers kept as they are."
    assert (table.transform(X) == X).all()
    assert Table(standardize=True).fit_transform(X).std(axis=0) == pytest.approx(np.ones(4))
    assert not Table(standardize=True).fit(X).changes_nothing_
    wide = X * [1, 1, 1, 20]
    assert Table().fit(wide).standardized_
    assert not Table(standardize=False).fit(wide).standardized_
    many = np.random.default_rng(0).normal(size=(30, 50)) * np.arange(1, 51) ** 2
    assert not Table().fit(many).standardized_
    assert Table().fit(many[:, :49]).standardized_


def test_ids():
    counting = np.column_stack([np.arange(20.0), np.random.default_rng(0).integers(0, 9, 20)])
    assert kinds(Table().fit(counting))["x0"] == ("left out", "all values differ")
    assert kinds(Table().fit(counting[::-1]))["x0"] == ("number", "")
    assert kinds(Table().fit(counting[:19]))["x0"] == ("number", "")
    for name, is_id in {
        "id": True,
        "userId": True,
        "user_id": True,
        "order nr": True,
        "width": False,
        "grid": False,
    }.items():
        table = Table().fit({name: [5, 3, 8, 1], "x": [0, 1, 1, 3]})
        assert (kinds(table)[name][0] == "left out") == is_id, name
        assert table.columns_[0].is_id == is_id
    assert kinds(Table().fit({"id": [5, 3, 5, 1], "x": [0, 1, 1, 3]}))["id"][0] == "number"
    names = [f"name {row}" for row in range(30)]
    texts = ["a"] * 14 + names[:16]
    table = Table().fit({"name": names, "note": texts, "x": range(30)[::-1]})
    assert kinds(table) == {
        "name": ("left out", "all values differ"), "note": ("left out", "17 different texts"), "x": ("number", ""),
    }  # fmt: skip
    assert [column.is_id for column in table.columns_] == [True, False, False]


def test_rare_categories_are_none_of_the_known_ones():
    colors = ["red"] * 3 + ["blue"] * 2 + ["green"]
    table = Table(max_categories=2).fit({"color": colors})
    assert table.transform({"color": ["blue", "green", "pink", "red"]}).tolist() == [[1, 0], [0, 0], [0, 0], [0, 1]]


def test_new_rows_are_treated_the_same():
    table = Table().fit(ROWS)
    new = {"grade": [2], "income": [""], "city": ["Paris"], "since": [None]}  # in another order, and fewer
    with pytest.warns(UserWarning, match="count as none of the known ones: city in 1 rows"):
        Z = table.transform(new)
    assert Z[0, 2:4].tolist() == [0, 0]
    same = table.transform({name: [column[2]] for name, column in ROWS.items()})
    assert Z[0, :2].tolist() == same[0, :2].tolist()
    alone = {"since": ["2006-06-18"], "income": ["40000"], "city": ["Bergen"], "grade": ["2"]}
    assert table.transform(alone)[0].tolist() == table.transform(ROWS)[1].tolist()


@pytest.mark.parametrize(
    "form", [pd.DataFrame, lambda rows: pytest.importorskip("polars").DataFrame(rows, strict=False)]
)
def test_data_frames(form):
    rows = {name: column for name, column in ROWS.items() if name != "empty"}
    frame = form(rows)
    assert Table().fit_transform(frame) == pytest.approx(Table().fit_transform(rows))
    table = Table().set_output(transform="pandas").fit(frame)
    assert list(table.transform(frame).columns) == ["since", "income", "city_Bergen", "city_Oslo", "grade"]
    with pytest.raises(ValueError, match="Feature names"):
        table.transform(form({name: column for name, column in rows.items() if name != "income"}))


def test_kinds_of_pandas():
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(["2006-06-17", "2006-06-18", None]),
            "code": pd.Categorical([3, 1, 3]),
            "count": pd.array([1, None, 5], dtype="Int64"),
            "member": [True, False, True],
            "took": pd.to_timedelta(["1 days", "12 hours", None]),
        }
    )
    table = Table(standardize=False).fit(frame)
    assert [column.kind for column in table.columns_] == ["date", "category", "number", "number", "number"]
    Z = table.transform(frame)
    assert (Z[:, 0] - Z[0, 0]).tolist() == [0, 1, 0.5]
    assert Z[:, 1:].tolist() == [[0, 1, 1, 1, 1], [1, 0, 3, 0, 0.5], [0, 1, 5, 1, 0.75]]


@pytest.mark.parametrize(
    ("column", "numbers", "texts", "is_date"),
    [
        ([" 1", "2.5 ", "NA", "", None, "nan"], [1, 2.5, *[np.nan] * 4], None, False),
        (["NA", "x", ""], None, ["NA", "x", None], False),
        (["2006-06-17T12:00", "1970-01-02", "NA"], [13316.5, 1, np.nan], None, True),
        (["2006-13-17", "1970-01-02"], None, ["2006-13-17", "1970-01-02"], False),
        ([date(1970, 1, 3), None], [2, np.nan], None, True),
        (["1970-01-03T01:00:00+01:00", "1970-01-03T00:00:00Z", "1970-01-04 12:00"], [2, 2, 3.5], None, True),
        (["03.01.1970", ""], [2, np.nan], None, True),
        (["03.13.1970"], None, ["03.13.1970"], False),
        (pd.Series(pd.to_datetime(["1970-01-03", None], utc=True)), [2, np.nan], None, True),
        (["1,5", "-2", "0,250"], [1.5, -2, 0.25], None, False),
        (["1,500", "12", "2,345,678"], [1500, 12, 2345678], None, False),
        (["1,5", "2.5"], None, ["1,5", "2.5"], False),
        ([1, "2", True, np.float64(3)], [1, 2, 1, 3], ["1", "2", "1", "3"], False),
        ([1e400, "x"], None, ["inf", "x"], False),
        (np.array([1.5, np.nan, 2]), [1.5, np.nan, 2], ["1.5", None, "2"], False),
        (pd.Series(["03", "x"], dtype="category"), None, ["03", "x"], False),
    ],
)
def test_values_of_a_column(column, numbers, texts, is_date):
    found = values_of(column, "c")
    if numbers is None:
        assert found.numbers is None
    else:
        np.testing.assert_array_equal(found.numbers, numbers)
    if texts is not None:
        assert found.as_texts().tolist() == texts
    assert found.is_date == is_date


def test_clone_and_pickle():
    table = Table(drop=["grade"], fill="mean").fit(ROWS)
    assert clone(table).get_params() == table.get_params()
    again = pickle.loads(pickle.dumps(table))  # noqa: S301 - its own bytes
    assert (again.transform(ROWS) == table.transform(ROWS)).all()


FULL = {"fill": "refuse"}


@pytest.mark.parametrize(
    ("parameters", "rows", "sentence"),
    [
        (
            {"drop": ["inccome"]},
            ROWS,
            "'inccome', which 'X' does not have. Did you mean 'income'?",
        ),
        ({"drop": "income"}, ROWS, "Expected 'drop' to be a list of columns. Got 'income'."),
        ({"drop": ["city"], "categories": ["city"]}, ROWS, "Column 'city' is in 'categories' and in another list"),
        ({"numbers": ["city"]}, ROWS, "Column 'city' is asked to hold numbers. Got 'Oslo'"),
        ({"fill": "refuse"}, ROWS, "Column 'since' is blank in 1 rows, the first 2: fill them in"),
        ({"fill": "medain"}, ROWS, "The 'fill' parameter of Table must be a str among {'mean', 'median', 'refuse'}."),
        ({"max_categories": 0}, ROWS, "The 'max_categories' parameter of Table must be an int in the range [1, inf)."),
        ({}, {"a": [1, 1], "b": ["x", "y"]}, "Left out are 'a' one value; 'b' all values differ."),
        ({}, {"a": [1, np.inf, 2]}, "Column 'a' holds infinity in row 1"),
        ({}, {"a": [1, [2], 2]}, "Each argument must be a string or a number, and column 'a' holds [2]."),
        ({}, {"a": np.ones((3, 2))}, "Column 'a' holds several values a row."),
        ({}, {"a": [1e308, -1e308, 2]}, "Column 'a' holds values too large to be squared"),
        ({}, {"a": [1, 2], "b": [1]}, "Expected 'X' to hold columns of one length, of 2 rows or more. Got 1, 2."),
        ({}, {}, "Got no column."),
    ],
)
def test_refusals_of_fit(parameters, rows, sentence):
    with pytest.raises((ValueError, TypeError), match=re.escape(sentence)) as refusal:
        Table(**parameters).fit(rows)
    assert len(str(refusal.value)) <= 600


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        ({"income": ["high"]}, "Column 'income' held numbers in the training data. Got 'high' in row 0"),
        ({"income": ["2006-06-17"]}, "Column 'income' held numbers in the training data. Got '2006-06-17' in row 0"),
        ({"since": [5]}, "Column 'since' held dates in the training data. Got '5' in row 0"),
        ({"since": []}, "Expected 'X' to hold columns of one length"),
    ],
)
def test_refusals_of_transform(column, sentence):
    table = Table().fit(ROWS)
    row = {name: values[:1] for name, values in ROWS.items()}
    with pytest.raises(ValueError, match=re.escape(sentence)):
        table.transform({**row, **column})
    del row["city"]
    with pytest.raises(ValueError, match=re.escape("'X' has no column 'city', which the training data had.")):
        table.transform(row)
    with pytest.raises(NotFittedError):
        Table().transform(ROWS)
    refusing = Table(fill="refuse").fit({"a": [1, 2, 4]})
    with pytest.raises(ValueError, match="Column 'a' is blank in row 0: fill it in"):
        refusing.transform({"a": [""]})


def test_columns_by_number():
    X = np.random.default_rng(0).normal(size=(30, 3))
    assert Table(drop=[1]).fit(X).get_feature_names_out(["a", "b", "c"]).tolist() == ["a", "c"]
    with pytest.raises(ValueError, match="'drop' names the column 3, which 'X' does not have"):
        Table(drop=[3]).fit(X)
