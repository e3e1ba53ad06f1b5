"""Parts of messages: errors on one line, and the word that was meant."""

from __future__ import annotations

import pytest

from drlim._base.messages import did_you_mean, one_line


@pytest.mark.parametrize(
    ("error", "longest", "text"),
    [
        (ValueError(" a\n  b\tc "), 200, "a b c"),
        (ValueError("x" * 300), 200, "x" * 200),
        (ValueError("x" * 300), 20, "x" * 20),
        (ZeroDivisionError(), 200, "ZeroDivisionError"),
        (KeyError("name"), 200, "'name'"),
        ("a\n b", 200, "a b"),
        ("", 200, ""),
    ],
)
def test_one_line(error, longest, text):
    assert one_line(error, longest) == text


def test_did_you_mean():
    assert did_you_mean("lineal", ["mlp", "linear", "liner"], "Choose.") == "Did you mean 'linear'?"
    assert did_you_mean("lineal", iter(["linear"]), capital=False) == "did you mean 'linear'?"
    assert did_you_mean("resnet", ["mlp", "linear"], "Choose.") == "Choose."
    assert did_you_mean("resnet", []) == ""
