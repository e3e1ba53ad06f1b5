"""What the papers of the repository promise: code that runs, numbers that were measured, commands that exist."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import drlim

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_code_of_the_readme_runs_in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    examples = doctest.DocTestParser().get_doctest(README, {}, "README", "README.md", 0)
    assert len(examples.examples) >= 8
    failures = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples)
    assert failures.failed == 0
    assert {path.name for path in tmp_path.iterdir()} == {"digits.safetensors", "digits.png"}


def test_the_code_of_the_guide_runs_in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    guide = (ROOT / "docs" / "say_what_you_know.md").read_text(encoding="utf-8")
    examples = doctest.DocTestParser().get_doctest(guide, {}, "guide", "say_what_you_know.md", 0)
    assert len(examples.examples) >= 50
    assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(examples).failed == 0


@pytest.mark.parametrize(
    "builder", [name for name in drlim.__all__ if name.endswith(("_graph", "_copies", "orbits", "pairs"))]
)
def test_the_guide_has_an_example_of_each_builder(builder):
    guide = (ROOT / "docs" / "say_what_you_know.md").read_text(encoding="utf-8")
    assert f"drlim.{builder}(" in guide


def test_the_five_lines_are_five_after_the_import():
    block = README.split("## Five lines")[1].split("```")[1]
    assert block.count(">>>") == 6


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:^    |`)make ([a-z]+)", README, flags=re.MULTILINE))))
def test_make_has_the_targets_named(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_the_commands_shown_exist():
    from drlim.cli import app

    commands = {command.callback.__name__.rstrip("_") for command in app.registered_commands}
    shown = set(re.findall(r"^    drlim ([a-z]+)", README, flags=re.MULTILINE))
    assert shown
    assert shown <= commands
