"""What README.md and docs/ promise: code that runs, commands that work, numbers that were measured."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import drlim
from drlim.cli import app, main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "say_what_you_know.md").read_text(encoding="utf-8")
PAGES = {path.name: path.read_text(encoding="utf-8") for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))}

RUN_ABOVE = {"README.md", "say_what_you_know.md"}
"""Pages whose code is run by tests of their own, which count the examples."""


def run_examples(text, name, flags):
    """Run the doctest examples of a page; return their number and that of failures."""
    examples = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    return len(examples.examples), doctest.DocTestRunner(optionflags=flags).run(examples).failed


def test_the_code_of_the_readme_runs_in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    n_examples, n_failed = run_examples(README, "README.md", doctest.ELLIPSIS)
    assert n_examples >= 20
    assert n_failed == 0
    assert {path.name for path in tmp_path.iterdir()} == {"digits.safetensors", "digits.png"}


def test_the_code_of_the_guide_runs_in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    n_examples, n_failed = run_examples(GUIDE, "say_what_you_know.md", doctest.NORMALIZE_WHITESPACE)
    assert n_examples >= 50
    assert n_failed == 0


@pytest.mark.parametrize("page", sorted({name for name in PAGES if ">>>" in PAGES[name]} - RUN_ABOVE))
def test_the_code_of_other_pages_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in re.findall(r">>> import (onnx\w+)", PAGES[page]):
        for needed in (name, "onnxscript"):
            pytest.importorskip(needed)
    assert run_examples(PAGES[page], page, doctest.NORMALIZE_WHITESPACE)[1] == 0


def test_the_pages_with_code_are_these():
    assert {name for name in PAGES if ">>>" in PAGES[name]} == {
        "certificates.md",
        "deploying.md",
        "exploring.md",
        "index.md",
        "large_data.md",
        "laws.md",
        "long_runs.md",
        "maps.md",
        "sensitivity.md",
        "spaces.md",
        *RUN_ABOVE,
    }


@pytest.mark.parametrize(
    "builder", [name for name in drlim.__all__ if name.endswith(("_graph", "_copies", "orbits", "pairs"))]
)
def test_the_guide_has_an_example_of_each_builder(builder):
    assert f"drlim.{builder}(" in GUIDE


def test_the_readme_begins_with_five_lines_after_the_import():
    block = README.split("```")[1]
    assert block.count(">>>") == 6
    assert README.split("\n## ")[1].startswith("Five lines\n")


def test_the_readme_has_at_most_120_lines():
    assert README.count("\n") <= 120


@pytest.mark.parametrize(
    "target",
    sorted({name for text in PAGES.values() for name in re.findall(r"(?:^    |`)make ([a-z][a-z-]*)", text, re.M)}),
)
def test_make_has_the_targets_named(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_the_commands_of_the_readme_work(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for name, n_rows in {"table.csv": 80, "new.csv": 5}.items():
        np.savetxt(name, generator.normal(size=(n_rows, 3)), delimiter=",", header="a,b,c", comments="")
    commands = re.findall(r"^    drlim (.*)", README, flags=re.MULTILINE)
    assert [shlex.split(command)[0] for command in commands] == ["fit", "transform", "plot", "info"]
    for command in commands:
        assert main(shlex.split(command)) == 0, capsys.readouterr().err
    assert {path.name for path in tmp_path.glob("*positions.csv")} == {"positions.csv", "new_positions.csv"}
    assert (tmp_path / "map.png").stat().st_size > 0


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_named_exist(page):
    commands = {command.callback.__name__.rstrip("_") for command in app.registered_commands}
    assert set(re.findall(r"(?:^    |`)drlim ([a-z]+)", PAGES[page], flags=re.MULTILINE)) <= commands


@pytest.mark.parametrize("page", PAGES)
def test_the_files_linked_are_there(page):
    folder = ROOT if (ROOT / page).exists() else ROOT / "docs"
    linked = [link for link in re.findall(r"\]\(([^)#]+)", PAGES[page]) if not link.startswith("http")]
    assert [link for link in linked if not (folder / link).exists()] == []
