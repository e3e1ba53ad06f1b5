"""Colours and markers of groups, and the greys of samples without a group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drlim._base.arrays import Floats
from drlim.plotting.figures import GREY

if TYPE_CHECKING:
    from matplotlib.typing import ColorType

__all__ = ["COLOURS", "MARKERS", "background_grey", "group_colours", "oklab", "unlabelled_grey"]

COLOURS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
"""Colours of the first ten groups. Colour-blind readers can distinguish them: M. A. Petroff, "Accessible color
sequences for data visualization", 2021."""

_FURTHER = (
    *("#1e3c0f", "#ff5ae1", "#0000a5", "#69f02d", "#009600", "#69003c", "#1e4bf0", "#2d4b78", "#a569ff", "#d20087"),
    *("#695a00", "#0fc378", "#ffa5ff", "#ff8796", "#d2e178", "#a5a5ff", "#4b0087", "#873c69", "#b478b4", "#ff1e5a"),
    *("#00c3ff", "#968700", "#00785a", "#692d00", "#00f0b4", "#2d69b4", "#a5c300", "#009696", "#4b1ec3", "#c33cd2"),
    *("#780078", "#3c2d4b", "#784bf0", "#ffc396", "#005a00", "#96002d", "#875aa5", "#00d21e", "#d25a78", "#0078ff"),
    *("#a50087", "#e187d2", "#00d2c3", "#5a3c96", "#0f2d78", "#78a569", "#96d296", "#ffc3e1", "#c38787", "#964b0f"),
    *("#2d5a4b", "#f04ba5"),
)
"""Colours of further groups. Each is the one farthest in OKLab from all before it, of a grid of colours that are
neither grey (chroma 0.05 to 0.25) nor close to black or white (lightness 0.32 to 0.88)."""

_GREYS = ("#94a4a2", "#717581")
"""Colours of groups that a reader would take for those of samples without a label."""

_GREY_ON_DARK = "#d0d3d8"

_UNLABELLED, _BACKGROUND = 0.5, 0.27
"""Shares of a grey in the colours of samples without a label and of earlier samples; the rest is that of the page."""

MARKERS = "o^sDvP"
"""Markers of groups: the first for ten groups, the second for the next ten, and so on."""

_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
"""Matrices of OKLab: B. Ottosson, "A perceptual color space for image processing", 2020."""


def group_colours(n_groups: int, *, beside_grey: bool = False) -> list[str]:
    """Return a colour for each group; beyond 60 groups colours repeat. ``beside_grey`` leaves out greyish ones."""
    colours = [colour for colour in (*COLOURS, *_FURTHER) if not (beside_grey and colour in _GREYS)]
    return [colours[place % len(colours)] for place in range(n_groups)]


def oklab(colour: ColorType) -> Floats:
    """Return lightness in [0, 1] and the two opponent values of a colour, (3,)."""
    from matplotlib.colors import to_rgb

    values = np.array(to_rgb(colour))
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    lab: Floats = np.cbrt(linear @ _TO_CONES.T) @ _TO_LAB.T
    return lab


def unlabelled_grey(page: ColorType) -> str:
    """Return the colour of samples without a label, on a page of the given colour."""
    return _blend(page, _UNLABELLED)


def background_grey(page: ColorType) -> str:
    """Return the colour of earlier samples, which is closer to that of the page."""
    return _blend(page, _BACKGROUND)


def _blend(page: ColorType, share: float) -> str:
    from matplotlib.colors import to_hex, to_rgb

    grey = GREY if oklab(page)[0] > 0.5 else _GREY_ON_DARK
    red, green, blue = ((1 - share) * np.array(to_rgb(page)) + share * np.array(to_rgb(grey))).tolist()
    return to_hex((red, green, blue))
