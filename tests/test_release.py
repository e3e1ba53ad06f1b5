"""What goes out: the check of a wheel finds what is wrong with one, and the metadata say what is tested."""

from __future__ import annotations

import re
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from tools import release_check

import drlim
from drlim.cli import main

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

METADATA = f"""Metadata-Version: 2.4
Name: drlim
Version: {drlim.__version__}
Requires-Python: >=3.11
Classifier: Programming Language :: Python :: 3
Classifier: Programming Language :: Python :: 3.11

# drlim
"""
INFO = f"drlim-{drlim.__version__}.dist-info"


def wheel(folder, *, metadata=METADATA, without="", extra=()):
    path = folder / "drlim-0-py3-none-any.whl"
    names = [*release_check.IN_THE_WHEEL, f"{INFO}/licenses/LICENSE", *extra]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{INFO}/METADATA", metadata)
        for name in names:
            if name != without:
                archive.writestr(name, "")
    return path


def test_a_right_wheel_has_no_problems(tmp_path):
    assert release_check.problems_of(wheel(tmp_path)) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"metadata": METADATA.replace("Version: 0", "Version: 9")}, "is not __version__"),
        ({"metadata": METADATA.replace(":: 3.11", ":: 3.14")}, "classifiers name ['3.14'], tested are ('3.11',)"),
        ({"metadata": METADATA.replace(">=3.11", ">=3.9")}, "requires-python is >=3.9"),
        ({"metadata": METADATA.replace("# drlim", "")}, "the README is not in it"),
        ({"without": f"{INFO}/licenses/LICENSE"}, "the license is not in it"),
        ({"without": "drlim/py.typed"}, "drlim/py.typed is missing"),
        ({"extra": ["tests/test_x.py"]}, "it holds files beside drlim"),
        ({"extra": ["drlim/__pycache__/x.pyc"]}, "it holds caches"),
    ],
)
def test_what_is_wrong_with_a_wheel_is_found(tmp_path, changes, problem):
    (found,) = release_check.problems_of(wheel(tmp_path, **changes))
    assert problem in found


def test_a_command_that_fails_ends_the_check(tmp_path):
    assert release_check.run(sys.executable, "-c", "print(3)", cwd=tmp_path) == "3\n"
    with pytest.raises(SystemExit, match="fails"):
        release_check.run(sys.executable, "-c", "raise ValueError", cwd=tmp_path)


def test_the_classifiers_name_what_is_tested():
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
    assert tuple(named) == release_check.TESTED
    assert PROJECT["project"]["requires-python"] == f">={named[0]}"
    assert f"{sys.version_info.major}.{sys.version_info.minor}" in named


def test_the_source_archive_has_all_that_a_test_needs():
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {"src", "tests", "tools", "docs", "SECURITY.md", "RELEASING.md", "CONTRIBUTING.md"} <= set(included)
    assert [name for name in included if not (ROOT / name).exists()] == []


def test_the_options_named_in_the_readme_are_there(capsys):
    assert main(["fit", "--help"]) == 0
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert set(re.findall(r"`(--[a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8"))) <= known
