"""Images of a folder."""

from __future__ import annotations

import os
import re
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.cli.reading import refusal, written

from drlim.cli.files import read_samples


def test_folder_of_grey_images_in_order_of_names(tmp_path):
    for name, value in (("b.png", 2), ("a.PNG", 1), ("c.tif", 3)):
        Image.fromarray(np.full((4, 5), value, dtype=np.uint8)).save(tmp_path / name)
    written(tmp_path / "labels.txt", "no image")
    written(tmp_path / ".hidden.png", "no image")
    samples = read_samples(tmp_path)
    assert samples.X.shape == (3, 4, 5)
    assert samples.X.dtype == np.uint8
    assert samples.X[:, 0, 0].tolist() == [1, 2, 3]


def test_folder_of_colour_images_has_channels_first(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    X = read_samples(tmp_path).X
    assert X.shape == (1, 3, 4, 5)
    np.testing.assert_array_equal(X[0], pixels.transpose(2, 0, 1))


def test_bits_and_sixteen_bits(tmp_path):
    (tmp_path / "bits").mkdir()
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "bits" / "a.png")
    assert read_samples(tmp_path / "bits").X.tolist() == [[[255, 0]]]
    (tmp_path / "deep").mkdir()
    Image.fromarray(np.array([[65535, 256]], dtype=np.uint16)).save(tmp_path / "deep" / "a.png")
    assert read_samples(tmp_path / "deep").X.tolist() == [[[65535, 256]]]


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA", "CMYK"])
def test_other_kinds_of_image_are_refused(tmp_path, mode):
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.new(mode, (4, 4)).save(path)
    with pytest.raises(ValueError, match=re.escape(f"{path} is an image of mode {mode}. Convert it to grey or RGB.")):
        read_samples(tmp_path)


def test_images_of_different_sizes(tmp_path):
    Image.new("L", (4, 5)).save(tmp_path / "a.png")
    Image.new("L", (4, 4)).save(tmp_path / "b.png")
    assert refusal(tmp_path) == (
        "FILE: all images must be of one size and kind. a.png is of shape (5, 4) and dtype uint8, "
        "b.png of shape (4, 4) and dtype uint8."
    )


def test_folder_without_images(tmp_path):
    written(tmp_path / "labels.txt", "1")
    assert refusal(tmp_path).startswith("FILE has no images in it (.bmp, ")


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of what is left of the metadata
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 60), suffix=st.sampled_from([".png", ".bmp", ".gif", ".tif", ".jpg"]))
def test_broken_image_is_named(tmp_path, cut, suffix):
    folder = tmp_path / suffix
    folder.mkdir(exist_ok=True)
    path = folder / f"a{suffix}"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)).save(path)
    os.truncate(path, cut)
    with pytest.raises(ValueError, match=re.escape(f"{path} is ")):
        read_samples(folder)


def test_images_without_pillow(tmp_path, monkeypatch):
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    monkeypatch.setitem(sys.modules, "PIL", None)
    message = "Reading images needs Pillow, which is not installed: pip install pillow"
    with pytest.raises(ImportError, match=re.escape(message)):
        read_samples(tmp_path)
