"""Warnings at the user's line, and the progress bar."""

from __future__ import annotations

import inspect
import warnings

import pytest

from drlim import DrLIM
from drlim._base.notices import epoch_bar, warn_user

RECORD = {"energy": 0.25, "pairs": 30.0, "seconds": 0.5}


def test_a_warning_points_at_the_line_that_called_the_package():
    X = [[0.0], [1.0], [3.0], [4.0]]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        line = inspect.currentframe().f_lineno + 1
        warn_user("Look here.")
        DrLIM(n_neighbors=1, max_epochs=1, encoder="linear").fit(X, [0.5, 1.5, 2.5, 3.5])
    assert str(caught[0].message) == "Look here."
    assert [(warning.filename, warning.lineno) for warning in caught] == [(__file__, line), (__file__, line + 1)]


@pytest.mark.parametrize(("verbose", "shown"), [(True, True), (1, True), (False, False), (None, False)])
def test_the_bar_is_shown_when_asked_for_and_not_without_a_terminal(capsys, verbose, shown):
    with epoch_bar(2, verbose, 12, 345) as advance:
        advance(RECORD)
        advance(RECORD)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert bool(printed.err) == shown
    if shown:
        assert "epoch 2/2" in printed.err
        assert "energy 0.25000" in printed.err
        assert "60 pairs/s" in printed.err


def test_the_bar_begins_with_numbers(capsys):
    with epoch_bar(2, True, 12, 345):
        pass  # no epoch has ended
    assert "12 samples, 345 similar pairs" in capsys.readouterr().err


def test_the_bar_is_shown_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with epoch_bar(1, None, 12, 345) as advance:
        advance(RECORD)
    assert "epoch 1/1" in capsys.readouterr().err
