"""MNIST: found in folders, downloaded from a mirror, and refused where it is not whole."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
from pathlib import Path

import numpy as np
import pytest

from drlim.datasets import LabelledImages, digits49, mnist, mnist_files
from drlim.datasets.formats import write_idx

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
REAL_DATA = os.environ.get("DRLIM_DATA")


def small_mnist() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "train-images-idx3-ubyte": rng.integers(0, 256, (5, 28, 28), dtype=np.uint8),
        "train-labels-idx1-ubyte": np.array([3, 1, 4, 1, 5], np.uint8),
        "t10k-images-idx3-ubyte": rng.integers(0, 256, (2, 28, 28), dtype=np.uint8),
        "t10k-labels-idx1-ubyte": np.array([9, 2], np.uint8),
    }


def write_mnist(folder: Path, pattern: str = "{}.gz") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in small_mnist().items():
        write_idx(folder / pattern.format(name), values)
    return folder


def assert_small_mnist(data: LabelledImages) -> None:
    expected = small_mnist()
    for found, name in [(data.X_train, NAMES[0]), (data.X_test, NAMES[2])]:
        assert found.dtype == np.float32
        np.testing.assert_array_equal(np.rint(found * 255), expected[name])
        assert found.max() <= 1
    np.testing.assert_array_equal(data.y_train, expected[NAMES[1]])
    np.testing.assert_array_equal(data.y_test, expected[NAMES[3]])


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Let the small files count as MNIST's."""
    folder = write_mnist(tmp_path / "reference", "{}")
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in NAMES}
    monkeypatch.setattr(mnist_files, "_MNIST_SHA256", sums)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("pattern", ["{}.gz", "{}"])
@pytest.mark.parametrize("below", [".", "mnist"])
@pytest.mark.parametrize("how", ["argument", "text", "variable"])
def test_mnist_in_a_folder(tmp_path, monkeypatch, pattern, below, how):
    write_mnist(tmp_path / "data" / below, pattern)
    if how == "variable":
        monkeypatch.setenv("DRLIM_DATA", str(tmp_path / "data"))
        assert_small_mnist(mnist())
    else:
        assert_small_mnist(mnist(tmp_path / "data" if how == "argument" else str(tmp_path / "data")))


@pytest.mark.usefixtures("small")
def test_mnist_unpacked_by_a_browser_or_under_its_older_names(tmp_path):
    folder = write_mnist(tmp_path / "data", "{}")
    (folder / NAMES[0]).rename(folder / f"{NAMES[0]}.gz")
    (folder / NAMES[1]).rename(folder / "train-labels.idx1-ubyte")
    assert_small_mnist(mnist(folder))


@pytest.mark.usefixtures("small")
def test_argument_comes_before_variable_and_both_before_cache(tmp_path, monkeypatch):
    write_mnist(tmp_path / "good")
    (tmp_path / "bad").mkdir()
    monkeypatch.setenv("DRLIM_DATA", str(tmp_path / "bad"))
    assert_small_mnist(mnist(tmp_path / "good"))
    write_mnist(tmp_path / "cache" / "mnist")
    (tmp_path / "cache" / "mnist" / f"{NAMES[0]}.gz").write_bytes(b"bad")
    monkeypatch.setenv("DRLIM_DATA", str(tmp_path / "good"))
    assert_small_mnist(mnist())


@pytest.mark.usefixtures("small")
def test_variable_with_other_data_only_leaves_mnist_to_the_cache(tmp_path, monkeypatch):
    (tmp_path / "data" / "norb").mkdir(parents=True)
    monkeypatch.setenv("DRLIM_DATA", str(tmp_path / "data"))
    write_mnist(tmp_path / "cache" / "mnist")
    assert_small_mnist(mnist(mirrors=[]))


def test_missing_files_are_named(tmp_path):
    folder = write_mnist(tmp_path / "data")
    (folder / f"{NAMES[1]}.gz").unlink()
    (folder / f"{NAMES[2]}.gz").unlink()
    message = (
        f"MNIST is not whole in {folder}: put train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz there, gzipped "
        "or not."
    )
    with pytest.raises(FileNotFoundError, match=re.escape(message)):
        mnist(folder)


def test_part_of_mnist_in_the_variables_folder_is_no_reason_to_download(tmp_path, monkeypatch):
    folder = write_mnist(tmp_path / "data")
    (folder / f"{NAMES[1]}.gz").unlink()
    monkeypatch.setenv("DRLIM_DATA", str(folder))
    with pytest.raises(FileNotFoundError, match=re.escape("put train-labels-idx1-ubyte.gz there")):
        mnist()


def test_empty_folder_given_as_argument_is_no_reason_to_download(tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(FileNotFoundError, match="MNIST is not whole in"):
        mnist(tmp_path / "data")


@pytest.mark.parametrize("how", ["argument", "variable"])
def test_folder_that_is_not_there(tmp_path, monkeypatch, how):
    folder = tmp_path / "slip"
    monkeypatch.setenv("DRLIM_DATA", str(folder))
    source = "'data_home'" if how == "argument" else "the environment variable DRLIM_DATA"
    message = f"There is no folder {folder}, which {source} names. Correct the name."
    with pytest.raises(FileNotFoundError, match=re.escape(message)):
        mnist(folder if how == "argument" else None)


@pytest.mark.parametrize("data_home", [3, b"data", True])
def test_data_home_of_a_wrong_type(data_home):
    message = "The 'data_home' parameter of mnist must be an instance of 'str'"
    with pytest.raises(ValueError, match=re.escape(message)):
        mnist(data_home)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(bytes(100), mtime=0)[:-9], "{path} is a gzip file that is truncated or corrupted"),
        (b"<html>not found</html>", "{path} is not an IDX file: it begins with the bytes '3c 68 74 6d', where"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 5, 1]), "{path} is truncated: its header promises shape (5,), 13 bytes in all"),
        (
            bytes([0, 0, 8, 1, 0, 0, 0, 5, 3, 1, 4, 1, 6]),
            "{path} is not MNIST's train-labels-idx1-ubyte: the SHA-256 of its unpacked content begins with ",
        ),
    ],
)
def test_bad_file_is_named(tmp_path, content, message):
    folder = write_mnist(tmp_path / "data")
    path = folder / f"{NAMES[1]}.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(message.format(path=path))):
        mnist(folder)


@pytest.mark.skipif(REAL_DATA is None, reason="DRLIM_DATA names no folder with the whole of MNIST")
def test_whole_mnist(monkeypatch):
    monkeypatch.setenv("DRLIM_DATA", REAL_DATA)
    data = mnist(mirrors=[])
    assert (data.X_train.shape, data.X_test.shape) == ((60000, 28, 28), (10000, 28, 28))
    chosen = digits49()
    rows = np.isin(data.y_test, [4, 9])
    np.testing.assert_array_equal(chosen.X_test, data.X_test[rows])
    np.testing.assert_array_equal(chosen.y_test, data.y_test[rows])
    known = {image.tobytes() for image in data.X_train}
    assert all(image.tobytes() in known for image in chosen.X_train)


@pytest.mark.usefixtures("small")
def test_download_fills_the_cache_once(tmp_path, served):
    folder, address, asked = served
    write_mnist(folder)
    assert_small_mnist(mnist(mirrors=[address]))
    assert asked == [f"/{name}.gz" for name in NAMES]
    assert sorted(p.name for p in (tmp_path / "cache" / "mnist").iterdir()) == sorted(f"{n}.gz" for n in NAMES)
    assert_small_mnist(mnist(mirrors=[address + "/"]))
    assert len(asked) == 4


@pytest.mark.usefixtures("small")
def test_next_mirror_is_asked_after_a_bad_one(served):
    folder, address, asked = served
    write_mnist(folder / "good")
    write_mnist(folder / "bad")
    (folder / "bad" / f"{NAMES[0]}.gz").write_bytes(b"<html>")
    (folder / "bad" / f"{NAMES[1]}.gz").unlink()
    mirrors = (mirror for mirror in ["http://127.0.0.1:1/", f"{address}/bad", f"{address}/good/"])
    assert_small_mnist(mnist(mirrors=mirrors))
    assert asked[:2] == [f"/bad/{NAMES[0]}.gz", f"/good/{NAMES[0]}.gz"]


@pytest.mark.usefixtures("small")
def test_wrong_content_is_not_kept(tmp_path, served):
    folder, address, _ = served
    write_mnist(folder)
    write_idx(folder / f"{NAMES[1]}.gz", np.zeros(5, np.uint8))
    message = f"({address}: train-labels-idx1-ubyte.gz is not MNIST's train-labels-idx1-ubyte: the SHA"
    with pytest.raises(FileNotFoundError, match=re.escape(message)):
        mnist(mirrors=[address])
    assert [p.name for p in (tmp_path / "cache" / "mnist").iterdir()] == [f"{NAMES[0]}.gz"]


def test_no_network_says_what_to_put_where(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        mnist()
    message = str(caught.value)
    assert message.startswith(
        "MNIST is not on this machine, and train-images-idx3-ubyte.gz could not be downloaded. Put "
        "train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz, "
        f"t10k-labels-idx1-ubyte.gz into {tmp_path / 'cache' / 'mnist'}, or into a folder that DRLIM_DATA or "
        "'data_home' names. (https://ossci-datasets.s3.amazonaws.com/mnist/: "
    )
    assert len(message) <= 600
    assert not (tmp_path / "cache").exists()


def test_many_bad_mirrors_make_no_long_message():
    with pytest.raises(FileNotFoundError) as caught:
        mnist(mirrors=[f"ftp://mirror{i}/" for i in range(20)])
    assert len(str(caught.value)) <= 600


def test_mirrors_are_asked_over_https():
    assert len(mnist_files.MNIST_MIRRORS) >= 2
    assert all(mirror.startswith("https://") for mirror in mnist_files.MNIST_MIRRORS)
