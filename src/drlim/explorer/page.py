"""The page: a template, the script, the style and the contents as one file that loads nothing."""

from __future__ import annotations

import base64
import hashlib
import html
import os
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from numpy.typing import ArrayLike

from drlim._base.disk import atomic_write
from drlim.explorer.contents import Contents, contents_of
from drlim.explorer.payload import pack

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from drlim.estimators import DrLIM, NeighborMap

__all__ = ["Page", "explore", "policy", "render"]

_FRAME_HEIGHT = 640
"""Height of the page in a notebook, in pixels."""


class Page:
    """A page to look at a map. A notebook shows it; `save` writes it.

    Parameters
    ----------
    html : str
        The whole page.

    Attributes
    ----------
    html : str
        The whole page.
    """

    def __init__(self, html: str) -> None:
        self.html = html

    def __repr__(self) -> str:
        return f"Page({len(self.html):,} bytes; save it by page.save(path))"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page, whole or not at all.

        Parameters
        ----------
        path : str or path-like
            File to write, best ending in ``.html``.

        Raises
        ------
        OSError, ValueError, TypeError
            When it cannot be written.
        """
        atomic_write(path, self.html.encode())

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own, which a notebook shows."""
        return (
            f'<iframe title="Map" srcdoc="{html.escape(self.html)}" sandbox="allow-scripts allow-downloads" '
            f'style="width:100%;height:{_FRAME_HEIGHT}px;border:1px solid #8886"></iframe>'
        )


def explore(
    model: DrLIM | NeighborMap | Pipeline,
    X: object = None,
    *,
    labels: ArrayLike | None = None,
    columns: object = None,
    text: Sequence[object] | None = None,
    images: ArrayLike | None = None,
    ids: Sequence[object] | None = None,
    title: str | None = None,
    theme: str = "auto",
    encoder: bool | Literal["auto"] = "auto",
    sensitivities: bool = True,
    ensemble: Sequence[DrLIM | NeighborMap | Pipeline] | None = None,
) -> Page:
    """Make a page to look at a map: one file that needs no network and no server.

    It draws up to a million points. Pointing at one shows its image, values and text; the points are coloured by any
    column; a line drawn around samples counts them, says what sets them apart, and saves their ids. Maps of three
    dimensions turn. docs/exploring.md has more.

    Parameters
    ----------
    model : DrLIM, NeighborMap or Pipeline
        Fitted, of 1 to 3 dimensions; a pipeline ends with one of the two.
    X : array-like, data frame or dict of columns, default=None
        Samples as ``model.transform`` takes them. None shows the map of the training samples, of which the model keeps
        no values. Images are shown; the columns of a table, and of an array of up to 50, are shown and colour the
        points. Of the samples trained on, the springs are shown as well, and up to 10,000 samples their energy.
    labels : array-like, shape (n_samples,), default=None
        Groups or numbers that colour the points at first.
    columns : data frame or dict of str to array-like, default=None
        Further values of each sample: numbers, groups or texts.
    text : sequence of str, shape (n_samples,), default=None
        A text of each sample.
    images : array-like, shape (n_samples, height, width) or (n_samples, channels, height, width), default=None
        Images of the samples; None takes ``X`` where it holds images. Large ones are made smaller: at most 64 pixels a
        side, and 16 million pixels in all.
    ids : sequence of str, shape (n_samples,), default=None
        Names of the samples; None numbers them from 0.
    title : str, default=None
        Heading; None is the kind of the model and the number of samples.
    theme : {"auto", "light", "dark"}, default="auto"
        Colours of the page at first; "auto" is what the system of the reader asks for.
    encoder : bool or "auto", default="auto"
        Whether the encoder travels with the page, so that new rows and pictures that are dropped on it are mapped in
        it. "auto" does so for the built-in encoders up to 2 MiB of weights. Those of a `NeighborMap` grow with the
        number of samples; the others do not.
    sensitivities : bool, default=True
        Whether the page holds where the map stretches (`drlim.metrics.area_distortion`), how sure a `NeighborMap` is
        (`NeighborMap.confidence`), and which features or pixels move each sample (`drlim.metrics.saliency`), of up to
        10,000 samples in ``X`` and 2^24 values in all. False keeps the page smaller, and makes it sooner.
    ensemble : list of DrLIM, NeighborMap or Pipeline, default=None
        Further fits, such as those of other seeds. How far they and ``model`` disagree about each sample
        (`drlim.metrics.uncertainty`) is a colour of the page. It needs ``X``.

    Returns
    -------
    Page
        Has `save`; a notebook shows it.

    Raises
    ------
    NotFittedError, ValueError, TypeError
        When there is no map yet or it has more than 3 dimensions, ``X`` is not like the training samples, another
        parameter has not one entry for each sample, ``ensemble`` is given without ``X``, or ``encoder`` is True and the
        page cannot carry it out.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from drlim import DrLIM, datasets, explore
    >>> data = datasets.digits()
    >>> model = DrLIM(max_epochs=2, random_state=0).fit(data.X_train[:100])
    >>> page = explore(model, data.X_train[:100], labels=data.y_train[:100])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page.save(Path(folder) / "digits.html")
    """
    return Page(
        render(
            contents_of(
                model,
                X,
                labels=labels,
                columns=columns,
                text=text,
                images=images,
                ids=ids,
                title=title,
                theme=theme,
                encoder=encoder,
                sensitivities=sensitivities,
                ensemble=ensemble,
            )
        )
    )


def render(contents: Contents) -> str:
    """Return the whole page, as one file."""
    script, style = _asset("page.js"), _asset("page.css")
    parts = {
        "policy": html.escape(policy()),
        "title": html.escape(str(contents.meta["title"])),
        "style": style,
        "payload": pack(contents.meta, contents.arrays),
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _asset("page.html"))


def policy() -> str:
    """Return the Content-Security-Policy of the page: its own script and style alone, pictures of its own making."""
    sources = {
        "default-src": "'none'",
        "script-src": _hash(_asset("page.js")),
        "style-src": _hash(_asset("page.css")),
        "img-src": "data: blob:",
        "connect-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {source}" for name, source in sources.items())


@cache
def _asset(name: str) -> str:
    """Return a file of this folder; a script and a style must not close the element that they stand in."""
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    if name != "page.html" and re.search(r"</script|</style|<!--", text, re.IGNORECASE):
        raise ValueError(f"{name} holds the end of an element of HTML: build it again.")
    return text


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
