"""Figures: given axes, repeated bytes, written files, and what is not imported or changed."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from tests.plotting.drawn import CLASSES, IMAGES, MAP, RECORD, render

from drlim.plotting import (
    plot_embedding,
    plot_history,
    plot_springs,
    plot_thumbnails,
    save_figure,
)


def test_given_axes_are_used() -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plot_embedding(MAP, ax=left) is left
    assert plot_history([RECORD], right) is right
    assert figure.axes == [left, right]


def test_the_same_call_draws_the_same_pixels() -> None:
    pictures = [render(plot_embedding(MAP, CLASSES, images=IMAGES).figure) for _ in range(2)]
    np.testing.assert_array_equal(*pictures)


def test_neither_pyplot_nor_global_settings_are_touched() -> None:
    code = """
import sys
import drlim.plotting as p
assert not {"matplotlib", "torch"} & set(sys.modules), "imported too early"
import io, matplotlib, numpy as np
before = matplotlib.rcParams.copy()
Z = np.random.default_rng(0).normal(size=(20, 2))
p.plot_embedding(Z, Z[:, 0], images=np.zeros((20, 3, 3))).figure.savefig(io.BytesIO(), format="png")
p.plot_history([{"epoch": 1, "energy": 1, "energy_similar": 1, "energy_dissimilar": 1}])
assert "torch" not in sys.modules, "torch for a scatter"
p.plot_springs()
assert "matplotlib.pyplot" not in sys.modules, "pyplot imported"
assert matplotlib.rcParams.copy() == before, "settings changed"
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.parametrize(
    "call",
    [
        lambda: plot_embedding(MAP),
        lambda: plot_thumbnails(MAP, IMAGES),
        plot_springs,
        lambda: plot_history([RECORD]),
    ],
)
def test_without_matplotlib_an_import_error_tells_what_to_install(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in {"matplotlib", "mpl_toolkits"}]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    sentence = 'Plotting needs matplotlib, which is not installed. Install it with: pip install "drlim[viz]"'
    with pytest.raises(ImportError, match=re.escape(sentence)):
        call()


def test_save_figure_writes_the_format_of_the_suffix_whole_and_repeatably(tmp_path):
    ax = plot_embedding([[0.0, 0.0], [1.0, 2.0]])
    for suffix, magic in ((".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")):
        path = tmp_path / f"map{suffix}"
        save_figure(ax, path, dpi=50)
        assert path.read_bytes().startswith(magic)
    small = (tmp_path / "map.png").read_bytes()
    save_figure(ax, tmp_path / "map.png", dpi=100)
    assert (tmp_path / "map.png").read_bytes() != small
    save_figure(ax, tmp_path / "map.png", dpi=50)
    assert (tmp_path / "map.png").read_bytes() == small
    with pytest.raises(ValueError, match="'nonsense' is not supported"):
        save_figure(ax, tmp_path / "map.nonsense")
    assert not (tmp_path / "map.nonsense").exists()
    with pytest.raises(ValueError, match=re.escape("The 'dpi' parameter of save_figure must be an int in the range")):
        save_figure(ax, tmp_path / "map.png", dpi=0)
