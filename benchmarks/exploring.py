"""The page to explore a map in a Chromium with software WebGL: sizes, times, and places of new samples."""

from __future__ import annotations

import io
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import Measured, measured
from drlim import DrLIM, NeighborMap, datasets, explore

__all__ = ["chromium", "digits", "mapping", "million", "opened"]

SOFTWARE_WEBGL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")
"""Options by which Chromium draws WebGL where there is no GPU."""

_EXPLORER = "window.drlim.explorer"

_DRAWN = """() => {
  const { explorer } = window.drlim;
  const { gl } = explorer.points;
  explorer.draw();
  gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4)); // waits until the points are drawn
  return performance.now() / 1000;
}"""
"""Draws all points, and returns the seconds since the page was asked for."""

_LISTEN = """(kind) => {
  window.answers = [];
  const { explorer } = window.drlim;
  document.querySelector("canvas[role=application]").addEventListener(kind, (event) => {
    requestAnimationFrame(() => setTimeout(() => {
      const { gl } = explorer.points;
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
      window.answers.push((performance.now() - event.timeStamp) / 1000);
    }));
  });
}"""
"""Notes the seconds from an event until the frame after it is drawn."""


def chromium() -> str | None:
    """Return the path of a Chromium: DRLIM_CHROMIUM, or one of the usual names; None without one."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return os.environ.get("DRLIM_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@contextmanager
def opened(page: str, *, theme: str = "light", ready: str = "") -> Iterator[Any]:
    """Open a page in a new Chromium, from a file; yield Playwright's page once the first points are drawn.

    With ``ready="=yes"`` once the pictures of the samples are there, too.
    """
    from playwright.sync_api import sync_playwright

    path = chromium()
    if path is None:
        raise FileNotFoundError("There is no Chromium: apt-get install chromium, or set DRLIM_CHROMIUM to its path.")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        file = Path(folder) / "page.html"
        file.write_text(page, encoding="utf-8")
        browser = driver.chromium.launch(executable_path=path, args=list(SOFTWARE_WEBGL))
        tab = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme=theme)
        tab.goto(file.as_uri())
        tab.wait_for_selector(f"html[data-ready{ready}]", timeout=60_000)
        yield tab
        browser.close()


def mapping(n_train: int = 1000) -> Measured:
    """Return the largest difference of a dropped row's place from `transform`, over all built-in encoders."""
    rng = np.random.default_rng(0)
    images = np.asarray(datasets.digits49().X_train[:n_train], dtype=np.float32)
    table = rng.normal([5, 0, 100], [1, 2, 30], (n_train, 3))
    cases: dict[str, tuple[Any, Any]] = {
        **{name: (DrLIM(encoder=name, max_epochs=3, random_state=0), table) for name in ("linear", "two_layer", "mlp")},
        "convnet": (DrLIM(encoder="convnet", max_epochs=3, random_state=0), images),
        "NeighborMap, table": (NeighborMap(max_epochs=3, random_state=0), table),
        "NeighborMap, images": (NeighborMap(max_epochs=3, random_state=0), images),
    }
    apart = {}
    for name, (estimator, X) in cases.items():
        model = estimator.fit(X[: n_train // 2])
        new = X[n_train // 2 :][:100]
        file = io.BytesIO()
        np.save(file, new)
        with opened(explore(model, encoder=True).html) as tab:
            given = {"name": "new.npy", "mimeType": "application/octet-stream", "buffer": file.getvalue()}
            tab.locator("#newcomers").set_input_files([given])
            tab.wait_for_selector(".newcomer", timeout=60_000)
            found = np.array(tab.evaluate(f"{_EXPLORER}.newSamples.map((sample) => sample.found)"))
        size = max(1.0, float(np.abs(model.embedding_).max()))
        apart[name] = float(np.abs(found - model.transform(new)).max()) / size
    return measured(
        "largest difference of a dropped row's place from `transform`, in sizes of the map or in its units",
        max(apart.values()),
        "ratio",
        at_most=1e-4,
        parts=apart,
        notes=f"100 new rows each; {', '.join(cases)}",
    )


def digits(n: int = 10_000, rounds: int = 3) -> list[Measured]:
    """Measure pages of digits with thumbnails, of both estimators: their sizes, and when all points are drawn."""
    X, y, source = _some_digits(n)
    lines = []
    for estimator in (DrLIM(max_epochs=2, random_state=0), NeighborMap(max_epochs=2, random_state=0)):
        name = type(estimator).__name__
        model, made = estimator.fit(X), {}
        for held in (True, False):
            began = time.perf_counter()
            made[held] = explore(model, X, labels=y, sensitivities=held).html, time.perf_counter() - began
        page = made[True][0]
        parts = {
            "seconds to make it": round(made[True][1], 1),
            "MB without sensitivities": round(len(made[False][0]) / 1e6, 2),
            "seconds to make it without": round(made[False][1], 1),
        }
        seconds = []
        for _ in range(rounds):
            with opened(page) as tab:
                seconds.append(tab.evaluate(_DRAWN))
        drawn, spread = statistics.median(seconds), (min(seconds), max(seconds))
        what = f"page of {n:,} digits with thumbnails, {name}"
        lines += [
            measured(f"{what}: MB", len(page) / 1e6, "MB", at_most=3.0, parts=parts, notes=source),
            measured(f"{what}: all points drawn", drawn, "s", at_most=2.0, spread=spread, notes=source),
        ]
    return lines


def _some_digits(n: int) -> tuple[Any, Any, str]:
    """Return images of digits: of MNIST where it is at hand, else the shipped ones, repeated."""
    try:
        data = datasets.mnist()
        return data.X_train[:n], data.y_train[:n], "MNIST"
    except (OSError, ValueError):
        shipped = datasets.digits49()
        return np.resize(shipped.X_train, (n, 28, 28)), np.resize(shipped.y_train, n), "fours and nines, repeated"


def million(n: int = 10**6) -> list[Measured]:
    """Measure a page of many points: size, drawing, pointing at samples, a lasso around most of them."""
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 20, n)
    X = (4 * rng.normal(size=(20, 8))[groups] + rng.normal(size=(n, 8))).astype(np.float32)  # (n, 8)
    model = DrLIM(encoder="linear", max_epochs=3, random_state=0).fit(X[:2000])
    page = explore(model, X, labels=groups).html
    with opened(page) as tab:
        drawn = tab.evaluate(_DRAWN)
        box = tab.locator(".map").bounding_box()
        tab.wait_for_timeout(1000)
        tab.evaluate(_LISTEN, "pointermove")
        for left in np.linspace(0.3, 0.7, 15):
            tab.mouse.move(box["x"] + left * box["width"], box["y"] + 0.5 * box["height"])
            tab.wait_for_timeout(150)
        hover = tab.evaluate("window.answers")
        tab.evaluate(_LISTEN, "pointerup")
        lasso = [_lasso(tab, box, share) for share in (0.1, 0.2, 0.3, 0.42)]
    what = f"page of {n:,} points"
    lines = [
        measured(f"{what}: MB", len(page) / 1e6, "MB", at_most=15.0),
        measured(f"{what}: all points drawn", drawn, "s", at_most=6.0),
    ]
    for name, times in (
        ("pointing at a sample to its card", hover),
        ("the end of a lasso to the selection drawn", lasso),
    ):
        spread = (min(times), max(times))
        lines.append(measured(f"{what}: from {name}", statistics.median(times), "s", at_most=0.2, spread=spread))
    return lines


def _lasso(tab: Any, box: dict[str, float], share: float) -> float:
    """Draw a circle around the middle; return the seconds from its end to the drawn selection."""
    tab.evaluate("() => { window.answers = []; window.drlim.explorer.clear(); }")
    tab.wait_for_timeout(1500)
    middle = np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])
    tab.keyboard.down("Shift")
    for place, angle in enumerate(np.linspace(0, 2 * np.pi, 40)):
        tab.mouse.move(*(middle + share * min(box["width"], box["height"]) * np.array([np.cos(angle), np.sin(angle)])))
        if not place:
            tab.mouse.down()
    tab.mouse.up()
    tab.keyboard.up("Shift")
    tab.wait_for_timeout(1500)
    return float(tab.evaluate("window.answers[0]"))
