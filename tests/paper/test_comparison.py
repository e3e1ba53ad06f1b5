"""The comparison with other methods: its table and its remarks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.paper.kinds import number

from drlim import DrLIM
from drlim.paper import comparison
from drlim.paper.report import Report


@pytest.fixture
def line() -> comparison.Task:
    X = np.random.default_rng(0).normal(size=(120, 6)).astype(np.float32)
    return comparison.Task("line", X[:80], X[80:], 2, lambda Z: {"width": float(np.ptp(Z))}, {"mine": "DrLIM"}, 50)


def test_every_method_is_judged_on_the_test_images(tmp_path: Path, line: comparison.Task) -> None:
    from drlim import save

    model = DrLIM(max_epochs=1, random_state=0).fit(line.X_train)
    (tmp_path / "mine").mkdir()
    save(model, tmp_path / "mine" / "model.safetensors")
    Report("mine", [], 0.0, tmp_path / "mine", {"n_train": 80}).write()
    report = comparison.reproduce(tmp_path / "comparison", chosen=[line])
    table = report.details["table"]
    found = {row[1]: dict(zip(table["columns"], row, strict=True)) for row in table["rows"]}
    assert list(found)[:5] == ["DrLIM", "PCA", "Isomap", "LLE", "t-SNE"]
    assert found["DrLIM"]["width"] == pytest.approx(np.ptp(model.transform(line.X_test)))
    assert found["DrLIM"]["fitted on"] == found["PCA"]["fitted on"] == "80 training"
    assert found["Isomap"]["fitted on"] == "50 training"
    assert found["t-SNE"]["fitted on"] == "the 40 test images themselves"
    assert [found[name]["maps new images"] for name in ("PCA", "t-SNE")] == ["yes", "no"]
    assert number(report, "line, PCA: width") == found["PCA"]["width"]


def test_what_cannot_be_compared_is_said(
    tmp_path: Path, line: comparison.Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "find_spec", lambda _: None)
    monkeypatch.setattr(comparison, "METHODS", {name: comparison.METHODS[name] for name in ("PCA", "UMAP")})
    report = comparison.reproduce(tmp_path / "comparison", chosen=[line])
    assert report.details["notes"] == [
        "UMAP is not installed, and left out.",
        "DrLIM is left out of line: run mine first.",
    ]
    assert len(report.rows) == 1
