"""Experiments without pictures, and on small images of the aeroplane."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drlim import datasets
from drlim.paper import airplane, airplane_cylinder, airplane_lle, shifted, shifted_prior


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in [(shifted, "draw"), (shifted_prior, "draw"), (airplane, "draw"), (airplane, "_draw_model")]:
        monkeypatch.setattr(module, name, lambda *_: None)


@pytest.fixture
def small_airplane(monkeypatch: pytest.MonkeyPatch) -> None:
    data = datasets.turntable()
    small = replace(data, images=data.images[:, ::4, ::4].copy())  # (972, 24, 24)
    monkeypatch.setattr(airplane, "views", lambda: (small, "turntable, small"))
    monkeypatch.setattr(airplane_lle, "views", airplane.views)
    monkeypatch.setattr(airplane_cylinder, "views", airplane.views)
