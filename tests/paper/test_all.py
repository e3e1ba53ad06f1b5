"""All experiments in one run, and names that are not experiments."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from drlim import paper
from drlim.paper import airplane_lle, springs
from drlim.paper.frame import Outcome, framed
from drlim.paper.report import Row


@pytest.fixture
def short_list(monkeypatch: pytest.MonkeyPatch, small_airplane: None) -> list[str]:
    names = ["springs", "airplane-lle", "all"]
    monkeypatch.setattr(paper, "EXPERIMENTS", {name: paper.EXPERIMENTS[name] for name in names})
    return names


def test_all_runs_everything_and_writes_one_page(tmp_path: Path, short_list: list[str]) -> None:
    report = paper.reproduce("all", tmp_path)
    assert report.experiment == "all"
    assert {row.number.split(":")[0] for row in report.rows} == {
        "springs",
        "airplane-lle",
        "wall time, minutes, on two cores",
    }
    assert report.rows[-1].at_most == 20
    page = (tmp_path / "index.html").read_text()
    assert page.count("data:image/png;base64,") == len(springs.FIGURES) + len(airplane_lle.FIGURES)
    assert page.count("<iframe") == 1
    written = json.loads((tmp_path / "report.json").read_text())
    assert set(written["details"]["seconds"]) == {"springs", "airplane-lle"}
    assert (tmp_path / "springs" / "report.json").is_file()


def test_every_experiment_of_the_list_has_its_module() -> None:
    from importlib import import_module

    for name in paper.EXPERIMENTS:
        if name != "all":
            assert callable(import_module(f"drlim.paper.{name.replace('-', '_')}").reproduce)


def test_an_unknown_experiment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=re.escape("Got 'plane' instead.")):
        paper.reproduce("plane", tmp_path)


def test_the_frame_makes_the_folder_takes_the_time_and_writes_the_report(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "mine"

    def run(folder: Path, *, number: float) -> Outcome:
        assert folder.is_dir()
        time.sleep(0.02)
        return [Row("number", number)], {"notes": ["a note"]}

    report = framed("mine", run)(folder, number=3.0)
    assert (report.experiment, report.rows, report.folder) == ("mine", [Row("number", 3.0)], folder)
    assert 0.02 <= report.seconds < 5.0
    written = json.loads((folder / "report.json").read_text())
    assert (written["experiment"], written["details"]) == ("mine", {"notes": ["a note"]})
