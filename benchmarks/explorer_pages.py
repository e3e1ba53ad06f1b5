"""Pages of the kinds of data that users have, in both themes, to be looked at: ``python -m benchmarks.explorer_pages``.

It writes ``runs/explorer/NAME.html`` and the pictures ``NAME-light.png`` and ``NAME-dark.png``, and of each
``-selected.png`` and ``-narrow.png``, the whole page in a window of 420 pixels.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline

from benchmarks.exploring import opened
from benchmarks.suite import ROOT
from drlim import DrLIM, NeighborMap, Table, certificate, datasets, explore
from drlim.explorer import Page
from drlim.paper import airplane, airplane_cylinder

__all__ = ["PAGES", "main"]


def table(n: int = 5000) -> Page:
    """Return the page of a table of numbers, categories, dates and blanks, with names of the rows."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 4, n)
    columns = {
        "customer": [f"C{place:05}" for place in range(n)],
        "age": np.where(rng.uniform(size=n) < 0.05, np.nan, rng.normal(30 + 8 * kind, 6, n).round()),
        "income": np.exp(rng.normal(10 + 0.3 * kind, 0.4, n)).round(),
        "city": np.array(["Oslo", "Bergen", "Trondheim", "Stavanger og omegn"])[
            (kind + (rng.uniform(size=n) < 0.2)) % 4
        ],
        "plan": np.array(["basic", "family", "business"])[rng.integers(0, 3, n)],
        "visits": rng.poisson(1 + 3 * kind),
        "since": (np.datetime64("2015-01-01") + rng.integers(0, 3000, n)).astype(str),
    }
    model = make_pipeline(Table(), NeighborMap(max_epochs=10, random_state=0)).fit(columns)
    return explore(model, columns, ids=columns["customer"], title="Customers")


def texts(n: int = 20_000) -> Page:
    """Return the page of vectors of made sentences, which are shown."""
    rng = np.random.default_rng(0)
    subjects = ["the river", "a teacher", "the orchestra", "my neighbour", "this engine", "an old map", "the harbour"]
    verbs = ["carries", "remembers", "repairs", "follows", "paints", "measures", "outlives"]
    ends = ["the bridge", "two letters", "a long winter", "every promise", "the quiet street", "<b>no markup</b>"]
    parts = [rng.integers(0, len(words), n) for words in (subjects, verbs, ends)]
    sentences = [
        f"{subjects[i].capitalize()} {verbs[j]} {ends[k]}, and then some more words make it as long as texts are."
        for i, j, k in zip(*parts, strict=True)
    ]
    axes = [3 * rng.normal(size=(len(words), 32)) for words in (subjects, verbs, ends)]
    X = sum(axis[part] for axis, part in zip(axes, parts, strict=True)) + rng.normal(size=(n, 32))  # (n, 32)
    model = NeighborMap(max_epochs=4, random_state=0).fit(X.astype(np.float32))
    return explore(
        model,
        X.astype(np.float32),
        labels=np.array(subjects)[parts[0]],
        text=sentences,
        columns={"verb": np.array(verbs)[parts[1]]},
        title="Sentences",
    )


def images(n: int = 1500) -> Page:
    """Return the page of colour images: discs, squares and stripes on backgrounds."""
    rng = np.random.default_rng(0)
    shape = rng.integers(0, 3, n)
    x, y = np.meshgrid(np.arange(48), np.arange(48))
    X = np.empty((n, 3, 48, 48), dtype=np.uint8)
    for i in range(n):
        size, left, top = rng.integers(8, 16), rng.integers(16, 32), rng.integers(16, 32)
        masks = (
            (x - left) ** 2 + (y - top) ** 2 < size**2,
            (abs(x - left) < size) & (abs(y - top) < size),
            (x + y) // size % 2 == 0,
        )
        back, ink = rng.integers(0, 256, (2, 3, 1, 1))
        X[i] = np.where(masks[shape[i]], ink, back)
    model = NeighborMap(max_epochs=8, random_state=0).fit(X)
    return explore(model, X, labels=np.array(["disc", "square", "stripes"])[shape], title="Colour images")


def plane() -> Page:
    """Return the page of the paper's aeroplane in three dimensions, with the springs of its views."""
    data, source = airplane.views()
    train = data.train
    graph = airplane.relations({name: values[train] for name, values in data.metadata.items()})
    model = DrLIM(**{**airplane.MODEL, "max_epochs": 60}, random_state=0).fit(data.images[train], graph=graph)
    columns = {name: values[train] for name, values in data.metadata.items()}
    return explore(
        model,
        data.images[train],
        labels=columns["azimuth"].astype(float),
        columns={name: values.astype(float) for name, values in columns.items()},
        title=f"The paper's aeroplane: {source.split('.')[0]}",
    )


def digits(n: int = 10_000) -> Page:
    """Return the page of digits of MNIST, or of the shipped fours and nines."""
    try:
        data = datasets.mnist()
    except (OSError, ValueError):
        data = datasets.digits49()
    X, y = data.X_train[:n], data.y_train[:n]
    return explore(NeighborMap(max_epochs=4, random_state=0).fit(X), X, labels=y, title="Digits")


def cylinder() -> Page:
    """Return the page of test views of the aeroplane on a circle times a line, with a certificate over the lighting."""
    data, _ = airplane.views()
    graph = airplane.relations({name: values[data.train] for name, values in data.metadata.items()})
    parameters = {**airplane_cylinder.MODEL, "max_epochs": 60}
    model = DrLIM(**parameters, random_state=0).fit(data.images[data.train], graph=graph)
    test = {name: values[data.test] for name, values in data.metadata.items()}
    X = data.images[data.test]
    model.certificate_ = certificate(model, X, {"lighting": test["lighting"]}, groups=airplane.poses(test))
    columns = {name: values.astype(float) for name, values in test.items()}
    return explore(model, X, labels=columns["azimuth"], columns=columns, title="The aeroplane on a cylinder")


PAGES: dict[str, Callable[[], Page]] = {
    "table": table,
    "texts": texts,
    "images": images,
    "aeroplane": plane,
    "cylinder": cylinder,
    "digits": digits,
}
"""What makes each page."""

_SELECT = """() => {
  const { explorer } = window.drlim;
  const { width, height } = explorer.camera;
  explorer.selectInside([0.3, 0.3, 0.6, 0.25, 0.6, 0.6, 0.35, 0.6].map((share, i) => share * (i % 2 ? height : width)));
  const first = explorer.state.selection[0] ?? 0;
  explorer.state.set({ current: first, hovered: first });
}"""


def main(names: Sequence[str]) -> None:
    """Make the pages named, or all, and their pictures."""
    folder = ROOT / "runs" / "explorer"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or PAGES:
        page = PAGES[name]()
        page.save(folder / f"{name}.html")
        _pictures(page, folder, name)
        print(f"{folder / name}.html: {len(page.html) / 1e6:.1f} MB")  # noqa: T201 - a command's result


def _pictures(page: Page, folder: Path, name: str) -> None:
    for theme in ("light", "dark"):
        with opened(page.html, theme=theme, ready="=yes") as tab:
            tab.wait_for_timeout(600)
            tab.screenshot(path=folder / f"{name}-{theme}.png")
            tab.evaluate(_SELECT)
            tab.wait_for_timeout(600)
            tab.screenshot(path=folder / f"{name}-{theme}-selected.png")
            tab.set_viewport_size({"width": 420, "height": 800})
            tab.wait_for_timeout(600)
            tab.screenshot(path=folder / f"{name}-{theme}-narrow.png", full_page=True)


if __name__ == "__main__":
    main(sys.argv[1:])
