"""Views of one object: the aeroplane that ships, and the aeroplanes of a user's small NORB."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from drlim.datasets import PosedImages, small_norb_airplane, turntable
from drlim.datasets.formats import write_norb_matrix

FULL = "smallnorb-5x46789x9x18x6x2x96x96-training-{}.mat"
AIRPLANE = 2


def small_norb(instances=(4, 6)) -> dict[str, np.ndarray]:
    """Shuffled files of NORB's layout; each image tells its pose, instance, category and side in its first pixels."""
    rows = [
        (category, instance, elevation, azimuth, lighting)
        for category, instance in [(AIRPLANE, i) for i in instances]
        for elevation, azimuth, lighting in product(range(9), range(0, 36, 2), range(6))
    ]
    rows += [(c, i, 0, 0, 0) for c in (0, 1, 3, 4) for i in instances]  # as good as all of the other categories
    table = np.random.default_rng(0).permutation(np.array(rows, dtype=np.int32))
    dat = np.zeros((len(table), 2, 96, 96), np.uint8)
    dat[:, 0, 0, :5] = table
    dat[:, :, 95, 95] = [100, 200]  # left, right
    return {"dat": dat, "cat": table[:, 0], "info": table[:, 1:]}


def write_norb(folder: Path, pattern: str = FULL, **changed: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for part, values in (NORB | changed).items():
        write_norb_matrix(folder / pattern.format(part), values)
    return folder


NORB = small_norb()


def assert_airplane(data: PosedImages, instance: int) -> None:
    found = np.rint(data.images * 255).astype(int)
    assert found.shape == (972, 96, 96)
    assert data.images.dtype == np.float32
    assert (found[:, 95, 95] == 100).all()
    poses = list(product(range(9), range(0, 36, 2), range(6)))
    assert found[:, 0, :5].tolist() == [[AIRPLANE, instance, *pose] for pose in poses]
    assert_layout(data)


def assert_layout(data: PosedImages) -> None:
    """By elevation, then azimuth, then lighting, in degrees."""
    expected = np.array(list(product(range(30, 75, 5), range(0, 360, 20), range(6))))
    assert list(data.metadata) == ["elevation", "azimuth", "lighting"]
    np.testing.assert_array_equal(np.column_stack(list(data.metadata.values())), expected)
    assert {values.dtype for values in data.metadata.values()} == {np.dtype(np.int64)}
    assert (len(data.train), len(data.test)) == (660, 312)
    np.testing.assert_array_equal(np.sort([*data.train, *data.test]), np.arange(972))


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch):
    monkeypatch.delenv("DRLIM_DATA", raising=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """Small NORB's training files, in the folder ``norb`` of the folder returned."""
    return write_norb(tmp_path_factory.mktemp("data") / "norb").parent


def test_turntable_layout():
    data = turntable()
    assert_layout(data)
    assert repr(data) == "PosedImages(images (972, 96, 96), train (660,), test (312,))"
    assert data.images.dtype == np.float32
    assert 0 <= data.images.min() < 0.2
    assert 0.7 < data.images.max() <= 1


def test_every_view_on_the_turntable_differs():
    images = turntable().images.reshape(972, -1)
    assert len(np.unique(images, axis=0)) == 972


def test_neighbouring_azimuths_look_alike_and_none_has_a_twin():
    images = turntable().images[::6].reshape(9, 18, -1)  # one lighting
    by_step = [np.linalg.norm(images - np.roll(images, step, axis=1), axis=-1) for step in range(1, 10)]
    # Opposite views overlap again, nose on tail, and are the nearest of all: pixels alone do not tell the ring.
    assert by_step[0].mean() < 0.95 * min(by_step[1].mean(), by_step[2].mean())
    assert min(distance.min() for distance in by_step[1:]) > 0.4 * by_step[0].mean()


def test_nearest_elevation_of_a_view_is_the_next():
    images = turntable().images[::6].reshape(9, 18, -1)
    gaps = np.linalg.norm(images[:, None] - images[None], axis=-1).mean(-1)
    nearest = np.argsort(gaps, axis=1)[:, 1]
    assert np.abs(nearest - np.arange(9)).tolist() == [1] * 9


def test_lightings_of_a_turntable_differ_in_background_and_direction():
    images = turntable().images.reshape(162, 6, 96, 96)
    background = images[:, :, :2, :2].mean((0, 2, 3))
    assert np.ptp(images[:, :, 0, 0], axis=0).max() == 0  # the same at each pose
    assert np.diff(np.sort(background)).min() > 0.02
    # Lamps 0 and 1 are mirror images, and so brighten opposite halves of the view from ahead.
    left, right = images[0, 0], images[0, 1]
    shade = np.abs((left - background[0]) - (right - background[1])[:, ::-1]).mean()
    assert shade < 0.3 * np.abs((left - background[0]) - (right - background[1])).mean()


def test_aeroplane_stays_within_the_frame_and_fills_it():
    images = turntable().images.reshape(9, 18, 6, 96, 96)
    ink = np.abs(images - images[..., :1, :1]) > 0.02
    assert not ink[..., [0, -1], :].any()
    assert not ink[..., [0, -1]].any()
    across = np.maximum(np.ptp(np.argwhere(ink[4, 0, 0])[:, 0]), np.ptp(np.argwhere(ink[4, 0, 0])[:, 1]))
    assert 0.6 < across / 96 < 0.85


@pytest.mark.parametrize("instance", [4, 6, np.int64(6)])
def test_airplane_by_argument(whole, instance):
    assert_airplane(small_norb_airplane(instance, data_home=whole), int(instance))


def test_split_is_that_of_the_turntable(whole):
    data, other = small_norb_airplane(data_home=str(whole / "norb")), turntable()
    np.testing.assert_array_equal(data.train, other.train)
    np.testing.assert_array_equal(data.test, other.test)


def test_airplane_by_variable(whole, monkeypatch):
    monkeypatch.setenv("DRLIM_DATA", str(whole))
    assert_airplane(small_norb_airplane(), 4)


@pytest.mark.parametrize("pattern", ["smallnorb-training-{}.mat", "training-{}.mat", "testing-{}.mat.gz", FULL + ".gz"])
def test_short_and_packed_names(tmp_path, pattern):
    assert_airplane(small_norb_airplane(6, data_home=write_norb(tmp_path, pattern)), 6)


def test_instance_of_the_other_set_of_files(tmp_path, whole):
    folder = write_norb(tmp_path, FULL)
    write_norb(folder, "smallnorb-5x01235x9x18x6x2x96x96-testing-{}.mat", **small_norb((3,)))
    assert_airplane(small_norb_airplane(3, data_home=folder), 3)
    message = (
        "No file of aeroplane 3 of small NORB is on this machine. Put "
        "smallnorb-5x01235x9x18x6x2x96x96-testing-dat.mat.gz, smallnorb-5x01235x9x18x6x2x96x96-testing-cat.mat.gz, "
        "smallnorb-5x01235x9x18x6x2x96x96-testing-info.mat.gz (from "
    )
    with pytest.raises(FileNotFoundError, match=re.escape(message)) as caught:
        small_norb_airplane(3, data_home=whole)
    assert str(caught.value).endswith(f"unpacked or not) into {whole}.")


@pytest.mark.parametrize("named", [True, False])
def test_no_files_at_all(tmp_path, named):
    with pytest.raises(FileNotFoundError) as caught:
        small_norb_airplane(4, data_home=tmp_path if named else None)
    message = str(caught.value)
    assert message.startswith(
        "No file of small NORB is on this machine. Put smallnorb-5x46789x9x18x6x2x96x96-training-dat.mat.gz, "
    )
    where = tmp_path if named else "a folder that DRLIM_DATA or 'data_home' names"
    assert message.endswith(f" into {where}.")
    assert len(message) <= 600


@pytest.mark.parametrize("part", ["dat", "cat", "info"])
def test_one_file_missing(tmp_path, part):
    folder = write_norb(tmp_path)
    (folder / FULL.format(part)).unlink()
    message = f"Small NORB is not whole in {folder}: put smallnorb-...-training-{part}.mat.gz there, unpacked or not."
    with pytest.raises(FileNotFoundError, match=re.escape(message)):
        small_norb_airplane(4, data_home=folder)


@pytest.mark.parametrize("part", ["dat", "cat", "info"])
@pytest.mark.parametrize(
    ("damage", "message"), [("cut", "is truncated: its header promises shape ("), ("text", "is not")]
)
def test_damaged_file_is_named(tmp_path, part, damage, message):
    path = write_norb(tmp_path) / FULL.format(part)
    path.write_bytes(path.read_bytes()[:-1] if damage == "cut" else b"<html>not found</html>")
    with pytest.raises(ValueError, match=re.escape(f"{path} {message}")):
        small_norb_airplane(4, data_home=tmp_path)


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("cat", lambda v: v[:-1], "is not small NORB's: it holds int32 of shape (1951,), where int32 of shape (1952,)"),
        ("cat", lambda v: v.astype("f4"), "is not small NORB's: it holds float32 of shape (1952,), where int32"),
        ("info", lambda v: v[:, :3], "is not small NORB's: it holds int32 of shape (1952, 3), where int32 of shape"),
        ("info", lambda v: v * [1, 1, 1, 0], "is not small NORB's: it does not list each of 9 elevations x 18"),
        ("dat", lambda v: v[:900], "is not small NORB's: {cat} lists 1952 pairs of images, and it holds fewer."),
        ("dat", lambda v: v[:, :, :48], "is not small NORB's: it holds uint8 of shape (2, 48, 96), where uint8"),
        ("dat", lambda v: v.astype("i2"), "is not small NORB's: it holds int16 of shape (2, 96, 96), where uint8"),
    ],
)
def test_foreign_file_is_named(tmp_path, part, change, message):
    values = change(NORB[part])
    folder = write_norb(tmp_path, **{part: values.astype(np.int32) if values.dtype == np.int64 else values})
    expected = f"{folder / FULL.format(part)} {message.format(cat=FULL.format('cat'))}"
    with pytest.raises(ValueError, match=re.escape(expected)):
        small_norb_airplane(4, data_home=folder)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"instance": 10}, "The 'instance' parameter of small_norb_airplane must be an int in the range [0, 9]."),
        ({"instance": True}, "The 'instance' parameter of small_norb_airplane must be an int in the range [0, 9]."),
        ({"data_home": 3}, "The 'data_home' parameter of small_norb_airplane must be an instance of 'str'"),
    ],
)
def test_bad_arguments(given, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        small_norb_airplane(**given)
