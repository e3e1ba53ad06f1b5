from __future__ import annotations

import subprocess
import sys

import pytest

import drlim


@pytest.mark.parametrize("name", drlim.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name):
    assert getattr(drlim, name).__doc__
    assert name in dir(drlim)


def test_a_wrong_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'drlim' has no attribute 'DrLim'"):
        _ = drlim.DrLim


def test_importing_the_package_imports_nothing_heavy():
    code = "import sys, drlim; print([m for m in ('torch', 'sklearn', 'numpy', 'matplotlib') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
