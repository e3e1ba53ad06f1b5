"""The parameter guide: each parameter of both estimators has a part, with a picture that a script draws."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image
from tests.docs.pages import DOCS
from tools import draw_parameters

import drlim

WITHOUT_PICTURE = {"callbacks", "checkpoint", "checkpoint_every", "device", "verbose"}
"""They do not change a map. A parameter that decides where or how a fit is kept or watched belongs here as well."""

GUIDES = {"drlim": drlim.DrLIM, "map": drlim.NeighborMap}
PAGES = {"drlim": "drlim.md", "map": "neighbor_map.md"}


def parts(estimator):
    """Return the text of each part of a page of the guide, by its heading."""
    text = (DOCS / "parameters" / PAGES[estimator]).read_text(encoding="utf-8")
    cut = re.split(r"^## (\w+)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(cut[::2], cut[1::2], strict=True))


@pytest.mark.parametrize("estimator", GUIDES)
def test_each_parameter_has_a_part(estimator):
    assert set(parts(estimator)) == set(GUIDES[estimator]().get_params(deep=False))


@pytest.mark.parametrize("name", draw_parameters.ROWS)
def test_each_row_that_is_drawn_is_shown_and_its_file_is_there(name):
    estimator, parameter = name.split("_", 1)
    assert f"({name}.png)" in parts(estimator)[parameter]
    with Image.open(DOCS / "parameters" / f"{name}.png") as image:
        assert image.width >= 240 * len(draw_parameters.ROWS[name].values)


@pytest.mark.parametrize("estimator", GUIDES)
def test_each_parameter_that_changes_a_map_has_a_picture(estimator):
    drawn = {name.split("_", 1)[1] for name in draw_parameters.ROWS if name.startswith(f"{estimator}_")}
    assert {name for name, text in parts(estimator).items() if "![](" not in text} <= WITHOUT_PICTURE
    assert drawn | WITHOUT_PICTURE >= set(parts(estimator))


def test_a_row_is_drawn(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(draw_parameters, "FOLDER", tmp_path)
    monkeypatch.setitem(draw_parameters.ROWS, "a_row", draw_parameters.Row(_made, {"1": 0.5}))
    draw_parameters.draw("a_row")
    with Image.open(tmp_path / "a_row.png") as image:
        assert image.mode == "P"


def _made(value):
    return draw_parameters.Map(np.zeros((3, 2)) + value, np.arange(3))
