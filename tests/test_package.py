"""The public names of the package: one list, each with a docstring, nothing heavy imported for them."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import drlim

STUB = ast.parse((Path(drlim.__file__).parent / "__init__.pyi").read_text(encoding="utf-8"))


def test_the_public_names_are_those_with_a_home():
    assert drlim.__all__ == list(drlim._HOME)
    assert len(set(drlim.__all__)) == len(drlim.__all__)


def test_the_stub_lists_the_public_names():
    (listed,) = [node.value for node in STUB.body if isinstance(node, ast.Assign)]
    assert sorted(ast.literal_eval(listed)) == sorted(drlim.__all__)


def test_the_stub_imports_each_public_name_from_its_home():
    imported = {
        alias.asname: node.module.removeprefix("drlim").lstrip(".")
        for node in STUB.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name  # the form that type checkers take as public
    }
    assert imported == drlim._HOME


@pytest.mark.parametrize("name", drlim.__all__)
def test_every_public_name_is_there_and_has_a_docstring_of_its_own(name):
    value = getattr(drlim, name)
    assert (value.__doc__ or "").strip()
    if inspect.isclass(value):
        assert value.__doc__ not in {base.__doc__ for base in value.__mro__[1:]}
        assert not value.__doc__.startswith(f"{name}(")  # what a dataclass writes by itself
    assert name in dir(drlim)


@pytest.mark.parametrize("module", [name for name, home in drlim._HOME.items() if not home])
def test_every_name_of_a_public_module_is_there_and_has_a_docstring(module):
    public = getattr(drlim, module)
    for name in public.__all__:
        value = getattr(public, name)
        if callable(value):
            assert value.__doc__, f"drlim.{module}.{name}"


def test_a_wrong_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'drlim' has no attribute 'DrLim'"):
        _ = drlim.DrLim


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, drlim; print([m for m in ('torch', 'sklearn', 'numpy', 'matplotlib') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_versions_are_shown_without_imports():
    script = "import sys, drlim; drlim.show_versions(); assert not {'torch', 'numpy'} & sys.modules.keys()"
    command = [sys.executable, "-c", script]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    rows = dict(line.split(None, 1) for line in shown.strip().split("\n"))
    assert rows["drlim"] == drlim.__version__
    assert rows["python"] == sys.version.split()[0]
    assert {"numpy", "torch", "system", "numba"} <= rows.keys()
