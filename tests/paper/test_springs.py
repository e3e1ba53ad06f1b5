"""The experiment on springs: points come to rest where it was calculated by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from drlim import make_springs
from drlim.paper import springs


def test_points_come_to_rest_where_the_forces_balance(tmp_path: Path) -> None:
    report = springs.reproduce(tmp_path)
    assert all(row.reached is not False for row in report.rows)
    assert {path.name for path in tmp_path.iterdir()} == {*springs.FIGURES, "report.json"}


def test_a_broken_law_does_not_come_to_the_rest_worked_out_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(springs, "make_springs", lambda margin: make_springs(2 * margin))
    (row,) = springs._by_hand()
    assert row.reached is False
