"""Places of a map by hand, their targets, and the mode that the head finds."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from drlim.encoders.places import Places, PlacesHead, Targets, find_places, make_targets, number_of_places, spread

SQUARE = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)


def layout(n: int = 500, d: int = 2) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, d)).astype(np.float32)


def head_of(n_places: int = 100, n_steps: int = 3) -> PlacesHead:
    return PlacesHead(find_places(layout(), n_places), n_steps)


def logits_of(head: PlacesHead, n: int = 40) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).normal(size=(n, len(head.centres))).astype(np.float32)) * 4


def height(head: PlacesHead, probabilities: np.ndarray, z: np.ndarray) -> float:
    """f of the docstring, as a literal loop."""
    b = float(head.bandwidth)
    return sum(
        p / (1 + float(((z - c) ** 2).sum()) / b**2) for p, c in zip(probabilities, head.centres.numpy(), strict=True)
    )


def test_each_place_is_the_mean_of_the_rows_nearest_to_it():
    points = np.array([[0, 0], [0, 2], [9, 0], [9, 2], [9, 4]], dtype=np.float32)
    places = find_places(points, 2)
    assert sorted(places.centres.tolist()) == [[0, 1], [9, 2]]
    assert places.spacing == pytest.approx(np.hypot(9, 1))


@pytest.mark.parametrize("d", [1, 2, 3])
def test_k_means_has_come_to_rest(d):
    """No round moves the centres by more than a few hundredths of their spacing on average."""
    points = layout(2000, d)
    centres, spacing = find_places(points, 40)
    cell = ((points[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    means = np.stack([points[cell == k].mean(axis=0) for k in range(40)])
    assert np.abs(means - centres).mean() < 0.05 * spacing


def test_places_repeat_to_the_byte_and_follow_the_seed():
    first, again, other = find_places(layout()), find_places(layout()), find_places(layout(), seed=1)
    assert first.centres.tobytes() == again.centres.tobytes()
    assert first.spacing == again.spacing
    assert first.centres.tobytes() != other.centres.tobytes()


def test_there_are_no_more_places_than_distinct_positions():
    places = find_places(np.repeat(SQUARE, 20, axis=0), 30)
    assert sorted(places.centres.tolist()) == sorted(SQUARE.tolist())
    assert places.spacing == 1


def test_a_map_of_one_point_has_one_place():
    places = find_places(np.zeros((10, 2), dtype=np.float32), 5)
    assert places.centres.tolist() == [[0, 0]]
    targets = make_targets(np.zeros((10, 2)), places)
    assert targets.weight.tolist() == [[1.0]] * 10
    assert PlacesHead(places)(torch.zeros(3, 1)).tolist() == [[0, 0]] * 3


def test_the_number_of_places_grows_with_the_samples():
    numbers = [number_of_places(n) for n in range(1, 100_000, 7)]
    assert numbers == sorted(numbers)
    assert (numbers[0], numbers[-1]) == (1, 1200)


def test_targets_are_the_softmax_over_the_sixteen_nearest_places():
    places = find_places(layout(), 100)
    targets = make_targets(layout(), places)
    squares = ((layout()[:, None] - places.centres) ** 2).sum(axis=2)  # (n, K)
    nearest = squares <= np.sort(squares, axis=1)[:, 15:16]
    expected = np.where(nearest, np.exp(-squares / (2 * (places.spacing / 2) ** 2)), 0)
    expected /= expected.sum(axis=1, keepdims=True)
    dense = spread(torch.from_numpy(targets.places), torch.from_numpy(targets.weight), 100).numpy()
    np.testing.assert_allclose(dense, expected, atol=1e-5)
    np.testing.assert_allclose(targets.weight.sum(axis=1), 1, rtol=1e-6)
    assert (np.diff(targets.weight, axis=1) <= 0).all()


def test_a_far_outlier_belongs_to_the_nearest_place():
    targets = make_targets(np.array([[-1e6, -1e6]]), Places(SQUARE, 1.0))
    assert targets.places[0, 0] == 0
    assert targets.weight.tolist() == [[1, 0, 0, 0]]


def test_a_sure_sample_stands_on_its_place():
    head = PlacesHead(Places(SQUARE, 1.0))
    assert head(torch.tensor([[-1e9, -1e9, 0.0, -1e9]])).tolist() == [[1, 0]]
    assert head.confidence(torch.tensor([[-1e9, -1e9, 0.0, -1e9]])).tolist() == [1]


def test_the_head_moves_uphill_to_a_mode_of_the_docstrings_f():
    """No start among the places is higher than its own; each step rises; many steps end where the slope is 0."""
    n_places = 16  # as many as the head looks at, so that the literal f is the head's
    heads = [head_of(n_places, n_steps) for n_steps in (0, 1, 3, 300)]
    logits = logits_of(heads[0])
    P = logits.softmax(dim=1).numpy()
    found = [head(logits).numpy() for head in heads]
    heights = np.array([[height(heads[0], p, z) for p, z in zip(P, Z, strict=True)] for Z in found])
    of_places = np.array([[height(heads[0], p, c) for c in heads[0].centres.numpy()] for p in P])
    np.testing.assert_allclose(heights[0], of_places.max(axis=1), rtol=1e-5)
    assert (np.diff(heights, axis=0) >= -1e-6).all()
    assert (heights[1] > heights[0] + 1e-4).any()
    step = 1e-3
    slope = [
        (height(heads[0], p, z + step * axis) - height(heads[0], p, z - step * axis)) / (2 * step)
        for p, z in zip(P, found[-1], strict=True)
        for axis in np.eye(2)
    ]
    assert np.abs(slope).max() < 2e-3
    np.testing.assert_allclose(heads[-1].confidence(logits), heights[-1], rtol=1e-5)


def test_only_the_sixteen_most_probable_places_count():
    head = head_of(100)
    probabilities = logits_of(head).softmax(dim=1)
    sixteenth = probabilities.sort(dim=1, descending=True).values[:, 15:16]
    cut = torch.where(probabilities >= sixteenth, probabilities, 0.0)
    found, again = (head.locate(head.candidates(P))[0] for P in (probabilities, cut))
    assert torch.equal(found, again)


def test_positions_do_not_depend_on_batch_or_order():
    head = head_of()
    logits = logits_of(head)
    together = head(logits)
    alone = torch.cat([head(row[None]) for row in logits])
    order = torch.from_numpy(np.random.default_rng(2).permutation(len(logits)))
    torch.testing.assert_close(alone, together, rtol=1e-6, atol=1e-6)
    assert torch.equal(head(logits.index_select(0, order)), together.index_select(0, order))


def test_a_map_moved_and_turned_gives_positions_moved_and_turned():
    places = find_places(layout(), 100)
    turn = np.array([[0, 1], [-1, 0]], dtype=np.float32)
    moved = places._replace(centres=places.centres @ turn + 3)
    logits = logits_of(PlacesHead(places))
    expected = PlacesHead(places)(logits).numpy() @ turn + 3
    np.testing.assert_allclose(PlacesHead(moved)(logits), expected, atol=1e-4)


def test_the_head_computes_in_double_when_asked():
    head = head_of().double()
    assert head(logits_of(head).double()).dtype == torch.float64


def test_targets_have_their_documented_types():
    targets = make_targets(layout(), find_places(layout()))
    assert isinstance(targets, Targets)
    assert (targets.places.dtype, targets.weight.dtype, targets.n_places) == (np.int64, np.float32, 125)
    assert targets.places.shape == (500, 16)


def test_the_graph_of_the_head_is_exported_whole():
    """`torch.export`, through which torch.onnx's dynamo goes, with a batch of any size."""
    head = head_of()
    program = torch.export.export(head, (logits_of(head),), dynamic_shapes=({0: torch.export.Dim("b", min=2)},))
    for n in (2, 17):
        logits = logits_of(head, n)
        torch.testing.assert_close(program.module()(logits), head(logits))
