"""The forms in which maps and nuisances are given: each gives the same report."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.decomposition import PCA
from tests.metrics.maps import FEW, LINE, moved

from drlim import orbits
from drlim.metrics import invariance_report
from drlim.relations import Orbits


def test_a_transformer_a_function_and_points_give_one_report() -> None:
    pca = PCA(2, random_state=0).fit(LINE)
    copies = orbits(LINE, moved(1.0))
    reports = [
        invariance_report(pca, LINE, moved(1.0), **FEW),
        invariance_report(pca.transform, LINE, moved(1.0), **FEW),
        invariance_report(pca, None, copies, **FEW),
        invariance_report(pca, LINE, copies, **FEW),
        invariance_report(pca.transform(copies.X), None, copies, **FEW),
        invariance_report(pca.transform(copies.X), LINE, copies, **FEW),
        invariance_report(pd.DataFrame(pca.transform(copies.X)), None, copies, **FEW),
    ]
    assert all(report == reports[0] for report in reports)
    (unnamed,) = invariance_report(pca, LINE, [moved(1.0)["moved"]], **FEW).rows
    assert unnamed == reports[0].rows[0]._replace(name="1")


def test_rows_of_copies_may_stand_in_any_order() -> None:
    copies = orbits(LINE, shifts_of(2))
    order = np.random.default_rng(0).permutation(len(copies.X))
    mixed = Orbits(copies.X[order], copies.graph[order], copies.source[order], copies.transform[order], copies.names)
    here, there = (invariance_report(lambda batch: batch, None, one, **FEW).rows for one in (copies, mixed))
    assert [row.ratio for row in here] == [row.ratio for row in there]
    assert [row.ratio for row in here] != [None] * 3
    np.testing.assert_allclose([row.score for row in here], [row.score for row in there], atol=0.1)


def test_one_transform_is_mapped_at_a_time() -> None:
    sizes = []
    invariance_report(lambda batch: sizes.append(len(batch)) or batch, LINE, shifts_of(3), **FEW)
    assert sizes == [60] * 4


def shifts_of(count: int) -> dict[str, Any]:
    return {str(step): lambda batch, step=step: batch + step for step in range(1, count + 1)}


def test_tables_of_all_makes_give_one_report() -> None:
    columns = {"light": np.arange(60) % 3, "sensor": np.where(np.arange(60) % 2, "a", "b"), "heat": LINE[:, 0]}
    tables = [columns, pd.DataFrame(columns), pl.DataFrame(columns), {k: v.tolist() for k, v in columns.items()}]
    reports = [invariance_report(lambda batch: batch, LINE, table, **FEW) for table in tables]
    assert all(report == reports[0] for report in reports)
    assert [row.kind for row in reports[0].rows] == ["class", "class", "number"]
    assert reports[0].rows[2].score > 0.9


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (np.arange(60) % 10, "class"),
        (np.arange(60) % 11, "number"),
        ((np.arange(60) % 11).astype(str), "class"),
        (np.arange(60) % 2 == 0, "class"),
        ((np.arange(60) % 2).astype(float), "class"),
        ((np.arange(60) % 2) / 2, "number"),
        (np.arange("2026-01-01", "2026-03-02", dtype="datetime64[D]"), "number"),
        (pd.Series(np.arange(60) % 2).astype("category"), "class"),
    ],
)
def test_kinds_of_column(column: Any, kind: str) -> None:
    assert invariance_report(LINE, None, {"a": column}, **FEW).rows[0].kind == kind


def test_the_unit_of_the_map_does_not_matter() -> None:
    report = invariance_report(LINE, None, {"a": np.arange(60) % 2}, groups=np.arange(60) // 2, **FEW)
    for factor in (2.0**40, 2.0**900, 2.0**-900):
        scaled = invariance_report(LINE * factor, None, {"a": np.arange(60) % 2}, groups=np.arange(60) // 2, **FEW)
        assert scaled.rows == report.rows
        assert scaled.unrelated == report.unrelated * factor


def test_each_number_acts_and_the_same_call_gives_the_same_report() -> None:
    table = {"a": np.random.default_rng(3).integers(0, 2, 60)}

    def row(**changed: int) -> Any:
        return invariance_report(LINE, None, table, **{"n_permutations": 50, **changed})

    assert row() == row()
    others = [{"n_neighbors": 3}, {"n_splits": 10}, {"n_permutations": 99}, {"random_state": 1}]
    assert len({str(row(**other).rows) for other in [{}, *others]}) == 5
