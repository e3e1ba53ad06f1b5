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
from drlim.datasets.folders import folder_classes


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
        "b.png of shape (4, 4) and dtype uint8. --size 5x4 brings all to the size of the first."
    )
    Image.new("RGB", (4, 5)).save(tmp_path / "b.png")
    assert refusal(tmp_path).endswith("b.png of shape (3, 5, 4) and dtype uint8. Convert all to grey or all to RGB.")
    Image.fromarray(np.zeros((5, 4), dtype=np.uint16)).save(tmp_path / "b.png")
    assert refusal(tmp_path).endswith("b.png of shape (5, 4) and dtype uint16. Convert all to one number of bits.")


def test_images_are_brought_to_one_size(tmp_path):
    Image.fromarray(np.array([[0, 100], [200, 60]], dtype=np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.full((3, 3), 7, dtype=np.uint8)).save(tmp_path / "b.png")
    Image.fromarray(np.array([[9, 5]], dtype=np.uint8)).save(tmp_path / "c.png")
    X = read_samples(tmp_path, size=(1, 2)).X
    assert X.tolist() == [[[100, 80]], [[7, 7]], [[9, 5]]]
    deep = np.array([[65535, 1], [65535, 1]], dtype=np.uint16)
    (tmp_path / "deep").mkdir()
    Image.fromarray(deep).save(tmp_path / "deep" / "a.png")
    X = read_samples(tmp_path / "deep", size=(1, 2)).X
    assert X.tolist() == [[[65535, 1]]]
    assert X.dtype == np.uint16


def test_only_images_of_a_folder_have_a_size(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 2)))
    sentence = "FILE: only the images of a folder are brought to a size, and this is no folder."
    assert refusal(tmp_path / "x.npy", size=(2, 2)) == sentence


@pytest.fixture
def classes(tmp_path):
    """A folder of images by class, with hidden files and folders, a link to a class and a link in a circle."""
    for value, name in enumerate(["cat/b.png", "cat/old/a.png", "dog/a.png", "top.png", ".hidden/a.png", "far/a.png"]):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((2, 2), value, dtype=np.uint8)).save(path)
    (tmp_path / "data" / "far").rename(tmp_path / "far")
    (tmp_path / "data" / "owl").symlink_to(tmp_path / "far")
    (tmp_path / "data" / "cat" / "circle").symlink_to(tmp_path / "data")
    return tmp_path / "data"


def test_subfolders_are_read_as_classes(classes):
    assert read_samples(classes).X[:, 0, 0].tolist() == [0, 1, 2, 5, 3]
    assert folder_classes(classes) == ["cat", "cat", "dog", "owl", None]


def test_folders_without_classes(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    sentence = "FILE has no subfolders with images in them to take labels from."
    assert refusal(tmp_path, folder_classes) == sentence
    sentence = "FILE is no folder, so that there are no subfolders to take labels from."
    assert refusal(tmp_path / "a.png", folder_classes) == sentence


def test_folder_without_images(tmp_path):
    written(tmp_path / "labels.txt", "1")
    assert refusal(tmp_path).startswith("FILE has no images in it (.bmp, ")
    assert refusal(tmp_path).endswith(".webp). It holds other files: '.txt'.")
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path / "empty").endswith(".webp).")


def test_sequences_of_images_are_refused(tmp_path):
    frames = [Image.new("L", (4, 4), colour) for colour in (0, 99)]
    for name in ("a.gif", "a.tif"):
        path = tmp_path / name
        frames[0].save(path, save_all=True, append_images=frames[1:])
        sentence = f"{path} is a sequence of 2 images. Write each to a file of its own."
        with pytest.raises(ValueError, match=re.escape(sentence)):
            read_samples(tmp_path)
        path.unlink()


def test_a_preview_in_a_photograph_is_no_sequence(tmp_path):
    photograph = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    photograph[0].save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=photograph[1:])
    assert read_samples(tmp_path).X.shape == (1, 3, 4, 4)


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
