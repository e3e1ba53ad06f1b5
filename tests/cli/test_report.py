"""Reproducing an experiment: its numbers as a table and as JSON."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from drlim import paper
from drlim.cli.report import report_lines
from drlim.paper.report import Report, Row

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def reproduced(monkeypatch):
    """Put a quick experiment in the place of the real ones, and return what it was given."""
    given: list[Any] = []

    def reproduce(name: str, folder: Path, *, random_state: int = 0, verbose: bool | None = None) -> Report:
        given.append((name, folder, random_state, verbose))
        rows = [
            Row("trustworthiness", 0.8512, at_least=0.845),
            Row("spread", 0.7, at_most=0.66),
            Row("energy", float("nan")),
        ]
        return Report(name, rows, 61.4, folder)

    monkeypatch.setattr(paper, "reproduce", reproduce)
    return given


def test_reproduce_prints_a_table_and_says_what_falls_short(run, reproduced):
    code, out, err = run("reproduce", "digits", "--seed", "7")
    assert (code, err) == (0, "")
    assert reproduced == [("digits", Path("runs/digits"), 7, None)]
    assert Path("runs/digits").is_dir()
    assert out == (
        "number           measured  wanted          reached\n"
        "---------------  --------  --------------  -------\n"
        "trustworthiness  0.8512    at least 0.845  yes\n"
        "spread           0.7000    at most 0.66    NO\n"
        "energy           nan       reported\n"
        "\n"
        "1 of 2 numbers reached; 1 falls short.\n"
        "61 s; pictures, report and model are in runs/digits\n"
    )


def test_reproduce_says_when_all_is_reached():
    rows = [Row("trustworthiness", 0.9, at_least=0.845), Row("energy", 0.1)]
    assert report_lines(Report("digits", rows, 1.0, Path("there")))[-2] == "1 of 1 numbers reached."


def test_reproduce_as_json(printed, reproduced):
    found = printed("reproduce", "digits", "--output", "there")
    assert reproduced[0][1] == Path("there/digits")
    assert found["folder"] == "there/digits"
    assert [row["reached"] for row in found["rows"]] == [True, False, None]
    assert found["rows"][2]["measured"] is None


def test_reproduce_finds_a_bad_folder_before_it_starts(run, reproduced):
    Path("runs").write_text("in the way")
    code, _, err = run("reproduce", "digits")
    assert code == 1
    assert re.fullmatch(r"drlim: error: runs/digits: .*\n", err)
    Path("there/digits/report.json").mkdir(parents=True)
    code, _, err = run("reproduce", "digits", "--output", "there")
    assert code == 1
    assert err.startswith("drlim: error: Cannot write there/digits/report.json: it is a folder.")
    assert reproduced == []


def test_help_of_reproduce_lists_the_experiments(run):
    _, out, _ = run("reproduce", "--help")
    assert all(name in out for name in paper.EXPERIMENTS)
