"""The ratio of loops: cylinders, balls, pairs of loops, and a missing library."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.paper.kinds import AIRPLANE, needs_ripser

from drlim.paper import airplane, topology


@needs_ripser
def test_one_loop_stands_out_of_a_cylinder_and_none_of_a_ball() -> None:
    rng = np.random.default_rng(0)
    angle, height = rng.uniform(0, 2 * np.pi, 300), rng.uniform(0, 1, 300)
    cylinder = np.column_stack([np.cos(angle), np.sin(angle), height])
    assert topology.loop_ratio(cylinder) > 3
    assert topology.loop_ratio(rng.normal(size=(300, 3))) < 2
    assert topology.loop_ratio(np.zeros((5, 3))) == 0.0
    assert topology.loop_ratio(7 * cylinder) == pytest.approx(topology.loop_ratio(cylinder), rel=1e-4)


@needs_ripser
def test_two_loops_do_not_stand_out() -> None:
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    assert topology.loop_ratio(np.concatenate([circle, circle + np.array([5.0, 0.0])])) == pytest.approx(1, rel=1e-3)


def test_without_ripser_there_is_a_clear_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, small_airplane: None, no_pictures: None
) -> None:
    monkeypatch.setitem(sys.modules, "ripser", None)
    message = 'Persistent homology needs ripser, which is not installed. Install it with: pip install "drlim[topology]"'
    with pytest.raises(ImportError, match=re.escape(message)):
        topology.loop_ratio(np.eye(3))
    report = airplane.reproduce(tmp_path, **{**AIRPLANE, "max_epochs": 2})
    assert report.details["notes"] == [message]
    assert not any("H1" in row.number for row in report.rows)
