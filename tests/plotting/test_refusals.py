"""The messages with which pictures refuse bad input."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure
from tests.plotting.drawn import IMAGES, MAP, RECORD, SOLID, TRIPLE

from drlim.plotting import (
    plot_density,
    plot_embedding,
    plot_history,
    plot_images,
    plot_relaxation,
    plot_springs,
    plot_thumbnails,
    plot_views,
    plot_weights,
)
from drlim.springs import make_springs

FLAT = Figure().add_subplot()

DEEP = Figure().add_subplot(projection="3d")

REFUSALS = {
    "four columns": (
        lambda: plot_embedding(np.zeros((5, 4))),
        "Expected 'Z' to have 2 or 3 columns to be drawn. Got 4. Choose columns, as in Z[:, :2].",
    ),
    "one column": (
        lambda: plot_embedding(np.zeros((5, 1))),
        "Expected 'Z' to have 2 or 3 columns to be drawn. Got 1.",
    ),
    "thumbnails in space": (
        lambda: plot_embedding(np.zeros((5, 3)), images=np.zeros((5, 2, 2))),
        "Expected 'Z' to have 2 columns to be drawn. Got 3. Choose columns, as in Z[:, :2].",
    ),
    "thumbnails of three columns": (
        lambda: plot_thumbnails(np.zeros((5, 3)), np.zeros((5, 2, 2))),
        "Expected 'Z' to have 2 columns to be drawn. Got 3.",
    ),
    "NaN": (lambda: plot_embedding(np.full((5, 2), np.nan)), "Input Z contains NaN."),
    "labels": (
        lambda: plot_embedding(MAP, [4, 9]),
        "Expected 'labels' and 'Z' to describe the same samples, one a row. Got 2 in 'labels' and 200 in 'Z'.",
    ),
    "infinite labels": (lambda: plot_embedding(MAP, [np.inf] + [1.0] * 199), "Input labels contains infinity"),
    "images": (
        lambda: plot_thumbnails(MAP, IMAGES[:7]),
        "Expected 'images' and 'Z' to describe the same samples, one a row. Got 7 in 'images' and 200 in 'Z'.",
    ),
    "rows of pixels": (
        lambda: plot_thumbnails(MAP, np.zeros((200, 784))),
        "Expected 'images' to have the shape (n_samples, height, width) or (n_samples, channels, height, width) with "
        "1 or 3 channels. Got an array of shape (200, 784) and dtype float64. Rows of pixels want "
        "X.reshape(-1, height, width).",
    ),
    "channels last": (
        lambda: plot_thumbnails(MAP, np.zeros((200, 8, 8, 3))),
        "Got an array of shape (200, 8, 8, 3) and dtype float64.",
    ),
    "no pixels": (lambda: plot_thumbnails(MAP, np.zeros((200, 0, 8))), "Got an array of shape (200, 0, 8)"),
    "NaN images": (lambda: plot_thumbnails(MAP, np.full((200, 2, 2), np.nan)), "Input images contains NaN."),
    "point size": (
        lambda: plot_embedding(MAP, point_size=0),
        "The 'point_size' parameter of plot_embedding must be a float in the range (0.0, inf) or None. Got 0 instead.",
    ),
    "size": (
        lambda: plot_thumbnails(MAP, IMAGES, size=1.5),
        "The 'size' parameter of plot_thumbnails must be a float in the range (0.0, 1.0]. Got 1.5 instead.",
    ),
    "thumbnails": (
        lambda: plot_thumbnails(MAP, IMAGES, max_thumbnails=0),
        "The 'max_thumbnails' parameter of plot_thumbnails must be an int in the range [1, inf). Got 0 instead.",
    ),
    "names": (
        lambda: plot_embedding(MAP, group_names="both"),
        "The 'group_names' parameter of plot_embedding must be a str among {'auto', 'legend', 'map'} or None. "
        "Got 'both' instead.",
    ),
    "names in space": (
        lambda: plot_embedding(np.zeros((5, 3)), group_names="map"),
        "Expected a map of 2 columns for group_names='map'. Got 3. Take group_names='legend'.",
    ),
    "background": (
        lambda: plot_embedding(MAP, background=np.zeros((5, 3))),
        "Expected 'background' to have 2 columns, as 'Z' has. Got 3. Map the earlier samples with the same model.",
    ),
    "NaN in the background": (
        lambda: plot_embedding(MAP, background=[[0.0, np.nan]]),
        "Input background contains NaN.",
    ),
    "numbers beside strings": (
        lambda: plot_embedding(MAP[:3], [1, "a", None]),
        "Expected 'labels' to hold a label for each sample, all numbers or all strings.",
    ),
    "colour map": (
        lambda: plot_embedding(MAP, cmap="rainbows"),
        "The 'cmap' parameter of plot_embedding must be a name in matplotlib.colormaps, such as 'viridis' or 'gray'. "
        "Got 'rainbows' instead.",
    ),
    "colour map of images": (
        lambda: plot_thumbnails(MAP, IMAGES, image_cmap=None),
        "The 'image_cmap' parameter of plot_thumbnails must be a name in matplotlib.colormaps, such as 'viridis' or "
        "'gray'. Got None instead.",
    ),
    "no axes": (
        lambda: plot_embedding(MAP, ax="here"),
        "The 'ax' parameter of plot_embedding must be an instance of 'matplotlib.axes._axes.Axes' or None. "
        "Got 'here' instead.",
    ),
    "flat axes": (
        lambda: plot_embedding(np.zeros((5, 3)), ax=FLAT),
        "'ax' is not three-dimensional, and there are 3 columns to draw. Axes for three columns are made with "
        "projection='3d'.",
    ),
    "deep axes": (
        lambda: plot_thumbnails(MAP, IMAGES, ax=DEEP),
        "'ax' is three-dimensional, and there are 2 columns to draw.",
    ),
    "margin": (
        lambda: plot_springs(-1),
        "The 'margin' parameter of plot_springs must be a float in the range (0.0, inf). Got -1 instead.",
    ),
    "margin beside laws": (
        lambda: plot_springs(0, springs=make_springs()),
        "The 'margin' parameter of plot_springs must be a float in the range (0.0, inf). Got 0 instead.",
    ),
    "one panel": (
        lambda: plot_springs(axes=[FLAT]),
        "Expected 'axes' to be two axes, for energies and forces. Got [<Axes: >].",
    ),
    "two words": (
        lambda: plot_springs(axes=["left", "right"]),
        "Expected 'axes' to be two axes, for energies and forces. Got ['left', 'right'].",
    ),
    "no history": (
        lambda: plot_history([]),
        "Expected 'history' to be a list of dicts, one for each of one or more epochs, as DrLIM.history_ is. Got [].",
    ),
    "one record": (lambda: plot_history(RECORD), "Expected 'history' to be a list of dicts"),
    "a number": (lambda: plot_history(5), "Expected 'history' to be a list of dicts"),
    "numbers": (lambda: plot_history([0.5, 0.4]), "Expected 'history' to be a list of dicts"),
    "a key": (
        lambda: plot_history([RECORD, {"epoch": 2, "energy": 0.5, "energy_similar": 0.1}]),
        "Expected each record of 'history' to have the key 'energy_dissimilar'. Got",
    ),
    "NaN energy": (
        lambda: plot_history([{**RECORD, "energy": float("nan")}]),
        "Input history['energy'] contains NaN.",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(case: str) -> None:
    call, sentence = REFUSALS[case]
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        call()
    assert len(str(caught.value)) <= 600


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot_views(MAP), "Expected 'Z' to have 3 columns to be drawn. Got 2."),
        (lambda: plot_views(SOLID, views=[(1, 2, 3)]), "Expected 'views' to be pairs (elevation, azimuth) in degrees."),
        (lambda: plot_views(SOLID, point_size=0), "The 'point_size' parameter of plot_views must be"),
        (lambda: plot_weights(np.ones((3, 4))), "Expected 'weights' of shape (n, height, width). Got"),
        (lambda: plot_weights(np.ones((3, 4, 4)), columns=0), "The 'columns' parameter of plot_weights must be"),
        (lambda: plot_images(np.ones((3, 4, 4)), cmap="grey!"), "The 'cmap' parameter of plot_images must be a name"),
        (lambda: plot_density(SOLID), "Expected 'Z' to have 2 columns to be drawn. Got 3."),
        (lambda: plot_density(MAP, bins=0), "The 'bins' parameter of plot_density must be"),
        (
            lambda: plot_relaxation([], TRIPLE),
            "Expected 'frames' to hold at least one pair (title, positions). Got none.",
        ),
        (lambda: plot_relaxation([("a", MAP)], TRIPLE), "200"),
        (lambda: plot_relaxation([("a", MAP[:3])], TRIPLE, margin=0), "The 'margin' parameter of plot_relaxation must"),
    ],
)
def test_what_the_newer_pictures_refuse(call: Callable[[], object], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        call()
