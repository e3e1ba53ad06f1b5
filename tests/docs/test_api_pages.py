"""The API reference: each public name has a page, and an example that the tests run."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest
from tools import api_pages

import drlim

MODULES = ["drlim", *(name for name in (f"drlim.{part}" for part in drlim.__all__) if inspect.ismodule(eval(name)))]  # noqa: S307 - names of our own


def listed(module):
    """Return the last part of the names that a module's page lists or refers to."""
    words = api_pages.page(module).replace(", ", "\n").splitlines()
    return {word.strip().strip("`.,").rsplit(".", 1)[-1] for word in words}


@pytest.mark.parametrize("module", MODULES)
def test_each_public_name_of_a_module_is_on_its_page(module):
    public = {
        name for name in import_module(module).__all__ if not inspect.ismodule(getattr(import_module(module), name))
    }
    assert public - listed(module) == set()


def test_each_module_has_a_page(tmp_path):
    api_pages.write(tmp_path)
    written = {path.stem for path in (tmp_path / "reference").glob("*.rst")}
    assert written == {*MODULES, "command_line"}


def test_a_page_of_what_is_public_no_longer_is_removed_and_others_are_left_alone(tmp_path):
    api_pages.write(tmp_path)
    (tmp_path / "reference" / "drlim.gone.rst").write_text("old")
    before = (tmp_path / "reference" / "drlim.rst").stat().st_mtime_ns
    api_pages.write(tmp_path)
    assert not (tmp_path / "reference" / "drlim.gone.rst").exists()
    assert (tmp_path / "reference" / "drlim.rst").stat().st_mtime_ns == before


@pytest.mark.parametrize("name", sorted({name for module in MODULES for name in api_pages.names(module)}))
def test_each_public_name_has_an_example(name):
    value = api_pages.value_of(name)
    if not callable(value):
        return  # a constant has no docstring of its own
    assert ">>>" in (inspect.getdoc(value) or ""), f"{name} has no example in its docstring"


def test_what_is_shared_has_one_page():
    assert "drlim.springs.Springs" not in api_pages.names("drlim.springs")
    assert "drlim.Springs" in api_pages.names("drlim.springs")


def test_each_command_is_on_the_page_of_the_command_line():
    text = api_pages.command_page()
    for command in api_pages.commands():
        assert f"\ndrlim {command}\n----" in text
        assert f"Usage: drlim {command}" in text
