"""Draw pages of the built site in a real browser, light and dark, narrow and wide, and say what does not fit.

``python -m tools.draw_site`` reads ``docs/_build/html``, which `make docs` makes, and writes into ``runs/site``.
It needs playwright's Python package and a Chromium: the one that ``CHROMIUM`` names, one on the path, or playwright's.
It exits 1 if a page is wider than the window, if an image is missing, or if a text has too little contrast.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SITE = ROOT / "docs" / "_build" / "html"
PAGES = {
    "landing": "index.html",
    "start": "getting_started/table.html",
    "method": "guide/method.html",
    "relations": "say_what_you_know.html",
    "maps": "maps.html",
    "gallery": "gallery/index.html",
    "example": "gallery/data/plot_digits.html",
    "estimator": "api/generated/drlim.DrLIM.html",
    "command_line": "api/reference/command_line.html",
    "parameters": "parameters/drlim.html",
    "troubleshooting": "help/troubleshooting.html",
}
WINDOWS = {"wide": (1280, 900), "narrow": (390, 844)}

_CHECK = """
() => {
  const wrong = [];
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width + 1)
    wrong.push(`page is ${document.documentElement.scrollWidth} wide in a window of ${width}`);
  for (const image of document.images)
    if (image.complete && image.naturalWidth === 0) wrong.push(`image missing: ${image.getAttribute("src")}`);
  const scrolls = (element) => {
    for (let e = element; e; e = e.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(e).overflowX)) return true;
    return false;
  };
  for (const e of document.querySelectorAll("article *")) {
    const box = e.getBoundingClientRect();
    if (box.width > 0 && box.right > width + 1 && !scrolls(e))
      wrong.push(`cut: ${e.tagName} ${e.textContent.slice(0, 40)}`);
  }
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length && (c.length < 4 || c[3] > 0.9)) return c;
    }
    return [255, 255, 255];
  };
  const poor = new Set();
  for (const e of document.querySelectorAll("article *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || e.closest(".headerlink, .copybtn, math") || e.getClientRects().length === 0) continue;
    const style = getComputedStyle(e);
    if (style.visibility === "hidden" || Number(style.opacity) === 0) continue;
    const [a, b] = [light(parse(style.color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.add(`${ratio.toFixed(1)} ${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 30)}`);
  }
  for (const text of [...poor].slice(0, 5)) wrong.push(`contrast ${text}`);
  return wrong;
}
"""


def browser_path() -> str | None:
    """Return the Chromium to drive; None for playwright's own."""
    named = os.environ.get("CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("google-chrome")


def draw(folder: Path) -> list[str]:
    """Write a picture of each page, and return a line for each thing that does not fit."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        for theme in ("light", "dark"):
            for window, (width, height) in WINDOWS.items():
                page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
                for name, path in PAGES.items():
                    page.goto((SITE / path).as_uri(), wait_until="load")
                    page.screenshot(path=str(folder / f"{name}_{window}_{theme}.png"))
                    wrong += [f"{name}, {window}, {theme}: {what}" for what in page.evaluate(_CHECK)]
                page.close()
        browser.close()
    return wrong


if __name__ == "__main__":
    if not SITE.exists():
        sys.exit("There is no site in docs/_build/html: run `make docs` first.")
    found = draw(ROOT / "runs" / "site")
    print(*found, sep="\n")
    sys.exit(bool(found))
