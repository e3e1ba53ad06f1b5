"""Sensitivities over a map: colours, arrows and images are those of the numbers; refusals."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.quiver import Quiver

from drlim.plotting import plot_sensitivity

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(60, 2))
VALUES = 10 ** RNG.uniform(-3, 2, size=60)
IMAGES = RNG.normal(size=(60, 5, 7))


def bar(ax: Any) -> Any:
    (beside,) = ax.child_axes
    return beside


def test_colours_follow_the_numbers() -> None:
    ax = plot_sensitivity(Z, VALUES, key_title="stretch")
    assert bar(ax).get_ylabel() == "stretch"
    low, high = bar(ax).get_ylim()
    assert 0 < low < high <= VALUES.max()
    assert bar(plot_sensitivity(Z, np.arange(60) // 20)) is not None  # three whole numbers are numbers here, too


def test_logarithms() -> None:
    ax = plot_sensitivity(Z, VALUES, log=True, key_title="stretch")
    assert bar(ax).get_ylabel() == "log10 stretch"
    np.testing.assert_allclose(bar(ax).get_ylim(), np.log10([VALUES.min(), VALUES.max()]), atol=0.5)


def arrows(ax: Any) -> Quiver:
    (found,) = [each for each in ax.collections if isinstance(each, Quiver)]
    return found


def test_arrows_begin_at_their_points_and_have_one_scale() -> None:
    moves = RNG.normal(size=(60, 2)) * 1e-3
    drawn = arrows(plot_sensitivity(Z, arrows=moves, max_marks=20))
    assert drawn.N == 20
    for at, u, v in zip(drawn.XY, drawn.U, drawn.V, strict=True):
        (row,) = np.flatnonzero((at == Z).all(axis=1))
        np.testing.assert_allclose([u, v], moves[row])
    extent = np.ptp(Z, axis=0).max()
    long = np.quantile(np.hypot(drawn.U, drawn.V), 0.9) / drawn.scale
    assert long == pytest.approx(0.06 * extent)


def test_arrows_are_apart_and_within_the_axes() -> None:
    ax = plot_sensitivity(Z, arrows=np.ones((60, 2)))
    found = np.asarray(arrows(ax).XY)
    apart = np.abs(found[:, None] - found).max(axis=2) + np.eye(len(found)) * 9
    assert apart.min() >= 0.06 * np.ptp(Z, axis=0).max()
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    ends = found + 1.0 / arrows(ax).scale
    assert left <= ends[:, 0].min()
    assert ends[:, 0].max() <= right
    assert bottom <= ends[:, 1].min()
    assert ends[:, 1].max() <= top
    FigureCanvasAgg(ax.figure).draw()


def test_no_motion_draws_no_length() -> None:
    drawn = arrows(plot_sensitivity(Z, arrows=np.zeros((60, 2))))
    assert not np.hypot(drawn.U, drawn.V).any()
    FigureCanvasAgg(drawn.figure).draw()


def test_images_have_white_at_zero_and_one_scale() -> None:
    images = np.zeros((2, 3, 4))
    images[0, 0, 0], images[1, 1, 1] = 2.0, -2.0
    ax = plot_sensitivity([[0.0, 0.0], [1.0, 1.0]], images=images)
    shades = [np.asarray(each.get_array()) for each in ax.images]
    assert {float(shade[2, 3]) for shade in shades} == {0.5}
    assert sorted(float(shade.flat[np.abs(shade - 0.5).argmax()]) for shade in shades) == [0.0, 1.0]
    assert ax.images[0].get_cmap().name == "RdBu_r"


def test_images_with_one_channel_and_a_limit() -> None:
    assert len(plot_sensitivity(Z, images=IMAGES[:, None], max_marks=4).images) == 4


REFUSALS: dict[str, tuple[Any, str]] = {
    "nothing": (lambda: plot_sensitivity(Z), "Expected 'values', 'arrows' or 'images' to draw over the map."),
    "columns": (lambda: plot_sensitivity(np.ones((3, 3)), [1.0, 2.0, 3.0]), "Expected 'Z' to have 2 columns"),
    "length": (lambda: plot_sensitivity(Z, VALUES[:9]), "Got 9 in 'values' and 60 in 'Z'."),
    "2-D": (lambda: plot_sensitivity(Z, VALUES[:, None]), "Expected 'values' to be 1-D, one number a sample."),
    "log of 0": (
        lambda: plot_sensitivity(Z, VALUES * (np.arange(60) != 7), log=True),
        "Expected 'values' to be positive for log=True. Got 0 of sample 7: take log=False.",
    ),
    "arrows": (lambda: plot_sensitivity(Z, arrows=np.ones((60, 3))), "Expected 'arrows' to have 2 columns"),
    "length of arrows": (lambda: plot_sensitivity(Z, arrows=Z[:5]), "Got 5 in 'arrows' and 60 in 'Z'."),
    "images": (lambda: plot_sensitivity(Z, images=VALUES), "Expected 'images' to be slopes by pixel"),
    "length of images": (lambda: plot_sensitivity(Z, images=IMAGES[:5]), "Got 5 in 'images' and 60 in 'Z'."),
    "marks": (lambda: plot_sensitivity(Z, VALUES, max_marks=0), "The 'max_marks' parameter of plot_sensitivity"),
    "size": (lambda: plot_sensitivity(Z, VALUES, size=2.0), "The 'size' parameter of plot_sensitivity"),
    "log": (lambda: plot_sensitivity(Z, VALUES, log=1), "The 'log' parameter of plot_sensitivity"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str) -> None:
    call, message = REFUSALS[name]
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
