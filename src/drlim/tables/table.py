"""`Table`: a table as it comes, with ids, dates, categories and blanks, made into numbers for a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from drlim._base.arrays import Floats
from drlim._base.checks import StrOptions, check_parameters, integer_in, short_repr
from drlim._base.forms import plain
from drlim._base.messages import did_you_mean, listed
from drlim._base.notices import warn_user
from drlim.tables.columns import Column, Wanted, applied, learned
from drlim.tables.said import sentence
from drlim.tables.scaling import in_one_unit, scaled, spread
from drlim.tables.values import values_of

__all__ = ["Table"]

_Columns = Sequence[str | int]

_Given = Mapping[str, Any]
"""Columns by name, in their order."""


class Table(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Make numbers of a table as it comes: numbers in different units, categories, dates, ids and blanks.

    What is done with each column is learned from the training data and applied the same to new rows. `describe` says it
    in one sentence.

    Parameters
    ----------
    drop : sequence of str or int, default=()
        Columns to leave out, by name, or by number where they have no names.
    categories : sequence of str or int, default=()
        Columns of categories although they hold numbers, such as codes.
    numbers : sequence of str or int, default=()
        Columns of numbers that are kept although they look like ids.
    as_is : sequence of str or int, default=()
        Columns of numbers that are kept and not standardised.
    standardize : bool or "auto", default="auto"
        Whether numbers get mean 0 and standard deviation 1. "auto" does so unless all columns that are used are numbers
        and either there are 50 or more (such as pixels), or their standard deviations lie within a factor of 10.
    fill : {"median", "mean", "refuse"}, default="median"
        What blanks in columns of numbers and dates are filled by; "refuse" raises an error.
    max_categories : int, default=50
        Maximum number of categories of a column that get a column of their own, in [1, inf): the most frequent ones.

    Attributes
    ----------
    columns_ : list of Column
        What was learned of each column: ``name``, ``kind`` ("number", "date", "category" or "left out"), ``reason``,
        ``is_id``, ``fill``, ``center``, ``scale``, ``levels`` and ``n_blanks``.
    standardized_ : bool
        Whether numbers are standardised.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Their names, where they have names.

    Raises
    ------
    ValueError, TypeError
        In ``fit``, when a parameter names no column, a value is infinite or no number or text, or no column is left.

    See Also
    --------
    sklearn.compose.ColumnTransformer : The same by hand, a transformer for each group of columns.

    Notes
    -----
    A column is left out when all of its values are equal or blank, but for one text beside blanks; when it holds texts
    that all differ, or 20 texts or more of which more than half differ; and when it numbers the rows: whole numbers
    that count up by 1 over 20 rows or more or, in a column named like an id (``id``, ``key``, ``nr``, ...), all differ.
    A category becomes a column of 0 and 1 for each level. Two rows of different categories are then as far apart as two
    rows whose standardised numbers differ by 1.41, which is what they differ by on average.

    Texts of numbers may have a decimal comma (1,5) or commas between thousands (1,500), and dates are of the form
    2006-06-17, with a time (2006-06-17T12:00) or a time zone or without, or 17.06.2006.

    In new rows, an unknown or rare category and a blank one are 0 in all columns of that category, and a warning counts
    the unknown ones, unless the column has ``max_categories`` levels and rare ones may be among them. Blank numbers are
    filled by what was learned. A missing column is refused by its name.

    The rules are plain numbers and texts, so that `drlim.save` keeps a pipeline of a `Table` and a map in one file of
    which nothing is executed.

    Examples
    --------
    >>> from drlim import Table
    >>> rows = {
    ...     "customer_id": [907, 311, 115, 204],
    ...     "income": [21000, 48000, 30500, None],
    ...     "city": ["Oslo", "Bergen", "Oslo", "Oslo"],
    ... }
    >>> table = Table().fit(rows)
    >>> table.describe()
    'customer_id left out: all values differ; 1 of 3 columns as categories (city); blanks filled by the median of the
    column, 1 value; numbers standardised.'
    >>> table.get_feature_names_out().tolist()
    ['income', 'city_Bergen', 'city_Oslo']
    >>> table.transform(rows).round(2).tolist()
    [[-1.09, 0.0, 1.0], [1.33, 1.0, 0.0], [-0.24, 0.0, 1.0], [-0.24, 0.0, 1.0]]
    """

    def __init__(
        self,
        *,
        drop: _Columns = (),
        categories: _Columns = (),
        numbers: _Columns = (),
        as_is: _Columns = (),
        standardize: bool | Literal["auto"] = "auto",
        fill: Literal["median", "mean", "refuse"] = "median",
        max_categories: int = 50,
    ) -> None:
        self.drop = drop
        self.categories = categories
        self.numbers = numbers
        self.as_is = as_is
        self.standardize = standardize
        self.fill = fill
        self.max_categories = max_categories

    def fit(self, X: ArrayLike | _Given, y: object = None) -> Table:  # noqa: ARG002 - scikit-learn's signature
        """Learn what to do with each column.

        Parameters
        ----------
        X : DataFrame, dict of columns or array-like, shape (n_samples, n_features)
            At least two rows.
        y : object
            Ignored.

        Returns
        -------
        Table
            Itself.
        """
        self.check_parameters()
        given = self._given(X, reset=True)
        wanted = self._wanted(list(given))
        values = {name: values_of(column, name) for name, column in given.items()}
        columns = [learned(name, values[name], wanted[name], self.fill, self.max_categories) for name in given]
        _refuse_without_columns(columns)
        spreads = {column.name: spread(column, values[column.name]) for column in columns if column.is_numeric}
        wide = not in_one_unit(columns, spreads)
        self.standardized_ = wide if self.standardize == "auto" else bool(self.standardize)
        kept = self._names(self.as_is, list(given), "as_is") if self.standardized_ else list(spreads)
        self.columns_ = [scaled(column, spreads) if column.name not in kept else column for column in columns]
        return self

    def transform(self, X: ArrayLike | _Given) -> Floats:
        """Make numbers of rows, as was learned.

        Parameters
        ----------
        X : DataFrame, dict of columns or array-like, shape (n_samples, n_features)
            Rows with the columns of the training data.

        Returns
        -------
        ndarray of float64, shape (n_samples, n_features_out)

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError, TypeError
            When a column is missing or holds what it did not hold before.
        """
        check_is_fitted(self)
        given = self._given(X, reset=False)
        parts, unknown = [], {}
        for column in self.columns_:
            if column.kind == "left out":
                continue
            part, n_unknown = applied(column, values_of(given[column.name], column.name), self.fill)
            parts.append(part)
            if n_unknown and len(column.levels) < self.max_categories:  # else rare ones were left out on purpose
                unknown[column.name] = n_unknown
        if unknown:
            counts = ", ".join(f"{name} in {count} rows" for name, count in list(unknown.items())[:5])
            warn_user(f"Categories that are not in the training data count as none of the known ones: {counts}.")
        return np.concatenate(parts, axis=1)  # (n, q)

    def columns_by_name(self, X: ArrayLike | _Given) -> _Given:
        """Return the columns of rows by name, as `transform` finds them.

        Parameters
        ----------
        X : DataFrame, dict of columns or array-like, shape (n_samples, n_features)

        Returns
        -------
        dict of str to array-like
        """
        check_is_fitted(self)
        return self._given(X, reset=False)

    def describe(self) -> str:
        """Say in one sentence what was done with the columns.

        Returns
        -------
        str
        """
        check_is_fitted(self)
        return sentence(self.columns_, self.fill, standardized=self.standardized_)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> np.ndarray:
        """Return the names of the columns that `transform` gives.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns, where the training data had none.

        Returns
        -------
        ndarray of str, shape (n_features_out,)
        """
        check_is_fitted(self)
        columns = self.columns_
        if input_features is not None:
            names = np.asarray(input_features, dtype=object)
            known = getattr(self, "feature_names_in_", None)
            if known is not None and not np.array_equal(known, names):
                raise ValueError("input_features is not equal to feature_names_in_")
            if len(names) != self.n_features_in_:
                raise ValueError(
                    f"input_features should have length equal to number of features ({self.n_features_in_})"
                )
            columns = [replace(column, name=str(name)) for column, name in zip(columns, names, strict=True)]
        return np.array([name for column in columns for name in column.outputs], dtype=object)

    @property
    def changes_nothing_(self) -> bool:
        """Whether each column is used as it is, so that a map needs no `Table` before it."""
        same = all(column.kind == "number" and column.scale == 1 and column.center == 0 for column in self.columns_)
        return same and all(column.n_blanks == 0 for column in self.columns_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def check_parameters(self) -> None:
        """Refuse parameters of a wrong type or out of range; what columns they name is checked in `fit`."""
        lists = ("drop", "categories", "numbers", "as_is")
        for name in lists:
            given = getattr(self, name)
            if isinstance(given, str) or not isinstance(given, Sequence | np.ndarray):
                raise TypeError(f"Expected {name!r} to be a list of columns. Got {short_repr(given)}.")
        accepted = {
            "standardize": [bool, StrOptions({"auto"})],
            "fill": [StrOptions({"median", "mean", "refuse"})],
            "max_categories": [integer_in(1)],
        }
        check_parameters({name: getattr(self, name) for name in accepted}, accepted, "Table")

    def _given(self, X: Any, *, reset: bool) -> _Given:
        """Return the columns by name."""
        X = plain(X, "X")
        if hasattr(X, "tocsr"):
            raise TypeError("Sparse data were passed, and a table is dense: use X.toarray().")
        least = 2 if reset else 1
        if isinstance(X, Mapping):
            _check_lengths(X, least)
            self._keep_names(X) if reset else self._find_names(X)
            return X
        if hasattr(X, "columns"):
            validate_data(self, X, reset=reset, skip_check_array=True)
            found = {str(name): X[name] for name in X.columns}
            _check_lengths(found, least)
            return found
        X = check_array(X, dtype=None, ensure_all_finite=False, ensure_min_samples=least, input_name="X")
        validate_data(self, X, reset=reset, skip_check_array=True)
        return {f"x{place}": X[:, place] for place in range(X.shape[1])}

    def _keep_names(self, X: _Given) -> None:
        self.feature_names_in_ = np.array([str(name) for name in X], dtype=object)
        self.n_features_in_ = len(X)

    def _find_names(self, X: _Given) -> None:
        """Refuse a dict of columns that lacks one that is used."""
        for column in self.columns_:
            if column.kind != "left out" and column.name not in X:
                hint = did_you_mean(column.name, X, f"There are {listed(list(X))}.")
                raise ValueError(f"'X' has no column {column.name!r}, which the training data had. {hint}")

    def _wanted(self, names: list[str]) -> dict[str, Wanted]:
        """Return what the parameters ask of each column."""
        asked: tuple[tuple[str, Wanted], ...] = (
            ("drop", "left out"),
            ("categories", "category"),
            ("numbers", "number"),
            ("as_is", "number"),
        )
        found: dict[str, Wanted] = dict.fromkeys(names, "auto")
        for parameter, what in asked:
            for name in self._names(getattr(self, parameter), names, parameter):
                if found[name] not in ("auto", what):
                    raise ValueError(f"Column {name!r} is in {parameter!r} and in another list: choose one.")
                found[name] = what
        return found

    def _names(self, given: _Columns, names: list[str], parameter: str) -> list[str]:
        """Return names of columns that a parameter gives by name or number."""
        found = []
        for one in given:
            is_place = isinstance(one, int | np.integer) and not hasattr(self, "feature_names_in_")
            name = f"x{int(one)}" if is_place else str(one)
            if name not in names:
                hint = did_you_mean(name, names, f"There are {listed(names)}.")
                raise ValueError(f"{parameter!r} names the column {short_repr(one)}, which 'X' does not have. {hint}")
            found.append(name)
        return found


def _refuse_without_columns(columns: Sequence[Column]) -> None:
    """Refuse a table of which all columns are left out."""
    if all(column.kind == "left out" for column in columns):
        reasons = "; ".join(f"{column.name!r} {column.reason}" for column in columns[:5])
        raise ValueError(f"Expected 'X' to have a column that can be used. Left out are {reasons}.")


def _check_lengths(columns: _Given, least: int) -> None:
    """Refuse columns of different lengths, and those of too few rows."""
    lengths = sorted({len(column) for column in columns.values()})
    if len(lengths) != 1 or lengths[0] < least:
        got = ", ".join(map(str, lengths)) or "no column"
        raise ValueError(f"Expected 'X' to hold columns of one length, of {least} rows or more. Got {got}.")
