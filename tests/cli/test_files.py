"""Data files: arrays, labels, pairs and maps come in and go out whole; what cannot be used is refused by name."""

from __future__ import annotations

import os
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import sparse
from tests.cli.reading import refusal, written

from drlim import NeighborhoodGraph
from drlim.cli import targets
from drlim.cli.files import read_graph, read_labels, read_samples
from drlim.cli.output import UsageError
from drlim.cli.targets import MAP_SUFFIXES, check_output
from drlim.cli.writing import write_map


def test_npy_is_read_through_a_memory_map(tmp_path):
    X = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.save(tmp_path / "x.npy", X)
    samples = read_samples(tmp_path / "x.npy")
    assert isinstance(samples.X, np.memmap)
    assert samples.X.dtype == np.uint8
    np.testing.assert_array_equal(samples.X, X)
    assert samples.names is None


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_pickled_arrays_are_refused_and_not_executed(tmp_path):
    touched = tmp_path / "touched"
    bomb = np.array([Bomb(touched)], dtype=object)
    np.save(tmp_path / "x.npy", bomb, allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=bomb)
    for name in ("x.npy", "x.npz"):
        assert re.search("object|pickle", refusal(tmp_path / name), re.IGNORECASE)
    for name in ("y.npy", "y.npz"):
        assert "FILE cannot be read: " in refusal(written(tmp_path / name, pickle.dumps(Bomb(touched))))
    assert not touched.exists()


def test_arrays_of_an_archive_by_name(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, a=np.zeros((2, 3)), b=np.ones((4, 1)))
    assert read_samples(path, array="b").X.shape == (4, 1)
    assert refusal(path) == "FILE has 2 arrays: 'a', 'b'. Name one by --array NAME."
    assert refusal(path, array="c") == "FILE has no array 'c'. It has 'a', 'b'."
    np.savez(path, a=np.zeros((2, 3)))
    assert read_samples(path).X.shape == (2, 3)
    np.savez(path)
    assert refusal(path) == "FILE has 0 arrays: none. Name one by --array NAME."
    np.savez(path, **{f"array{place}": np.zeros(1) for place in range(20)})
    assert refusal(path).endswith("'array6', 'array7' and 12 more. Name one by --array NAME.")


def test_archive_that_is_none(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 2)))
    (tmp_path / "x.npy").rename(tmp_path / "x.npz")
    assert refusal(tmp_path / "x.npz") == "FILE cannot be read: File is not a zip file"


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_cut_short(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    (np.save if suffix == ".npy" else np.savez)(path, np.zeros((50, 50)))
    os.truncate(path, 1000)
    assert refusal(path).startswith("FILE cannot be read: ")


def test_options_that_do_not_apply(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((2, 2)))
    assert refusal(tmp_path / "x.npy", array="a") == "FILE: only an .npz has arrays by name. Got array='a'."
    sentence = "FILE: only a .csv or .parquet has columns by name. Got 'a'."
    assert refusal(tmp_path / "x.npy", leave_out="a") == sentence
    assert refusal(tmp_path, leave_out="a") == sentence


def test_unknown_kind(tmp_path):
    path = written(tmp_path / "x.mat", "")
    sentence = "FILE is of a kind that cannot be read. Give .npy, .npz, .csv, .tsv, .parquet or a folder of images."
    assert refusal(path) == sentence


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.csv", "x.parquet", "x.txt", "images/a.png"])
def test_pipes_are_refused_unread(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    sentence = f"{path} is a pipe and no file. Write what it gives to a file, and give that."
    reads = [] if name.endswith((".txt", ".png")) else [read_samples, lambda path: read_graph(path, 5)]
    reads += (
        [lambda path: read_samples(path.parent)] if name.endswith(".png") else [lambda path: read_labels(str(path))]
    )
    for read in reads:
        if name == "x.parquet" and read is not read_samples:
            continue  # no graph is read from such a file
        with pytest.raises(ValueError, match=re.escape(sentence)):
            read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
def test_a_pipe_is_no_output(tmp_path):
    os.mkfifo(tmp_path / "z.npy")
    with pytest.raises(ValueError, match="is a pipe and no file"):
        check_output(tmp_path / "z.npy", MAP_SUFFIXES)


def test_a_member_of_an_archive_that_is_no_array(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, similar=PAIRS)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("notes.txt", "of 3 May")
        archive.writestr("torn.npy", "no array")
    sentence = "FILE cannot be read: its member 'notes.txt' is no array. Write the arrays by numpy.savez."
    assert refusal(path, array="notes.txt") == sentence
    assert refusal(path, read_graph, n_samples=5) == sentence
    assert refusal(path, array="torn") == sentence.replace("notes.txt", "torn")
    assert read_samples(path, array="similar").X.tolist() == PAIRS


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.csv", "x.parquet", "x.mat", "images"])
def test_missing_file(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=re.escape(name)):
        read_samples(tmp_path / name)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.one_of(st.binary(max_size=80), st.text(alphabet='01,;"\n\rax.\t-', max_size=40).map(str.encode)),
    suffix=st.sampled_from([".npy", ".npz", ".csv", ".parquet"]),
    start=st.sampled_from([b"", b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"PAR1"]),
)
def test_any_content_is_read_or_refused(tmp_path, content, suffix, start):
    path = written(tmp_path / f"x{suffix}", start + content)
    for read in (read_samples, lambda path: read_labels(str(path)), lambda path: read_graph(path, 5)):
        try:
            read(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017 - both outcomes are right
            assert len(str(error)) <= 600  # noqa: PT017


@pytest.mark.parametrize(
    ("name", "content", "labels"),
    [
        ("y.txt", "four\nnine\n", ["four", "nine"]),
        ("y.txt", "4\n9", [4, 9]),
        ("y.csv", "digit\n4\n9\n", [4, 9]),
        ("y.csv", "4.5\n9\n", [4.5, 9.0]),
        ("y.csv", "digit\nfour\n9\n", ["four", "9"]),
        ("y.txt", "four\n\nnine\n", ["four", "", "nine"]),
    ],
)
def test_labels_of_text(tmp_path, name, content, labels):
    assert read_labels(str(written(tmp_path / name, content))).tolist() == labels


def test_blank_labels_among_numbers_are_nan(tmp_path):
    for name, content in (("y.txt", "4\n\n9\n"), ("y.csv", 'digit\n4\n""\n9\n'), ("z.csv", "a,digit\n1,4\n1,\n1, 9")):
        path = written(tmp_path / name, content)
        labels = read_labels("digit", path) if name == "z.csv" else read_labels(str(path))
        np.testing.assert_array_equal(labels, [4.0, np.nan, 9.0])
    pd.DataFrame({"y": ["four", None]}).to_parquet(tmp_path / "y.parquet")
    assert read_labels(str(tmp_path / "y.parquet")).tolist() == ["four", None]


def test_labels_of_arrays(tmp_path):
    np.save(tmp_path / "y.npy", [[4], [9]])
    assert read_labels(str(tmp_path / "y.npy")).tolist() == [4, 9]
    np.savez(tmp_path / "y.npz", y=["four", "nine"])
    assert read_labels(str(tmp_path / "y.npz")).tolist() == ["four", "nine"]
    pd.DataFrame({"y": ["four", "nine"]}).to_parquet(tmp_path / "y.parquet")
    assert read_labels(str(tmp_path / "y.parquet")).tolist() == ["four", "nine"]


def test_labels_in_the_data(tmp_path):
    path = written(tmp_path / "x.csv", "a,kind\n1,four\n2,nine\n")
    assert read_labels("kind", path).tolist() == ["four", "nine"]
    np.savez(tmp_path / "x.npz", X=np.zeros((2, 2)), y=[4, 9])
    assert read_labels("y", tmp_path / "x.npz").tolist() == [4, 9]
    with pytest.raises(ValueError, match=r"x\.csv has no column 'kin'. Did you mean 'kind'\?"):
        read_labels("kin", path)


def test_labels_that_are_none(tmp_path):
    with pytest.raises(
        ValueError, match=re.escape("kind is no file, and there is no data with a column of that name.")
    ):
        read_labels("kind")
    with pytest.raises(ValueError, match=re.escape("kind is no file, and x.npy has no columns by name.")):
        read_labels("kind", "x.npy")
    path = written(tmp_path / "y.csv", "1,2\n")
    with pytest.raises(ValueError, match=re.escape(f"{path}: expected one column of labels. Got 2.")):
        read_labels(str(path))
    np.save(tmp_path / "y.npy", np.zeros((2, 2)))
    with pytest.raises(ValueError, match=re.escape("expected one label a sample, shape (n_samples,). Got an array of")):
        read_labels(str(tmp_path / "y.npy"))
    with pytest.raises(ValueError, match=re.escape("Give labels as .npy, .npz, .csv, .txt or .parquet.")):
        read_labels(str(written(tmp_path / "y.mat", "")))


PAIRS = [[0, 1], [3, 2]]
GRAPH = NeighborhoodGraph.from_pairs(5, PAIRS)


def test_pairs_in_every_format(tmp_path):
    written(tmp_path / "g.csv", "first,second\n0,1\n3,2\n")
    written(tmp_path / "h.csv", "0,1\n3,2\n")
    np.save(tmp_path / "g.npy", PAIRS)
    np.savez(tmp_path / "g.npz", PAIRS)
    sparse.save_npz(tmp_path / "sparse.npz", GRAPH.to_csr())
    for name in ("g.csv", "h.csv", "g.npy", "g.npz", "sparse.npz"):
        assert read_graph(tmp_path / name, 5) == GRAPH, name


def test_pairs_of_three_kinds(tmp_path):
    np.savez(tmp_path / "g.npz", similar=PAIRS, dissimilar=[[0, 4]], ignored=np.empty((0, 2), dtype=int))
    graph = read_graph(tmp_path / "g.npz", 5)
    assert graph == NeighborhoodGraph.from_pairs(5, PAIRS, dissimilar=[[0, 4]], ignored=np.empty((0, 2)))


def test_pairs_that_cannot_be_used(tmp_path):
    path = written(tmp_path / "g.csv", "0,9\n")
    assert refusal(path, read_graph, n_samples=5).startswith("FILE: Expected 'similar' to hold indices in [0, 5)")
    written(path, "0.5,1\n")
    assert refusal(path, read_graph, n_samples=5).startswith("FILE: Expected 'similar' to hold whole, finite indices.")
    written(path, "0,1,3\n")
    assert refusal(path, read_graph, n_samples=5).startswith("FILE: Expected 'similar' to be index pairs of shape")
    np.savez(tmp_path / "g.npz", similar=PAIRS, other=PAIRS)
    assert refusal(tmp_path / "g.npz", read_graph, n_samples=5) == (
        "FILE: expected the arrays 'similar', and if wanted 'dissimilar' and 'ignored'. Got 'similar', 'other'."
    )
    np.savez(tmp_path / "g.npz", ignored=PAIRS, dissimilar=PAIRS)
    assert "Got 'ignored', 'dissimilar'." in refusal(tmp_path / "g.npz", read_graph, n_samples=5)
    sparse.save_npz(tmp_path / "g.npz", sparse.csr_array(np.ones((2, 3))))
    assert "to be square" in refusal(tmp_path / "g.npz", read_graph, n_samples=5)
    sentence = "FILE is of a kind that cannot be read. Give pairs as .csv, .npy or .npz."
    assert refusal(written(tmp_path / "g.mat", ""), read_graph, n_samples=5) == sentence


FLOATS = st.one_of(
    *(
        arrays(
            dtype,
            array_shapes(min_dims=2, max_dims=2, max_side=4),
            elements={"allow_nan": False, "allow_infinity": False},
        )
        for dtype in (np.float32, np.float64)
    )
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(Z=FLOATS, suffix=st.sampled_from(MAP_SUFFIXES))
def test_maps_come_back_to_the_last_bit(tmp_path, Z, suffix):
    path = tmp_path / f"z{suffix}"
    names = [f"drlim{place}" for place in range(Z.shape[1])]
    write_map(path, Z, names)
    found = read_samples(path)
    assert found.X.astype(Z.dtype).tobytes() == Z.tobytes()
    assert found.names == (names if suffix in (".csv", ".parquet") else None)
    if suffix != ".csv":
        assert found.X.dtype == Z.dtype
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_maps_are_written_atomically(tmp_path, monkeypatch):
    def fail(*_: Any) -> None:
        raise OSError("the disk is full")

    for suffix in MAP_SUFFIXES:
        path = written(tmp_path / f"z{suffix}", "old")
        with monkeypatch.context() as full:
            full.setattr("drlim._base.disk.os.fsync", fail)
            with pytest.raises(OSError, match="the disk is full"):
                write_map(path, np.zeros((2, 2)), ["a", "b"])
        assert path.read_bytes() == b"old"


def test_map_of_unknown_kind_is_not_written(tmp_path):
    with pytest.raises(UsageError, match=re.escape("must end in .npy or .npz or .csv or .parquet. Got ")):
        write_map(tmp_path / "z.txt", np.zeros((2, 2)), ["a", "b"])
    assert list(tmp_path.iterdir()) == []


def test_output_that_cannot_be_written_is_found_before(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match=re.escape("A file to be written here must end in .npy or .csv. Got z.txt.")):
        check_output("z.txt", [".npy", ".csv"])
    with pytest.raises(FileNotFoundError, match=re.escape(f"there is no folder {tmp_path / 'no'}. Create it first.")):
        check_output(tmp_path / "no" / "z.npy", [".npy"])
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        check_output(tmp_path / "folder.npy", [".npy"])

    def refuse(**_: Any) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(targets.tempfile, "TemporaryFile", refuse)
    with pytest.raises(PermissionError, match=re.escape(f"Read-only file system in {tmp_path}. Give another path.")):
        check_output(tmp_path / "z.npy", [".npy"])


def test_looking_leaves_nothing(tmp_path):
    check_output(tmp_path / "z.npy", [".npy"])
    check_output(written(tmp_path / "old.NPY", "old"), [".npy"])
    assert [path.name for path in tmp_path.iterdir()] == ["old.NPY"]
    assert (tmp_path / "old.NPY").read_bytes() == b"old"
