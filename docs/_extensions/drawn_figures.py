"""Pictures of the gallery that drlim.plotting drew. pyplot does not hold their figures: sphinx-gallery misses them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_SHOWN = "_drlim_shown"
"""Attribute of a figure that a page shows already."""


def _figures(values: Iterable[object]) -> list[Any]:
    """Return the figures of all axes among values, and in lists of them, in the order in which they were drawn."""
    from matplotlib.axes import Axes

    found: dict[int, Any] = {}
    for value in values:
        parts = list(value) if isinstance(value, list | tuple) else [value]
        for part in parts:
            if isinstance(part, Axes):
                found[id(part.figure)] = part.figure
    return list(found.values())


def _scrape(_block: object, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save the figures that are new since the last block, and return the text that shows them."""
    from matplotlib import pyplot as plt
    from sphinx_gallery.scrapers import figure_rst

    managed = {id(plt.figure(number)) for number in plt.get_fignums()}
    paths = []
    for figure in _figures(block_vars["example_globals"].values()):
        if getattr(figure, _SHOWN, False):
            continue
        setattr(figure, _SHOWN, True)
        if id(figure) in managed:  # the scraper of matplotlib shows it, and closes it
            continue
        paths.append(next(block_vars["image_path_iterator"]))
        figure.savefig(paths[-1], dpi=100)
    return str(figure_rst(paths, gallery_conf["src_dir"]))


def _get_sg_image_scraper() -> object:
    """Return the scraper: sphinx-gallery asks a module for it by this name."""
    return _scrape
