"""Colours of groups differ as the eye sees it; greys suit the page."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from drlim.plotting.palette import COLOURS, background_grey, group_colours, oklab, unlabelled_grey


def test_oklab_of_known_colours() -> None:
    np.testing.assert_allclose(oklab("white"), [1.0, 0.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(oklab("black"), [0.0, 0.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(oklab("red"), [0.62796, 0.22486, 0.12585], atol=1e-4)


@pytest.mark.parametrize("beside_grey", [False, True])
def test_sixty_colours_lie_apart(beside_grey: bool) -> None:
    colours = group_colours(60, beside_grey=beside_grey)
    assert pdist([oklab(colour) for colour in colours]).min() > 0.08
    greys = [oklab(grey) for grey in (unlabelled_grey("white"), background_grey("white"))]
    nearest = min(float(np.linalg.norm(oklab(colour) - grey)) for colour in colours for grey in greys)
    assert (nearest > 0.08) == beside_grey or nearest > 0.05
    assert (colours[:10] == list(COLOURS)) == (not beside_grey)


def test_colours_repeat_beyond_the_palette() -> None:
    colours = group_colours(130)
    assert len(set(colours)) == 62
    assert colours[62] == colours[0]


@pytest.mark.parametrize("page", ["white", "black"])
def test_earlier_samples_are_nearer_to_the_page_than_unlabelled_ones(page: str) -> None:
    earlier, unlabelled = (
        abs(oklab(grey)[0] - oklab(page)[0]) for grey in (background_grey(page), unlabelled_grey(page))
    )
    assert 0.05 < earlier < unlabelled < 0.6
