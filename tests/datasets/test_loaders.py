"""What ships, what is found in folders, what is downloaded, and what is refused."""

from __future__ import annotations

import functools
import gzip
import hashlib
import os
import re
import socket
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from drlim.datasets import digits, digits49, fetch, mnist
from drlim.datasets import loaders as datasets
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


def assert_small_mnist(data: datasets.LabelledImages) -> None:
    expected = small_mnist()
    for found, name in [(data.X_train, NAMES[0]), (data.X_test, NAMES[2])]:
        assert found.dtype == np.float32
        np.testing.assert_array_equal(np.rint(found * 255), expected[name])
        assert found.max() <= 1
    np.testing.assert_array_equal(data.y_train, expected[NAMES[1]])
    np.testing.assert_array_equal(data.y_test, expected[NAMES[3]])


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A user with an empty cache, no DRLIM_DATA, and no network."""
    monkeypatch.delenv("DRLIM_DATA", raising=False)
    monkeypatch.setattr(datasets, "cache_folder", lambda: tmp_path / "cache")
    connect = socket.socket.connect

    def local_only(self, address):
        if address[0] != "127.0.0.1":
            raise OSError("a test tried to reach the network")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local_only)
    return tmp_path


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Let the small files count as MNIST's."""
    folder = write_mnist(tmp_path / "reference", "{}")
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in NAMES}
    monkeypatch.setattr(datasets, "_MNIST_SHA256", sums)


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder, and keeps what was asked for."""

    def do_GET(self):
        self.server.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path):
    """A folder, its address, and the list of what was asked for."""
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=folder)) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}", server.asked
        server.shutdown()
        thread.join()


# ---- shipped digits


def test_digits49_holds_what_the_paper_uses():
    data = digits49()
    for X, y, counts in [(data.X_train, data.y_train, (3000, 3000)), (data.X_test, data.y_test, (982, 1009))]:
        assert X.shape == (sum(counts), 28, 28)
        assert X.dtype == np.float32
        assert (X.min(), X.max()) == (0.0, 1.0)
        assert y.dtype == np.int64
        assert ((y == 4).sum(), (y == 9).sum()) == counts
    flat = np.concatenate([data.X_train, data.X_test]).reshape(-1, 784)
    assert len(np.unique(flat, axis=0)) == 7991  # no image twice, and none in both parts
    assert 0.4 < (data.y_train[:1000] == 4).mean() < 0.6  # classes are mixed


@pytest.mark.parametrize("name", ["digits49.npz", "turntable.npz"])
def test_shipped_file_is_the_one_that_its_notice_names(name):
    folder = Path(datasets.__file__).parents[1] / "data"
    found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    assert found in (folder / "NOTICE.md").read_text(encoding="utf-8")


def test_each_call_gives_arrays_of_its_own():
    digits49().X_train[:] = 7
    assert digits49().X_train.max() == 1


@pytest.mark.parametrize("content", [None, b"", b"no zip", "half"])
def test_damaged_package_file(monkeypatch, tmp_path, content):
    original = (Path(datasets.__file__).parents[1] / "data" / "digits49.npz").read_bytes()
    (tmp_path / "data").mkdir()
    if content is not None:
        damaged = original[: len(original) // 2] if content == "half" else content
        (tmp_path / "data" / "digits49.npz").write_bytes(damaged)
    monkeypatch.setattr(datasets.resources, "files", lambda _: tmp_path)
    with pytest.raises(ValueError, match=re.escape("The package's data file digits49.npz is missing or damaged (")):
        digits49()


def test_digits_are_those_of_scikit_learn_split_without_loss():
    data, source = digits(), load_digits()
    assert (data.X_train.shape, data.X_test.shape) == ((1300, 8, 8), (497, 8, 8))
    X = np.concatenate([data.X_train, data.X_test])
    y = np.concatenate([data.y_train, data.y_test])
    found = np.column_stack([X.reshape(len(X), -1) * 16, y])
    expected = np.column_stack([source.data, source.target])
    order, expected_order = np.lexsort(found.T), np.lexsort(expected.T)
    np.testing.assert_array_equal(found[order], expected[expected_order])
    assert X.dtype == np.float32
    assert set(data.y_test) == set(range(10))
    np.testing.assert_array_equal(data.X_test, digits().X_test)


def test_split_by_hand():
    # PCG64's raw stream is fixed for ever; these rows must never change, or published numbers do.
    train, test = datasets._split(10, 4)
    assert sorted([*train, *test]) == list(range(10))
    assert test.tolist() == [2, 3, 4, 6]


def test_repr_is_short():
    assert repr(digits()) == "LabelledImages(X_train (1300, 8, 8), X_test (497, 8, 8))"


def test_neither_torch_nor_scikit_learns_data_is_imported():
    code = "import sys, drlim.datasets; print([m for m in ('torch', 'sklearn.datasets') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- MNIST in folders


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
        (gzip.compress(bytes(100))[:-9], "{path} is a gzip file that is truncated or corrupted"),
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


# ---- MNIST from a mirror


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


def test_answer_that_is_too_long_is_cut(tmp_path, served, monkeypatch):
    folder, address, _ = served
    (folder / "file").write_bytes(bytes(1001))
    monkeypatch.setattr(fetch, "_LONGEST_DOWNLOAD", 1000)
    with pytest.raises(ConnectionError, match="more than 1000 bytes long"):
        fetch.download(tmp_path / "kept" / "file", [address], lambda _: None)
    monkeypatch.setattr(fetch, "_LONGEST_DOWNLOAD", 1001)
    fetch.download(tmp_path / "kept" / "file", [address], lambda _: None)
    assert (tmp_path / "kept" / "file").read_bytes() == bytes(1001)


def test_local_files_are_no_mirror(tmp_path):
    (tmp_path / "file").write_bytes(b"1")
    with pytest.raises(ConnectionError, match="must begin with https:// or http://"):
        fetch.download(tmp_path / "kept" / "file", [tmp_path.as_uri()], lambda _: None)


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
    assert len(datasets.MNIST_MIRRORS) >= 2
    assert all(mirror.startswith("https://") for mirror in datasets.MNIST_MIRRORS)


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "~/.cache/drlim"),
        ("linux", {"XDG_CACHE_HOME": "/elsewhere"}, "/elsewhere/drlim"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "~/.cache/drlim"),
        ("linux", {"XDG_CACHE_HOME": ""}, "~/.cache/drlim"),
        ("darwin", {"XDG_CACHE_HOME": "/elsewhere"}, "~/Library/Caches/drlim"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/drlim/Cache"),
        ("win32", {}, "~/AppData/Local/drlim/Cache"),
    ],
)
def test_cache_folder(monkeypatch, platform, variables, expected):
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(fetch.sys, "platform", platform)
    assert fetch.cache_folder() == Path(expected).expanduser()
