"""The panel with the certificate of a map, in a real Chromium."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from drlim import DrLIM, certificate, explore

pytestmark = pytest.mark.browser

EXPLORER = "window.drlim.explorer"
HOSTILE = "<b onclick=\"document.title='hit'\">shift</b></script>"


@pytest.fixture(scope="module")
def certified():
    X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    model = DrLIM(encoder="linear", max_epochs=2, random_state=0, verbose=False).fit(X)
    X = 0.9 * X  # held out
    made = certificate(model, X, np.repeat(np.arange(30), 2), n_bootstrap=100)
    return model, X, made


def test_the_certificate_is_read_and_its_worst_samples_are_selected(certified, open_page, kept) -> None:
    model, X, made = certified
    model.certificate_ = made
    tab = open_page(explore(model, X).html)
    panel = tab.locator("#panel-certificate")
    panel.locator("summary").click()
    text = panel.inner_text()
    row = made.rows[0]
    assert f"{row['name']}: {row['verdict']}" in text
    assert f"{row['ratio']:.2f} (95 %: {row['ratio_low']:.2f} to {row['ratio_high']:.2f})" in text
    assert f"declared to ignore {made.declared}" in text
    assert "on the samples of this page" in text
    assert "60 samples" in text
    assert made.data_sha256[:16] in text
    assert f"drlim {made.versions['drlim']}" in text
    assert "trained further since" not in text
    worst = made.worst[0]
    panel.get_by_role("button", name=re.compile(f"Select 2 samples: {worst['sample']} and {worst['copy']}$")).click()
    assert tab.evaluate(f"Array.from({EXPLORER}.state.selection)") == sorted([worst["sample"], worst["copy"]])
    assert tab.evaluate(f"{EXPLORER}.state.current") == worst["sample"]
    kept(tab, "light")
    tab.evaluate(f"{EXPLORER}.moveTo({EXPLORER}.positions.slice(), 0)")  # as a retrained map arrives
    assert "trained further since" in panel.inner_text()


def test_on_other_samples_nothing_is_linked_and_texts_are_no_markup(certified, open_page) -> None:
    model, X, made = certified
    rows = tuple({**row, "name": HOSTILE} for row in made.rows)
    worst = tuple({**one, "name": HOSTILE} for one in made.worst)
    model.certificate_ = replace(made, declared=HOSTILE, rows=rows, worst=worst, versions={HOSTILE: HOSTILE})
    tab = open_page(explore(model, X + 1).html)
    panel = tab.locator("#panel-certificate")
    panel.locator("summary").click()
    text = panel.inner_text()
    assert "on other samples than those of this page" in text
    assert text.count(HOSTILE) >= 4
    assert panel.locator("b, button").count() == 0
    assert tab.title() != "hit"


def test_told_from_the_position_with_its_permutations(certified, open_page) -> None:
    model, X, _ = certified
    rng = np.random.default_rng(1)
    model.certificate_ = certificate(
        model, X, {"light": rng.normal(size=60)}, n_permutations=19, n_bootstrap=100, n_splits=3
    )
    tab = open_page(explore(model, X).html)
    tab.locator("#panel-certificate summary").click()
    text = tab.locator("#panel-certificate").inner_text()
    row = model.certificate_.rows[0]
    assert f"{row['score']:.2f} of R², permuted {row['chance']:.2f}" in text.replace("-0.00", "0.00")
    assert f"{row['p_value']:.3f}" in text
    assert "copies / unrelated" not in text  # no copies were declared
