"""The key of a map, which explains its colours: a legend, a colour bar, or both."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from drlim.plotting.colours import Colouring, Extend, Group
from drlim.plotting.palette import MARKERS, background_grey, unlabelled_grey

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.typing import ColorType

__all__ = ["draw_key", "extra_width", "folded", "key_entries"]

_LEGEND_LINES = 20
"""Maximum number of lines in one column of a legend, except for the remainder of an even division."""

_LEGEND_WIDTH = 28
"""Maximum number of characters in a line of a legend."""

_PLAIN_WIDTH = 12
"""Number of characters of a legend for which a figure of the standard width has room."""

_INCHES = 0.09
"""Approximate width of a character."""

_MARK = 3
"""Width of a marker and the gaps beside it, in characters."""


def folded(name: str, width: int, most_lines: int) -> str:
    """Return a name on lines of about ``width`` characters; of a longer name, the beginning and the last line."""
    lines = textwrap.wrap(name, width, break_on_hyphens=False)
    if len(lines) > most_lines:
        lines = [*lines[: most_lines - 1], lines[-1]]
        lines[-2] += " …"
    return "\n".join(lines) or name


def key_entries(
    colouring: Colouring, page: ColorType, *, with_groups: bool = True, n_background: int = 0
) -> list[Group]:
    """Return the entries of a legend: groups in their order, then what is grey, with the number of samples."""
    entries = [Group(folded(group.name, _LEGEND_WIDTH, 2), *group[1:]) for group in colouring.groups if with_groups]
    if colouring.n_unnamed:
        entries.append(Group(f"{colouring.n_unnamed} groups, colours repeat", "none", MARKERS[0]))
    n_missing = len(colouring.known) - int(colouring.known.sum())
    if n_missing:
        text = "unlabelled" if colouring.scale is None else "no value"
        entries.append(Group(f"{text} ({n_missing})", unlabelled_grey(page), "o"))
    if n_background:
        entries.append(Group(f"background ({n_background})", background_grey(page), "o"))
    return entries


def extra_width(entries: Sequence[Group], title: str | None) -> float:
    """Return the width in inches that a legend needs beyond that of a few short names."""
    if not entries:
        return 0.0
    longest = [max(len(line) for line in entry.name.split("\n")) + _MARK for entry in entries]
    n_columns = _columns(entries)
    width = sum(int(column.max()) for column in np.array_split(longest, n_columns) if len(column))
    return _INCHES * max(0, max(width, len(title or "")) - _PLAIN_WIDTH)


def draw_key(ax: Axes, colouring: Colouring, title: str | None, entries: Sequence[Group] | None = None) -> None:
    """Draw a legend or a colour bar beside the axes, where no point can be."""
    if entries is None:
        entries = key_entries(colouring, ax.get_facecolor())
    if colouring.scale is not None:
        _draw_bar(ax, colouring.scale, colouring.extend, title, above_legend=bool(entries))
    if entries:
        _draw_legend(ax, entries, title if colouring.scale is None else None, low=colouring.scale is not None)


def _draw_bar(ax: Axes, scale: ScalarMappable, extend: Extend, title: str | None, *, above_legend: bool) -> None:
    # As high as the axes, which equal aspect makes lower than their cell. matplotlib has no insets in 3-D.
    foot = 0.16 if above_legend else 0.0
    beside = ax.inset_axes((1.03, foot, 0.03, 1.0 - foot)) if ax.name != "3d" else None
    bar = ax.figure.colorbar(scale, cax=beside, ax=ax, shrink=0.6, label=title or "", extend=extend, extendfrac=0.03)
    bar.outline.set_visible(False)


def _draw_legend(ax: Axes, entries: Sequence[Group], title: str | None, *, low: bool) -> None:
    """Draw a legend at the top right of the axes, or below their colour bar, at the bottom right."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], linestyle="", color=entry.colour, marker=entry.marker, markersize=7) for entry in entries]
    beside = (0.0, 0.0) if low and ax.name == "3d" else (1.0, 0.0 if low else 1.0)
    # matplotlib leaves out entries whose text begins with an underscore, so the texts are set afterwards.
    legend = ax.legend(
        handles,
        [" "] * len(entries),
        title=title,
        loc="lower left" if low else "upper left",
        bbox_to_anchor=beside,
        ncols=_columns(entries),
        frameon=False,
        handletextpad=0.2,
    )
    for text, entry in zip(legend.get_texts(), entries, strict=True):
        text.set_parse_math(False)
        text.set_text(entry.name)


def _columns(entries: Sequence[Group]) -> int:
    n_lines = sum(1 + entry.name.count("\n") for entry in entries)
    return -(-n_lines // _LEGEND_LINES)
