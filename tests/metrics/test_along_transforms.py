"""Invariance in the small: cases solved by hand, a map that was told to ignore a change, refusals."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from tests.metrics.differences import TABLE, linear

from drlim import DrLIM, NeighborMap, make_encoder
from drlim.metrics import jacobian, local_invariance

FIRST = linear([1.0, 0.0])
PLANE = np.random.default_rng(0).normal(size=(50, 2))


def up(batch: Any) -> Any:
    return batch + np.array([0.0, 1.0])


def right(batch: Any) -> Any:
    return batch + np.array([1.0, 0.0])


def test_of_two_samples_by_hand() -> None:
    """From one to the other the map moves by 3 over a length of 5; to the right by 1 over 1."""
    report = local_invariance(FIRST, [[0.0, 0.0], [3.0, 4.0]], {"up": up, "right": right})
    along_up, along_right = report.rows
    assert along_up == ("up", 2, 0.0, pytest.approx(0.6), 0.0, 0.0, 0.0)
    assert along_right == ("right", 2, 1.0, pytest.approx(0.6), *[pytest.approx(1 / 0.6)] * 3)
    assert report.velocity["right"].tolist() == [[1.0], [1.0]]
    assert report.velocity["up"].tolist() == [[0.0], [0.0]]


def test_it_is_the_derivative_along_the_way_for_any_batch_and_form() -> None:
    encoder, images = make_encoder("convnet", (24, 24)), np.random.default_rng(0).uniform(size=(300, 24, 24))
    lighter = {"lighter": lambda batch: 1.01 * batch}
    found = local_invariance(encoder, images, lighter)
    J = jacobian(encoder, images)
    np.testing.assert_allclose(found.velocity["lighter"], np.einsum("nkhw,nhw->nk", J, 0.01 * images), rtol=1e-6)
    assert found.rows[0].n_samples == 300


def test_samples_that_a_transform_leaves_alone_do_not_count() -> None:
    X = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 5.0]])
    (row,) = local_invariance(FIRST, X, {"grown": lambda batch: 2 * batch}).rows
    assert row.n_samples == 2


@pytest.mark.parametrize("kind", [DrLIM, NeighborMap])
def test_what_the_map_was_told_to_ignore_moves_it_less(kind: Any) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 6)).astype(np.float32)

    def shaken(batch: Any, generator: Any) -> Any:
        batch = batch.copy()
        batch[:, :3] += generator.normal(size=(len(batch), 3))
        return batch

    def beginning(batch: Any) -> Any:
        return batch + 0.01 * np.array([1, 1, 1, 0, 0, 0], dtype=np.float32)

    def kept(batch: Any) -> Any:
        return batch + 0.01 * np.array([0, 0, 0, 1, 1, 1], dtype=np.float32)

    model = kind(max_epochs=15, orbit=shaken, random_state=0, verbose=False).fit(X)
    ignored, other = local_invariance(model, X, {"ignored": beginning, "kept": kept}).rows
    assert ignored.along < 0.6 * other.along


def test_the_table() -> None:
    lines = str(local_invariance(FIRST, PLANE, [up, right])).split("\n")
    assert [line.split()[0] for line in lines] == ["transform", "1", "2"]
    assert lines[1].split()[1:] == ["0.000", lines[2].split()[2], "0.00", "0.00-0.00", "50"]


def test_the_same_seed_gives_the_same_numbers() -> None:
    one, same, other = (local_invariance(FIRST, PLANE, [right], random_state=seed).rows for seed in (0, 0, 1))
    assert one == same != other


REFUSALS: dict[str, tuple[Any, str]] = {
    "one sample": (lambda: local_invariance(FIRST, [[0.0, 1.0]], [up]), "Expected 'X' to hold at least 2 samples"),
    "equal samples": (lambda: local_invariance(FIRST, np.ones((3, 2)), [up]), "samples between which the map moves"),
    "no change": (
        lambda: local_invariance(FIRST, PLANE, {"same": lambda batch: batch}),
        "Expected transform 'same' to change samples of 'X'. It changes none of them.",
    ),
    "shape": (lambda: local_invariance(FIRST, PLANE, {"cut": lambda batch: batch[:, :1]}), "Expected transform 'cut'"),
    "none": (lambda: local_invariance(FIRST, PLANE, []), "Expected 'transforms' to hold at least one callable"),
    "seed": (lambda: local_invariance(FIRST, TABLE, [up], random_state=-1), "The 'random_state' parameter of"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str) -> None:
    call, message = REFUSALS[name]
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
