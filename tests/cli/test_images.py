"""Images of a folder."""

from __future__ import annotations

import os
import re
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from tests.cli.reading import refusal, written

from drlim.cli.files import read_samples
from drlim.datasets import image_folder
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


@pytest.mark.parametrize(
    ("mode", "shape"), [("RGBA", (3, 4, 4)), ("P", (3, 4, 4)), ("LA", (4, 4)), ("CMYK", (3, 4, 4))]
)
def test_other_kinds_of_image_become_grey_or_rgb(tmp_path, mode, shape):
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.new(mode, (4, 4)).save(path)
    X = read_samples(tmp_path).X
    assert (X.shape, X.dtype) == ((1, *shape), np.uint8)
    is_white = mode != "P"  # transparent, or without ink
    assert ((255 if is_white else 0) == X).all()


def test_a_palette_with_transparency_is_laid_on_white(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 9, 8, 7])
    image.putpixel((1, 0), 1)
    image.save(tmp_path / "a.png", transparency=0)
    assert read_samples(tmp_path).X[0, :, 0].tolist() == [[255, 9], [255, 8], [255, 7]]


def test_kinds_are_brought_to_one(tmp_path):
    Image.new("L", (4, 5), 9).save(tmp_path / "a.png")
    Image.fromarray(np.full((5, 4), 9 * 257, dtype=np.uint16)).save(tmp_path / "b.png")
    assert (np.full((2, 5, 4), 9) == read_samples(tmp_path).X).all()
    Image.new("RGB", (4, 5), (9, 9, 9)).save(tmp_path / "c.png")
    assert (np.full((3, 3, 5, 4), 9) == read_samples(tmp_path).X).all()
    assert (np.full((3, 5, 4), 9) == read_samples(tmp_path, color="grey").X).all()
    (tmp_path / "c.png").unlink()
    assert read_samples(tmp_path, color="rgb").X.shape == (2, 3, 5, 4)


def test_several_sizes_are_brought_to_the_median(tmp_path):
    for name, size in {"a": (4, 5), "b": (8, 5), "c": (6, 9)}.items():
        Image.new("L", size, 7).save(tmp_path / f"{name}.png")
    found = image_folder(tmp_path)
    assert (np.full((3, 5, 6), 7) == found.X).all()
    assert found.said == "3 images of 3 sizes, from 5x4 to 9x6 pixels, brought to 5x6"
    Image.new("L", (600, 300)).save(tmp_path / "c.png")
    Image.new("L", (400, 300)).save(tmp_path / "a.png")
    Image.new("L", (400, 300)).save(tmp_path / "b.png")
    assert image_folder(tmp_path).X.shape == (3, 48, 64)
    (tmp_path / "c.png").unlink()
    assert image_folder(tmp_path).X.shape == (2, 300, 400)
    assert image_folder(tmp_path).said is None
    assert image_folder(tmp_path, size=10).said == "2 images of 300x400 pixels, brought to 10x10"


def test_image_folder_refuses(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="none is no folder"):
        image_folder(tmp_path / "none")
    with pytest.raises(ValueError, match=r"to be auto, grey or rgb. Got 'gray'. Did you mean 'grey'\?"):
        image_folder(tmp_path, color="gray")
    for size in (0, (3, 0), (1, 2, 3), 2.5, "8"):
        with pytest.raises(ValueError, match="Expected 'size' to be a number of pixels"):
            image_folder(tmp_path, size=size)
    assert repr(image_folder(tmp_path)) == "ImageFolder(X (1, 4, 4), 0 classes)"


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
    assert refusal(tmp_path).startswith("FILE has no images in it (.avif, ")
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


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_as_their_exif_data_say(tmp_path, orientation):
    picture = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3) * 40)
    exif = picture.getexif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "x.png", exif=exif)
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "x.png")))
    np.testing.assert_array_equal(read_samples(tmp_path).X[0], wanted)
