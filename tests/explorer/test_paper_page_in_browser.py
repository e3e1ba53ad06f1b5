"""The page of the paper's experiments in a real Chromium: no figure is missing, and nothing is said on the console."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from drlim.paper import airplane
from drlim.paper.page import write_page

pytestmark = pytest.mark.browser


def test_every_figure_of_a_small_experiment_is_shown(tmp_path: Path, open_page, kept) -> None:
    (tmp_path / "airplane").mkdir()
    report = airplane.reproduce(tmp_path / "airplane", n_train=60, max_epochs=3)
    write_page([report], tmp_path / "index.html", {"airplane": "views of an aeroplane"})
    tab = open_page((tmp_path / "index.html").as_uri(), ready=False)
    shown = tab.evaluate("Array.from(document.images, (one) => [one.alt, one.complete, one.naturalWidth])")
    assert [alt for alt, _, _ in shown] == list(airplane.FIGURES.values())
    assert all(complete and width > 100 for _, complete, width in shown)
    frame = tab.locator("iframe")
    frame.scroll_into_view_if_needed()
    tab.wait_for_timeout(300)
    pixels = np.asarray(Image.open(io.BytesIO(frame.screenshot())).convert("RGB")).astype(int)
    assert (np.ptp(pixels, axis=2) > 60).sum() > 300  # coloured points
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    kept(tab, "light")
    tab.set_viewport_size({"width": 420, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    lines = tab.evaluate(
        """Array.from(document.querySelectorAll(".reached, .short"), (one) => {
             const range = document.createRange();
             range.selectNodeContents(one);
             return range.getClientRects().length; })"""
    )
    assert set(lines) == {1}  # no word is broken
    kept(tab, "narrow")
