"""The page to look at a map, one file without a network, and what it offers to modules that stand on it.

Python builds it in three steps: `contents_of` gathers what is shown, `pack` makes it bytes, and `render` puts these
into the template with the script ``page.js`` and the style ``page.css``. ``make explorer-bundle`` makes the script of
``tools/explorer/src``, one small module for each part of the page. The page's policy lets no other script run, and no
text of the data is ever parsed as markup.

In the page, ``window.drlim`` is ``{explorer, side, announce, addPanel}``:

- ``explorer.state`` has ``selection`` (Uint32Array of sample numbers, ascending), ``current`` and ``hovered`` (a sample
  or -1), ``colour``, ``theme``, ``shown``, ``mode``, ``springs`` and ``pictures``; ``state.set({name: value})`` changes
  it, and ``state.subscribe((names, state) => ...)`` is told of changes;
- ``explorer.space`` knows distances and shortest paths on the chart of the map, and ``explorer.paths(i, j)`` are the
  lines of one on the canvas;
- ``explorer.positions`` has three numbers a sample; ``explorer.moveTo(places, seconds)`` moves the samples, and returns
  a promise; ``explorer.place(i)`` is a sample's place on the canvas, in pixels; ``explorer.at(left, top)`` the sample
  at a place; ``explorer.selectInside([x, y, ...])`` a lasso; ``explorer.select(numbers)``;
- ``explorer.samples.id(i)``, ``.line(i)`` and ``.columns`` tell of samples; ``explorer.meta`` is ``Contents.meta``;
- ``addPanel(title, {name})`` adds a section to the side, and returns the element to fill; ``announce(text)`` says a
  line under the map, which screen readers read.

Where ``meta.editing`` is an object, as the server for editing sends it, the script calls ``startEditing(explorer,
page)`` of ``editing.js``, ``page`` being what ``window.drlim`` is. ``document.documentElement.dataset.ready`` is
"points" once the first points are drawn, and "yes" once the pictures of the samples are there, too.
"""

from __future__ import annotations

from drlim.explorer.contents import Contents, contents_of
from drlim.explorer.page import Page, explore, policy, render
from drlim.explorer.payload import pack

__all__ = [
    "Contents",
    "Page",
    "contents_of",
    "explore",
    "pack",
    "policy",
    "render",
]
