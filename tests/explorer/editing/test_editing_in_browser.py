"""Editing in a real Chromium: a lasso becomes a statement in the graph's file, and retraining moves the points.

The tests share one server, and follow each other in the order of this file.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from benchmarks.hostile import LABELS
from benchmarks.serving import Served, state, statements_of

from drlim import NeighborhoodGraph

pytestmark = pytest.mark.browser

EXPLORER = "window.drlim.explorer"


def click(tab, name: str) -> None:
    tab.get_by_role("button", name=re.compile(f"^{re.escape(name)}")).click()


def select(tab, *rows: int) -> None:
    tab.evaluate(f"{EXPLORER}.select(Uint32Array.from({list(rows)}))")


def until(tab, expression: str) -> None:
    """Wait until something holds in the page, whose policy lets Playwright's own waiting evaluate nothing."""
    for _ in range(100):
        if tab.evaluate(expression):
            return
        tab.wait_for_timeout(50)
    raise AssertionError(expression)


def listed(tab, count: int) -> None:
    """Wait until the list has so many statements."""
    until(tab, f"document.querySelectorAll('.statements li').length === {count}")


def graph(files) -> NeighborhoodGraph:
    return NeighborhoodGraph.load(files[0].with_name("map.statements.safetensors"))


def lasso(tab) -> list[int]:
    """Draw a line around the middle of the map, and return the samples selected."""
    box = tab.locator("canvas[role=application]").bounding_box()
    left, top = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.keyboard.down("Shift")
    tab.mouse.move(left - 90, top - 90)
    tab.mouse.down()
    for x, y in ((90, -90), (90, 90), (-90, 90), (-90, -90)):
        tab.mouse.move(left + x, top + y, steps=3)
    tab.mouse.up()
    tab.keyboard.up("Shift")
    return tab.evaluate(f"Array.from({EXPLORER}.state.selection)")


def test_a_lasso_becomes_a_statement_in_the_graphs_file(files, served: Served, open_page, kept) -> None:
    tab = open_page(served.address)
    assert tab.url.endswith("/")  # the token is off the address
    assert "token" not in tab.url
    chosen = lasso(tab)
    assert len(chosen) >= 2
    click(tab, "Alike")
    listed(tab, 1)
    wanted = [[i, j] for place, i in enumerate(chosen) for j in chosen[place + 1 :]]
    assert graph(files).similar.pairs().tolist() == wanted
    assert tab.evaluate(f"{EXPLORER}.state.selection.length") == 0
    click(tab, "Undo statement 1")
    tab.wait_for_selector(".statements .undone")
    assert graph(files).n_similar == 0
    click(tab, "Restore statement 1")
    tab.wait_for_selector(".statements .undone", state="detached")
    assert graph(files).similar.pairs().tolist() == wanted
    kept(tab, "light")


def test_two_sets_are_not_alike_and_a_name_is_kept_when_the_page_is_loaded_again(files, served, open_page) -> None:
    tab = open_page(served.address)
    listed(tab, 1)
    select(tab, 50, 51)
    click(tab, "Set aside")
    select(tab, 52)
    click(tab, "Not alike")
    listed(tab, 2)
    assert graph(files).dissimilar.pairs().tolist() == [[50, 52], [51, 52]]
    name = tab.get_by_label("Name of statement 2")
    name.fill("<b>cats</b> & dogs")
    name.press("Enter")
    for _ in range(50):
        if statements_of(served.target)[1]["name"] == "<b>cats</b> & dogs":
            break
        tab.wait_for_timeout(100)
    tab.reload()
    tab.wait_for_selector("html[data-ready=yes]")
    listed(tab, 2)
    assert tab.get_by_label("Name of statement 2").input_value() == "<b>cats</b> & dogs"
    select(tab, 1)
    click(tab, "Show the samples of statement 2")
    assert tab.evaluate(f"Array.from({EXPLORER}.state.selection)") == [50, 51, 52]


def test_labels_with_markup_are_shown_as_text(served, open_page) -> None:
    tab = open_page(served.address)
    listed(tab, 2)
    for place, label in enumerate(LABELS[:5], 3):
        select(tab, place, place + 20)
        tab.get_by_label("Label for the selected samples").fill(label)
        click(tab, "Label the selected")
        listed(tab, place)
    for place, label in enumerate(LABELS[5:], 8):
        made = {"kind": "label", "samples": [place], "label": label, "name": label}
        assert state(served.target, made) == place
    tab.reload()
    tab.wait_for_selector("html[data-ready=yes]")
    listed(tab, 2 + len(LABELS))
    text = tab.locator(".statements").inner_text()
    assert all(" ".join(label.split()) in " ".join(text.split()) for label in LABELS)
    assert tab.evaluate("window.hit") is None
    allowed = {"LI", "INPUT", "SPAN", "BUTTON"}
    assert set(tab.evaluate("Array.from(document.querySelectorAll('.statements *'), e => e.tagName)")) <= allowed
    assert tab.url == f"http://{served.target.host}/"


def test_all_that_can_be_used_has_a_name_and_is_reached_by_the_keyboard(served, open_page, nameless, unreached) -> None:
    tab = open_page(served.address)
    listed(tab, 2 + len(LABELS))
    select(tab, 5, 6)
    click(tab, "Set aside")
    select(tab, 7, 8)
    assert nameless(tab) == []
    assert unreached(tab) == []


def test_retraining_moves_the_points_and_shows_the_drift(files, served, open_page, kept) -> None:
    tab = open_page(served.address, theme="dark")
    before = np.array(tab.evaluate(f"Array.from({EXPLORER}.positions)"))
    click(tab, "Retrain the map")
    tab.wait_for_selector("text=Saved as map.retrained-1.safetensors", timeout=60_000)
    until(tab, f"{EXPLORER}.state.moved === 1")
    after = np.array(tab.evaluate(f"Array.from({EXPLORER}.positions)"))
    assert np.abs(after - before).max() > 0
    from drlim import load

    trained = load(files[0].with_name("map.retrained-1.safetensors"))
    assert np.allclose(after.reshape(-1, 3)[:, :2], trained.embedding_, atol=1e-6)
    table = tab.locator("#panel-training table").inner_text()
    assert "held (" in table
    assert "others (" in table
    kept(tab, "dark")
    click(tab, "Before")
    until(tab, f"{EXPLORER}.state.moved === 2")
    assert np.allclose(np.array(tab.evaluate(f"Array.from({EXPLORER}.positions)")), before)
    tab.reload()
    tab.wait_for_selector("html[data-ready=yes]")
    tab.wait_for_selector("text=Saved as map.retrained-1.safetensors")
    until(tab, f"{EXPLORER}.state.moved === 1")
    assert np.allclose(np.array(tab.evaluate(f"Array.from({EXPLORER}.positions)")), after)


def test_a_running_training_is_cancelled_by_a_button(served, open_page) -> None:
    """The server's answers are made up here, since its trainings of 60 samples take a tenth of a second."""
    report = {"phase": "running", "seconds": 1.5, "epochs": [3.0, 2.5], "of": 9, "cancelling": False, "moved": True}
    asked_for: list[str] = []

    def answer(route) -> None:
        asked_for.append(f"{route.request.method} {route.request.url.rpartition('/')[2]}")
        if asked_for[-1] == "POST cancel":
            report["cancelling"] = True
        route.fulfill(json=report)

    tab = open_page(served.address)
    until(tab, f"{EXPLORER}.state.moved === 1")  # to the map that was trained before
    tab.route("**/retraining**", answer)
    before = tab.evaluate(f"Array.from({EXPLORER}.positions)")
    cancel = tab.get_by_role("button", name=re.compile("^Cancel the training"))
    assert not cancel.is_visible()
    click(tab, "Retrain the map")
    cancel.click()
    tab.wait_for_selector("text=Cancelling: the training ends after the present epoch")
    assert cancel.is_disabled()
    report |= {"phase": "cancelled", "cancelling": False}
    tab.wait_for_selector("#panel-training >> text=Cancelled after 1.5 s. The map and the statements are as they were.")
    assert not cancel.is_visible()
    assert tab.get_by_role("button", name=re.compile("^Retrain the map")).is_enabled()
    assert asked_for[0] == "POST retraining"
    assert "POST cancel" in asked_for
    assert tab.evaluate(f"Array.from({EXPLORER}.positions)") == before
    statements = tab.locator(".statements li").count()
    tab.reload()
    tab.wait_for_selector("html[data-ready=yes]")
    listed(tab, statements)
    until(tab, f"{EXPLORER}.state.moved === 1")
    assert tab.evaluate(f"Array.from({EXPLORER}.positions)") == before


def test_without_the_token_the_page_says_what_to_open(served, open_page) -> None:
    tab = open_page(f"http://{served.target.host}/", ready=False)
    tab.wait_for_selector("text=with the token at its end")


def test_a_server_that_is_gone_is_named(served, browser) -> None:
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(served.address)
    tab.wait_for_selector("html[data-ready=yes]")
    select(tab, 1, 2)
    served.process.kill()
    served.process.wait()
    click(tab, "Alike")
    tab.wait_for_selector("text=The server does not answer. What was stated is on the disk")
    context.close()
