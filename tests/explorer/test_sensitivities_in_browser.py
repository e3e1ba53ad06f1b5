"""What moves a sample, in a real Chromium: a list of features, and a picture over that of the sample."""

from __future__ import annotations

import numpy as np
import pytest

from drlim import DrLIM, datasets, explore, metrics

pytestmark = pytest.mark.browser

EXPLORER = "window.drlim.explorer"
HOSTILE = "<img src=x onerror=\"document.title='hit'\">"


def test_features_are_listed_by_how_far_they_move_the_sample(open_page, kept) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 15)) * np.linspace(0.5, 2, 15)
    model = DrLIM(max_epochs=3, random_state=0, verbose=False).fit(X)
    model.feature_names_in_ = np.array([HOSTILE, *(f"feature {place}" for place in range(1, 15))], dtype=object)
    import pandas as pd

    frame = pd.DataFrame(X, columns=model.feature_names_in_)
    tab = open_page(explore(model, frame).html)
    assert not tab.locator("#panel-moves").is_visible()
    tab.evaluate(f"{EXPLORER}.select([7], 7)")
    slopes = (metrics.jacobian(model, frame) * X.std(axis=0))[7]  # (2, 15)
    shown = np.argsort(-np.linalg.norm(slopes, axis=0), kind="stable")[:12]

    def rows():
        cells = tab.locator(".moves tr").all()
        return [(row.locator("th").inner_text(), float(row.locator(".amount").inner_text())) for row in cells]

    lengths = np.linalg.norm(slopes, axis=0)[shown]
    for name, wanted in (("in any direction", lengths), ("to the left", -slopes[0, shown]), ("up", slopes[1, shown])):
        tab.locator("#way").select_option(label=name)
        found = dict(rows())
        values = [found[model.feature_names_in_[place]] for place in shown]
        np.testing.assert_allclose(values, wanted, atol=0.01 * lengths.max())
        assert np.all(np.diff(np.abs(list(found.values()))) <= 0)
        assert f"moves {name} for one deviation more" in tab.locator("#panel-moves").inner_text()
    assert "3 others move it less" in tab.locator("#panel-moves").inner_text()
    assert tab.locator("#panel-moves img").count() == 0
    tab.evaluate("document.querySelector('#panel-moves').scrollIntoView()")
    kept(tab, "light")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pixels_are_orange_where_they_move_the_sample_and_blue_where_back(open_page, kept, theme) -> None:
    data = datasets.digits()
    X = data.X_train[:60]
    model = DrLIM(max_epochs=5, random_state=0, verbose=False).fit(X)
    tab = open_page(explore(model, X, labels=data.y_train[:60]).html, theme=theme)
    tab.evaluate(f"{EXPLORER}.select([4], 4)")
    tab.locator("#way").select_option(label="to the right")
    slopes = metrics.saliency(model, X[4:5], direction=[1.0, 0.0])[0]  # (8, 8)
    pixels = tab.evaluate(
        """() => { const canvas = document.querySelector(".heat");
             const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
             return Array.from({ length: 64 }, (_, i) => {
               const at = 4 * (width * (Math.floor(i / 8) * 21 + 10) + (i % 8) * 21 + 10);
               return [data[at], data[at + 2]]; }); }"""
    )
    redder = np.array([red - blue for red, blue in pixels]).reshape(8, 8)
    strong = np.abs(slopes) > 0.4 * np.abs(slopes).max()
    assert 3 <= strong.sum() < 40
    assert (np.sign(redder[strong]) == np.sign(slopes[strong])).all()
    name = tab.locator(".heat").get_attribute("aria-label")
    row, column = np.unravel_index(np.abs(slopes).argmax(), (8, 8))
    assert f"row {row + 1} and column {column + 1} of 8 x 8 blocks" in name
    tab.locator("#colour").select_option(label="area distortion")
    assert "small ball of inputs" in tab.locator("#panel-colour").inner_text()
    tab.evaluate("document.querySelector('#panel-sample').scrollIntoView()")
    tab.wait_for_timeout(100)
    kept(tab, theme)
    tab.evaluate(f"{EXPLORER}.moveTo({EXPLORER}.positions.slice(), 0)")  # as a retrained map arrives
    assert "before it was retrained" in tab.locator("#panel-moves").inner_text()
    tab.evaluate(f"{EXPLORER}.clear()")
    assert not tab.locator("#panel-moves").is_visible()


def test_a_page_without_them_says_why(open_page, monkeypatch) -> None:
    monkeypatch.setattr("drlim.explorer.sensitivities.MOST_SAMPLES", 10)
    X = np.random.default_rng(0).normal(size=(20, 3))
    model = DrLIM(encoder="linear", max_epochs=1, random_state=0, verbose=False).fit(X)
    tab = open_page(explore(model, X).html)
    tab.evaluate(f"{EXPLORER}.select([3], 3)")
    assert "Sensitivities are computed for up to 10 samples" in tab.locator("#panel-sample").inner_text()
    assert tab.locator("#panel-moves").count() == 0
