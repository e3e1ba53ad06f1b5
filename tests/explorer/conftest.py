"""A Chromium for the tests of pages, driven by Playwright; without either, such tests are skipped and say why."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

SOFTWARE_WEBGL = (
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
)
"""Options by which Chromium draws WebGL where there is no GPU."""

SCREENSHOTS = Path(__file__).parents[2] / "runs" / "screenshots"
"""Folder of the pictures that tests keep, to be looked at."""


def chromium():
    """Return the path of a Chromium, None without one: DRLIM_CHROMIUM, or one of the usual names."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return os.environ.get("DRLIM_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="module")
def browser():
    """One browser for the tests of a file: Playwright's loop must not outlive them, since others run loops, too."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = chromium()
    if path is None:
        pytest.skip("there is no Chromium: install one (apt-get install chromium), or set DRLIM_CHROMIUM to its path")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=list(SOFTWARE_WEBGL))
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Return a function that opens a page (its text, or an address) and waits for the map; no error may be said."""
    contexts, complaints = [], []

    def opened(page, *, theme="light", width=1200, height=800, ready=True, **options):
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, accept_downloads=True, **options
        )
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        if "://" not in page[:10]:
            path = tmp_path / f"page{len(contexts)}.html"
            path.write_text(page, encoding="utf-8")
            page = path.as_uri()
        tab.goto(page)
        if ready:
            tab.wait_for_selector("html[data-ready=yes]", timeout=30_000)
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def kept(request):
    """Return a function that keeps a screenshot of a tab under the name of the test."""

    def keep(tab, name):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        tab.screenshot(path=SCREENSHOTS / f"{request.node.originalname.removeprefix('test_')}-{name}.png")

    return keep


_USED = "button, input, select, summary, canvas, dialog, a[href], textarea, [tabindex]"
_VISIBLE = "(one) => one.checkVisibility({ visibilityProperty: true })"
_REACHED = """() => Array.from(document.querySelectorAll("button, input, select, summary, canvas[tabindex]"))
  .filter((one) => !one.disabled && one.checkVisibility())"""


@pytest.fixture
def nameless():
    """Return a function that lists what can be seen or used on a page and has no accessible name, as Chromium computes
    it for screen readers."""

    def listed(tab):
        session = tab.context.new_cdp_session(tab)
        session.send("Accessibility.enable")
        count = tab.evaluate(
            f"(window.used = Array.from(document.querySelectorAll('{_USED}')).filter({_VISIBLE})).length"
        )
        assert count > 10
        found = []
        for place in range(count):
            made = session.send("Runtime.evaluate", {"expression": f"window.used[{place}]"})["result"]["objectId"]
            (node, *_) = session.send("Accessibility.getPartialAXTree", {"objectId": made, "fetchRelatives": False})[
                "nodes"
            ]
            if not node.get("name", {}).get("value", "").strip():
                found.append(tab.evaluate(f"window.used[{place}].outerHTML.slice(0, 200)"))
        return found

    return listed


@pytest.fixture
def unreached():
    """Return a function that lists what can be used on a page, and to which Tab does not lead."""

    def listed(tab):
        count = tab.evaluate(f"(window.reached = ({_REACHED})()).length")
        tab.evaluate("document.activeElement.blur()")
        for _ in range(count + 5):
            tab.keyboard.press("Tab")
            tab.evaluate("window.reached = window.reached.filter((one) => one !== document.activeElement)")
        return tab.evaluate("window.reached.map((one) => one.outerHTML.slice(0, 200))")

    return listed
