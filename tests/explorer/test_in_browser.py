"""The page in a real Chromium: what is drawn, what the mouse and the keys do, and what leaves it as files."""

from __future__ import annotations

import copy
import csv
import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.path import Path as Polygon
from PIL import Image
from scipy import ndimage

from drlim import DrLIM, NeighborhoodGraph, datasets, explore

pytestmark = pytest.mark.browser

EXPLORER = "window.drlim.explorer"
CANVAS = "canvas[role=application]"


@pytest.fixture(scope="module")
def digits():
    data = datasets.digits()
    X, y = data.X_train[:150], data.y_train[:150]
    return X, y, DrLIM(max_epochs=20, random_state=0).fit(X)


@pytest.fixture(scope="module")
def grid():
    """A model whose map is a grid of 6 x 5 places, far from each other, and its samples."""
    places = np.array([(x, y) for x in range(6) for y in range(5)], dtype=float)
    model = DrLIM(encoder="linear", max_epochs=1, random_state=0).fit(places)
    model.embedding_ = places
    return model, places


def seen(tab):
    """What is on the canvas, (h, w, 3)."""
    return np.asarray(Image.open(io.BytesIO(tab.locator(".map").screenshot())).convert("RGB")).astype(int)


def count_drawn(tab, page=255):
    return ndimage.label(np.abs(seen(tab) - page).max(axis=2) > 40)[1]


def places_of(tab):
    """Places of all samples in the window, (n, 2)."""
    box = tab.locator(CANVAS).bounding_box()
    places = tab.evaluate(f"Array.from({{length: {EXPLORER}.n}}, (_, i) => {EXPLORER}.place(i))")
    return np.array(places) + np.array([box["x"], box["y"]])


def selection(tab):
    return tab.evaluate(f"Array.from({EXPLORER}.state.selection)")


def lasso(tab, polygon, *, shift=True):
    if shift:
        tab.keyboard.down("Shift")
    tab.mouse.move(*polygon[0])
    tab.mouse.down()
    for corner in [*polygon[1:], polygon[0]]:
        tab.mouse.move(*corner, steps=4)
    tab.mouse.up()
    if shift:
        tab.keyboard.up("Shift")


def downloaded(tab, name):
    with tab.expect_download() as waiting:
        tab.get_by_role("button", name=name).click()
    return waiting.value.path().read_bytes()


def test_as_many_points_are_drawn_as_there_are_samples(grid, open_page):
    model, _ = grid
    tab = open_page(explore(model).html)
    assert count_drawn(tab) == 30
    assert np.isfinite(tab.evaluate(f"{EXPLORER}.timings.first"))


def test_points_are_where_the_map_says_and_have_the_colours_of_their_groups(grid, open_page):
    model, _ = grid
    tab = open_page(explore(model, labels=["a"] * 15 + ["b"] * 15).html)
    pixels, box = seen(tab), tab.locator(".map").bounding_box()
    for i, (left, top) in enumerate(places_of(tab)):
        found = pixels[round(top - box["y"]), round(left - box["x"])]
        wanted = (0x3F, 0x90, 0xDA) if i < 15 else (0xFF, 0xA9, 0x0E)
        assert np.abs(found - wanted).max() < 30
    across = places_of(tab)
    np.testing.assert_allclose(np.diff(across[::5, 0]), np.diff(across[::5, 0])[0], atol=0.01)
    assert across[0, 1] > across[4, 1]  # the second axis points up


def test_many_points_are_drawn_part_after_part_and_chosen_ones_over_all(grid, open_page):
    """Of 150,000 points every third is drawn at once; those at x = 1 and 2 follow, and cover no chosen one."""
    model = copy.copy(grid[0])
    n = 150_000
    places = np.column_stack([np.arange(n) % 3, np.random.default_rng(0).uniform(size=n)])
    places[:30] = [0.0, 0.5]
    model.embedding_ = places
    tab = open_page(explore(model, columns={"group": ["a"] * n}).html)

    def drawn():
        """Shares of the pixels in a column around each x that differ from the page."""
        pixels, box = seen(tab), tab.locator(".map").bounding_box()
        lefts = [place[0] - box["x"] for place in places_of_some(tab, (30, 31, 32))]
        return [
            (np.abs(pixels[100:-100, round(left) - 1 : round(left) + 2] - 255).max(axis=2) > 40).mean()
            for left in lefts
        ]

    tab.wait_for_timeout(600)
    assert min(drawn()) > 0.5
    tab.evaluate(f"{EXPLORER}.draw(true); clearTimeout({EXPLORER}.later)")
    first, *later = drawn()
    assert (first > 0.5, max(later)) == (True, 0.0)
    tab.evaluate(f"{EXPLORER}.select([0], -1)")
    tab.wait_for_timeout(600)
    box = tab.locator(".map").bounding_box()
    ((left, top),) = places_of_some(tab, [0])
    at = seen(tab)[round(top - box["y"]), round(left - box["x"])]
    assert np.abs(at - (0x3F, 0x90, 0xDA)).max() < 45  # not faded, as those are that were drawn there later


def places_of_some(tab, numbers):
    box = tab.locator(CANVAS).bounding_box()
    return [np.add(tab.evaluate(f"{EXPLORER}.place({i})"), [box["x"], box["y"]]) for i in numbers]


def test_hover_shows_the_thumbnail_and_the_values_of_the_sample(digits, open_page):
    X, y, model = digits
    tab = open_page(explore(model, X, labels=y).html)
    places = places_of(tab)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2) + 1e9 * np.eye(len(places))
    for i in np.argsort(-apart.min(axis=1))[:3]:
        tab.mouse.move(*places[i])
        card = tab.locator(".card")
        card.wait_for(state="visible")
        assert f"sample {i}" in card.inner_text()
        assert re.search(rf"label\s+{y[i]}\b", card.inner_text())
        url = tab.evaluate("document.querySelector('.card canvas').toDataURL()")
        import base64

        drawn = np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("L"))
        small = drawn[5::11, 5::11][:8, :8] if drawn.shape[0] >= 84 else drawn
        wanted = 255 * (X[i] - X.min()) / (X.max() - X.min())
        assert np.abs(small[:8, :8] - wanted).max() < 20
    tab.mouse.move(5, 5)
    tab.locator(".card").wait_for(state="hidden")


def test_a_lasso_selects_the_points_inside_and_no_others(digits, open_page, kept):
    X, y, model = digits
    tab = open_page(explore(model, X, labels=y).html)
    places = places_of(tab)
    middle = np.median(places, axis=0)
    star = [
        tuple(middle + radius * np.array([np.cos(angle), np.sin(angle)]))
        for angle, radius in zip(np.linspace(0, 2 * np.pi, 10, endpoint=False), [220, 90] * 5, strict=True)
    ]
    lasso(tab, star)
    inside = np.flatnonzero(Polygon(star).contains_points(places))
    assert 10 < len(inside) < 140
    assert selection(tab) == inside.tolist()
    said = tab.locator("#panel-selection .said").inner_text()
    assert said.startswith(f"{len(inside)} samples selected")
    tab.wait_for_selector("#panel-selection >> text=What sets it apart")
    kept(tab, "light")


def test_the_lasso_button_draws_without_shift(grid, open_page):
    model, _ = grid
    tab = open_page(explore(model).html)
    before = places_of(tab)
    tab.get_by_role("button", name=re.compile("Drag draws a line")).click()
    left, top = before[0] - 30
    right, bottom = before[0] + 30
    lasso(tab, [(left, top), (right, top), (right, bottom), (left, bottom)], shift=False)
    assert selection(tab) == [0]
    np.testing.assert_array_equal(places_of(tab), before)


def test_drag_moves_the_map_wheel_zooms_about_the_pointer_double_click_shows_all(grid, open_page):
    model, _ = grid
    tab = open_page(explore(model).html)
    before = places_of(tab)
    tab.mouse.move(400, 400)
    tab.mouse.down()
    tab.mouse.move(460, 370, steps=5)
    tab.mouse.up()
    np.testing.assert_allclose(places_of(tab) - before, np.tile([60, -30], (30, 1)), atol=1e-6)
    moved = places_of(tab)
    tab.mouse.move(*moved[7])
    tab.mouse.wheel(0, -300)
    zoomed = places_of(tab)
    np.testing.assert_allclose(zoomed[7], moved[7], atol=1)  # the wheel turns at a whole pixel
    assert np.linalg.norm(zoomed[0] - zoomed[7]) > 1.3 * np.linalg.norm(moved[0] - moved[7])
    tab.mouse.dblclick(300, 300)
    np.testing.assert_allclose(places_of(tab), before, atol=1e-6)


def test_a_map_of_three_dimensions_turns(open_page, kept):
    rng = np.random.default_rng(0)
    model = DrLIM(3, encoder="linear", max_epochs=1, random_state=0).fit(rng.normal(size=(60, 3)))
    tab = open_page(explore(model).html)
    before = places_of(tab)
    tab.mouse.move(400, 400)
    tab.mouse.down()
    tab.mouse.move(500, 400, steps=5)
    tab.mouse.up()
    after = places_of(tab)
    assert np.abs(after - before).max() > 20
    rotation = np.array(tab.evaluate(f"{EXPLORER}.camera.rotation")).reshape(3, 3)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    centred = (model.embedding_ - (model.embedding_.min(axis=0) + model.embedding_.max(axis=0)) / 2) @ rotation.T
    scale = tab.evaluate(f"{EXPLORER}.camera.scale")
    wanted = scale * centred[:, :2] * [1, -1]
    found = after - [tab.locator(CANVAS).bounding_box()[key] for key in "xy"]
    middle = [tab.evaluate(f"{EXPLORER}.camera.{side} / 2") for side in ("width", "height")]
    np.testing.assert_allclose(found - middle, wanted, atol=0.05)
    kept(tab, "light")


def test_springs_of_the_sample_that_is_clicked_are_drawn(grid, open_page):
    _, places = grid
    graph = NeighborhoodGraph.from_pairs(30, [(0, 1), (0, 12), (3, 4)], dissimilar=[(0, 29)])
    model = DrLIM(encoder="linear", max_epochs=1, random_state=0).fit(places, graph=graph)
    model.embedding_ = places
    tab = open_page(explore(model).html)
    at = places_of(tab)
    tab.mouse.click(*at[0])
    assert "springs: 2 similar, 1 dissimilar" in tab.locator("#panel-sample").inner_text()
    tab.mouse.move(5, 5)
    tab.wait_for_timeout(100)
    box = tab.locator(".map").bounding_box()
    for other, is_tied in ((12, True), (29, True), (14, False)):
        shares = np.linspace(0.2, 0.8, 60)
        line = at[0] + shares[:, None] * (at[other] - at[0])  # (60, 2)
        pixels = seen(tab)
        near = [pixels[round(y - box["y"]) - 1 : round(y - box["y"]) + 2, round(x - box["x"])] for x, y in line]
        share = np.mean([np.abs(patch - 255).max() > 60 for patch in near])
        assert (share > 0.4) == is_tied, other
    tab.get_by_role("button", name=re.compile("Select the 2 similar ones")).click()
    assert selection(tab) == [1, 12]


def test_labels_with_markup_are_shown_as_text(digits, open_page):
    X, _, model = digits
    hostile = "<img src=x onerror=\"document.title='hit'\"><b>bold</b></script><script>alert(1)</script>"
    many = [hostile] * len(X)
    page = explore(model, X, labels=many, text=many, ids=many, columns={hostile: many}, title=hostile).html
    tab = open_page(page)
    tab.on("dialog", lambda dialog: pytest.fail("a label was executed"))
    assert tab.locator("h1").inner_text() == hostile
    assert hostile in tab.locator("#panel-colour").inner_text()
    tab.mouse.move(*places_of(tab)[0])
    tab.locator(".card").wait_for(state="visible")
    assert "<b>bold</b>" in tab.locator(".card").inner_text()
    tab.locator("#search").fill("<img")
    tab.wait_for_timeout(300)
    assert len(selection(tab)) == len(X)
    assert tab.locator("img, b, aside script").count() == 0
    assert tab.title() == hostile


def test_search_selects_and_filters_hide(digits, open_page):
    X, y, model = digits
    tab = open_page(explore(model, X, labels=[f"digit {value}" for value in y]).html)
    tab.locator("#search").fill("DIGIT 3")
    tab.wait_for_timeout(300)
    assert selection(tab) == np.flatnonzero(y == 3).tolist()
    tab.get_by_role("button", name="Hide all samples but the selection").click()
    shown = tab.evaluate(f"Array.from({EXPLORER}.state.shown)")
    assert shown == (y == 3).astype(int).tolist()
    tab.locator("#search").fill("")
    tab.wait_for_timeout(300)
    tab.evaluate(f"{EXPLORER}.clear()")
    tab.wait_for_timeout(50)
    assert 0 < count_drawn(tab) <= int((y == 3).sum())
    tab.get_by_role("button", name="Take all filters away").click()
    assert tab.evaluate(f"{EXPLORER}.state.shown") is None


def test_a_click_on_a_group_of_the_legend_hides_it(grid, open_page):
    model, _ = grid
    tab = open_page(explore(model, labels=["a"] * 20 + ["b"] * 10).html)
    group = tab.locator(".groups button", has_text="a")
    group.click()
    tab.wait_for_timeout(50)
    assert count_drawn(tab) == 10
    assert group.get_attribute("aria-pressed") == "false"
    group.click()
    tab.wait_for_timeout(50)
    assert count_drawn(tab) == 30


def test_numbers_have_a_scale_and_bounds(grid, open_page):
    model, places = grid
    tab = open_page(explore(model, columns={"height": places[:, 1] + 0.5}).html)
    tab.locator("#colour").select_option(label="height")
    assert tab.locator(".ends").inner_text().split() == ["0.5", "4.5"]
    tab.get_by_label("show from").fill("2.5")
    tab.get_by_label("show from").press("Enter")
    tab.wait_for_timeout(50)
    assert count_drawn(tab) == 18


def test_the_ids_of_the_selection_are_saved(digits, open_page):
    X, y, model = digits
    tab = open_page(explore(model, X, labels=y, ids=[f'row "{place}"' for place in range(len(X))]).html)
    tab.evaluate(f"{EXPLORER}.select([7, 3])")
    rows = list(csv.reader(io.StringIO(downloaded(tab, "Save rows, ids and values").decode())))
    assert rows[0][:3] == ["row", "id", "label"]
    assert [row[:3] for row in rows[1:]] == [["3", 'row "3"', str(y[3])], ["7", 'row "7"', str(y[7])]]


def test_pictures_of_what_is_seen(grid, open_page):
    model, _ = grid
    tab = open_page(explore(model).html)
    tab.evaluate(f"{EXPLORER}.select([0], 0)")
    picture = np.asarray(Image.open(io.BytesIO(downloaded(tab, "as a PNG picture"))).convert("RGB")).astype(int)
    assert np.abs(picture - seen(tab)).max(axis=2).mean() < 2
    drawing = ET.fromstring(downloaded(tab, "as an SVG picture"))  # noqa: S314 - of the page's own making
    space = "{http://www.w3.org/2000/svg}"
    assert len(drawing.findall(f"{space}circle")) == 30
    assert len(drawing.findall(f"{space}path")) == len(model.graph_.neighbors(0))


def test_the_map_by_keyboard(grid, open_page):
    model, _ = grid
    tab = open_page(explore(model, labels=["a"] * 15 + ["b"] * 15).html)
    tab.locator(CANVAS).focus()
    before = places_of(tab)
    tab.keyboard.press("ArrowRight")
    np.testing.assert_allclose(places_of(tab) - before, np.tile([-40, 0], (30, 1)), atol=1e-6)
    tab.keyboard.press("0")
    tab.keyboard.press("n")
    tab.keyboard.press("n")
    assert tab.evaluate(f"{EXPLORER}.state.current") == 1
    assert (
        tab.locator(".status").inner_text()
        == "sample 1, label a, energy " + tab.locator(".status").inner_text().partition("energy ")[2]
    )
    tab.keyboard.press("p")
    tab.keyboard.press("Enter")
    assert selection(tab) == [0]
    tab.keyboard.press("Escape")
    assert selection(tab) == []
    tab.keyboard.press("l")
    assert tab.evaluate(f"{EXPLORER}.state.mode") == "lasso"
    tab.keyboard.press("t")
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark"
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.id") == "search"


def test_all_that_can_be_used_has_a_name_and_is_reached_by_the_keyboard(digits, open_page, nameless, unreached):
    X, y, model = digits
    tab = open_page(explore(model, X, labels=y).html)
    tab.evaluate(f"{EXPLORER}.select([3, 4, 5], 3)")
    file = io.BytesIO()
    np.save(file, X[:2])
    given = {"name": "new.npy", "mimeType": "application/octet-stream", "buffer": file.getvalue()}
    tab.locator("#newcomers").set_input_files([given])
    tab.wait_for_selector(".newcomer")
    assert nameless(tab) == []
    assert unreached(tab) == []
    tab.locator("#colour").select_option(label="energy")
    assert nameless(tab) == []
    tab.get_by_role("button", name="Keys and mouse").click()
    assert tab.evaluate("document.activeElement.textContent") == "Close"
    tab.keyboard.press("Escape")
    assert tab.locator("h1").count() == 1
    assert tab.evaluate("document.documentElement.lang") == "en"


def test_a_button_without_a_name_is_found(grid, open_page, nameless, unreached):
    """The two functions see what the tests of names and of the keyboard are to see."""
    model, _ = grid
    tab = open_page(explore(model).html)
    tab.evaluate(
        """const bar = document.querySelector(".bar");
           for (const tag of ["button", "canvas", "input"]) bar.append(document.createElement(tag));
           bar.querySelector("button").tabIndex = -1;"""
    )
    assert len(nameless(tab)) == 3
    assert len(unreached(tab)) == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes(digits, open_page, kept, theme):
    X, y, model = digits
    tab = open_page(explore(model, X, labels=y).html, theme=theme)
    assert tab.evaluate("document.documentElement.dataset.theme") == theme
    corner = seen(tab)[3, 3]
    assert (corner > 240).all() if theme == "light" else (corner < 40).all()
    tab.evaluate(f"{EXPLORER}.select([...Array(40).keys()], 3)")
    tab.mouse.move(*places_of(tab)[3])
    tab.wait_for_timeout(200)
    kept(tab, theme)


@pytest.mark.parametrize("width", [400, 700, 1600])
def test_nothing_is_cut_in_narrow_and_wide_windows(digits, open_page, kept, width):
    X, y, model = digits
    tab = open_page(explore(model, X, labels=y, title="A long title " * 12).html, width=width)
    tab.evaluate(f"{EXPLORER}.select([3, 4, 5], 3)")
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert tab.locator(".map").bounding_box()["height"] > 200
    cut = tab.evaluate(
        """Array.from(document.querySelectorAll("button, .note, .said, td, th, h1, summary"))
           .filter((one) => one.offsetParent && one.scrollWidth > one.clientWidth + 2)
           .filter((one) => getComputedStyle(one).overflow !== "visible")
           .map((one) => one.textContent)"""
    )
    assert cut == []
    kept(tab, str(width))


def test_the_page_in_a_frame_as_a_notebook_shows_it(grid, open_page):
    model, _ = grid
    tab = open_page(f"<!doctype html><body>{explore(model)._repr_html_()}</body>", ready=False)
    inner = tab.frame_locator("iframe")
    inner.locator("html[data-ready=yes]").wait_for(timeout=20_000)
    assert inner.locator("h1").inner_text() == "DrLIM: 30 samples"


def test_without_webgl_the_page_says_so(grid, browser, tmp_path):
    model, _ = grid
    tab = browser.new_page()
    tab.add_init_script(
        "const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) "
        "{ return kind === 'webgl2' ? null : get.call(this, kind, ...rest); };"
    )
    (tmp_path / "page.html").write_text(explore(model).html, encoding="utf-8")
    tab.goto((tmp_path / "page.html").as_uri())
    tab.wait_for_selector("html[data-ready=yes]")
    assert "no WebGL 2" in tab.locator(".status").inner_text()
    tab.close()


def test_points_move_to_new_places(grid, open_page):
    model, places = grid
    tab = open_page(explore(model).html)
    new = (places[::-1] * 2).ravel().tolist()
    tab.evaluate(f"{EXPLORER}.moveTo(new Float32Array({new}), 0.1)")
    found = np.array(tab.evaluate(f"Array.from({EXPLORER}.positions)")).reshape(-1, 3)
    np.testing.assert_array_equal(found[:, :2], places[::-1] * 2)
    assert count_drawn(tab) == 30


def test_names_of_columns_stand_on_one_line_beside_long_texts(grid, open_page):
    model, places = grid
    page = explore(model, text=["many words " * 20] * 30, columns={"a_name_without_blanks" * 9: places[:, 0]}).html
    tab = open_page(page)
    tab.mouse.move(*places_of(tab)[0])
    tab.locator(".card").wait_for(state="visible")
    lines = tab.evaluate(
        """Array.from(document.querySelectorAll(".card th"), (one) => {
             const text = document.createRange();
             text.selectNodeContents(one);
             return new Set(Array.from(text.getClientRects(), (box) => Math.round(box.top))).size;
           })"""
    )
    assert set(lines) == {1}
    assert tab.locator(".card").bounding_box()["width"] <= 300
