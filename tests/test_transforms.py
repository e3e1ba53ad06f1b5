"""Changes that a map is to ignore: each by hand, at random within its strength, as an orbit, and from text."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest
from scipy import ndimage

from drlim import DrLIM, NeighborMap, load, save, transforms
from drlim._base.image_changes import CHANGES

RANDOM = np.random.default_rng(0)
GREY = RANDOM.random((6, 5, 7))
RGB = RANDOM.random((6, 3, 5, 7))


def strengths(*values: float) -> np.ndarray:
    return np.array([values] * 6)


def test_shifts_by_hand():
    moved = CHANGES["shift"](GREY, strengths(1, -2, 0))
    assert (moved[:, 1:, :-2] == GREY[:, :-1, 2:]).all()
    assert (moved[:, 0] == moved[:, 1]).all()  # the edge is repeated
    assert (moved[:, :, -1] == moved[:, :, -3]).all()
    assert (CHANGES["shift"](RGB, strengths(1, -2, 0))[:, 1] == CHANGES["shift"](RGB[:, 1], strengths(1, -2, 0))).all()


@pytest.mark.parametrize("degrees", [-90, -15, 0, 33, 180])
def test_rotations_are_those_of_scipy(degrees):
    turned = CHANGES["rotate"](GREY, strengths(degrees, 0, 0))
    wanted = [ndimage.rotate(image, degrees, reshape=False, order=1, mode="nearest") for image in GREY]
    assert turned == pytest.approx(np.stack(wanted), abs=1e-12)
    assert CHANGES["rotate"](RGB, strengths(degrees, 0, 0))[:, 2] == pytest.approx(
        CHANGES["rotate"](RGB[:, 2], strengths(degrees, 0, 0))
    )


def test_the_rest_by_hand():
    assert (CHANGES["flip"](GREY, strengths(1, 0, 0)) == GREY[..., ::-1]).all()
    assert (CHANGES["flip"](RGB, strengths(-1, 0, 0)) == RGB).all()
    assert CHANGES["brightness"](RGB, strengths(0.5, 9, 9)) == pytest.approx(RGB * 1.5)
    assert CHANGES["color"](RGB, strengths(0.5, -0.5, 0)) == pytest.approx(RGB * [[[[1.5]], [[0.5]], [[1]]]])
    assert CHANGES["color"](GREY, strengths(0.5, -0.5, 0)) == pytest.approx(GREY * 1.5)


@pytest.mark.parametrize("images", [GREY, RGB, GREY.astype(np.float32), (RGB * 255).astype(np.uint8)])
@pytest.mark.parametrize("text", ["shift=2", "rotate=20", "flip", "color", "brightness=0.5", "shift,rotate,flip,color"])
def test_changes_are_drawn_for_each_image(images, text):
    change = transforms.ignoring(text)
    first = change(images, np.random.default_rng(0))
    assert first.shape == images.shape
    assert first.dtype == (images.dtype if images.dtype.kind == "f" or text in ("shift=2", "flip") else np.float64)
    assert (change(images, np.random.default_rng(0)) == first).all()
    assert (change(images, np.random.default_rng(1)) != first).any()
    same = np.repeat(images[:1], 50, axis=0)
    changed = change(same, np.random.default_rng(0))
    assert len(np.unique(changed.reshape(50, -1), axis=0)) >= (2 if text == "flip" else 20)
    assert changed.max() <= images.max() * (1.5 if "brightness" in text else 1.2 if "color" in text else 1) + 1e-6


def test_strengths_are_the_largest():
    same = np.zeros((400, 9, 9))
    same[:, 4, 4] = 1
    places = np.argwhere(transforms.shift(2)(same, np.random.default_rng(0)))[:, 1:] - 4
    assert sorted({int(one) for one in places.ravel()}) == [-2, -1, 0, 1, 2]
    factors = transforms.brightness(0.3)(np.ones((400, 1, 1)), np.random.default_rng(0))
    assert 0.7 <= factors.min() < 0.71
    assert 1.29 < factors.max() <= 1.3
    many = transforms.color(0.3)(np.ones((2, 5, 1, 1)), np.random.default_rng(0))
    assert len(np.unique(many)) == 10


def test_extremes():
    found = transforms.ignoring("shift=2,flip,color=0.1").extremes()
    assert list(found) == ["shift -2", "shift +2", "flip", "color -0.1", "color +0.1"]
    assert (found["shift +2"](RGB)[..., 2:, 2:] == RGB[..., :-2, :-2]).all()
    assert (found["flip"](GREY) == GREY[..., ::-1]).all()
    assert found["color -0.1"](RANDOM.random((2, 5, 3, 3))).shape == (2, 5, 3, 3)


@pytest.mark.parametrize("kind", [DrLIM, NeighborMap])
def test_as_an_orbit(kind, tmp_path):
    X = RANDOM.random((40, 6, 6)).astype(np.float32)
    given = {"encoder": "linear", "n_neighbors": 3} if kind is DrLIM else {"n_places": 10}
    model = kind(orbit=transforms.ignoring("shift=1,rotate"), max_epochs=2, random_state=0, **given).fit(X)
    save(model, tmp_path / "m.safetensors")
    assert (load(tmp_path / "m.safetensors").transform(X) == model.transform(X)).all()


def test_changes_pickle_and_compare():
    change = transforms.ignoring("shift=1,flip")
    assert pickle.loads(pickle.dumps(change)) == change  # noqa: S301 - its own bytes
    assert change == transforms.combined([transforms.shift(1), transforms.flip()])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("shfit=1", "No such change of images: shfit. Did you mean 'shift'?"),
        ("zoom", "No such change of images: zoom. Choose from shift, rotate, flip, color, brightness."),
        ("shift=1,shift=2", "Expected each change once. Got 'shift' twice in 'shift=1,shift=2'."),
        ("flip=1", "'flip' has no strength. Got 'flip=1'."),
        ("rotate=", "Expected a number after 'rotate=', such as rotate=15. Got 'rotate='."),
        ("shift=x", "Expected a number after 'shift=', such as shift=2. Got 'shift=x'."),
        ("shift=1.5", "The 'pixels' parameter of shift must be an int in the range [1, inf). Got 1.5 instead."),
        ("shift=0", "The 'pixels' parameter of shift must be an int in the range [1, inf)"),
        ("rotate=200", "The 'degrees' parameter of rotate must be a float in the range (0.0, 180.0]. Got 200.0"),
        ("color=1", "The 'strength' parameter of color must be a float in the range (0.0, 1.0). Got 1.0"),
        ("brightness=nan", "The 'strength' parameter of brightness must be a float in the range (0.0, 1.0). Got nan"),
        ("", "Expected 'changes' to hold at least one change. Got none."),
    ],
)
def test_refusals_of_text(text, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        transforms.ignoring(text)


def test_refusals():
    with pytest.raises(TypeError, match=re.escape("Expected 'changes' to hold changes, such as shift(2). Got 'flip'.")):
        transforms.combined(["flip"])
    with pytest.raises(ValueError, match=re.escape("Expected images to rotate, (n, height, width) or")):
        transforms.rotate(3)(np.zeros((3, 4)), RANDOM)


@pytest.mark.parametrize("make", [lambda: transforms.shift(6), lambda: transforms.shift(6).extremes()["shift -6"]])
def test_a_shift_as_wide_as_the_images_is_refused(make):
    images = np.zeros((2, 8, 6))
    with pytest.raises(ValueError, match=r"Got shift=6 and images of 8 x 6: give at most 5"):
        drawn_or_fixed(make(), images)
    assert drawn_or_fixed(transforms.shift(5), images).shape == images.shape


def drawn_or_fixed(change, images):
    if isinstance(change, transforms.Change):
        return change(images, np.random.default_rng(0))
    return change(images)


@pytest.mark.parametrize("text", ["shift=2", "flip", "rotate=15,flip,color=0.25", "shift=3,brightness=0.5"])
def test_a_change_is_read_again_from_its_text(text):
    assert transforms.ignoring(text).text == text
