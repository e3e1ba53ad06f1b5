"""The mixture of network and retrieval, by its formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from drlim.encoders.modern import PlaceLogits, make_trunk
from drlim.encoders.place_encoder import PlaceEncoder, Source, directions
from drlim.encoders.places import PlacesHead, find_places
from drlim.encoders.retrieval import Components, Retrieval

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(200, 10)).astype(np.float32)
PLACES = find_places(X[:, :2], 30)
AXES = np.eye(10, dtype=np.float32)[:2]
FEATURE_AXES = np.eye(6, dtype=np.float32)[1:4]


def network() -> PlaceLogits:
    trunk = nn.Sequential(nn.Linear(10, 6), nn.Tanh())
    return PlaceLogits(trunk, 6, 30).eval()


def sources_of(encoder: PlaceLogits) -> list[Source]:
    with torch.no_grad():
        features = directions(encoder.features(torch.from_numpy(X))).numpy()
    components, of_directions = Components(np.zeros(10), AXES), Components(np.zeros(6), FEATURE_AXES)
    return [
        Source(0.5, Retrieval(X[:, :2], X[:, :2]), components),
        Source(0.25, Retrieval(features @ FEATURE_AXES.T, X[:, :2]), of_directions, of_features=True),
    ]


def test_without_sources_it_is_the_head_of_the_network():
    inner, head, x = network(), PlacesHead(PLACES), torch.from_numpy(X)
    encoder = PlaceEncoder(inner, head)
    assert torch.equal(encoder(x), head(inner(x)))
    assert torch.equal(encoder.confidence(x), head.confidence(inner(x)))


def test_candidates_are_places_and_retrieved_positions_by_their_shares():
    inner, x = network(), torch.from_numpy(X[:20] + 0.1)
    sources, head = sources_of(inner), PlacesHead(PLACES)
    encoder = PlaceEncoder(inner, head, sources)
    parts = [
        head.candidates(inner(x).softmax(dim=1)),
        sources[0].retrieval(x[:, :2]),
        sources[1].retrieval(directions(inner.features(x))[:, 1:4]),
    ]
    found = encoder.candidates(x)
    assert torch.equal(found.positions, torch.cat([part.positions for part in parts], dim=1))
    expected = torch.cat([share * part.mass for share, part in zip((0.25, 0.5, 0.25), parts, strict=True)], dim=1)
    torch.testing.assert_close(found.mass, expected)
    torch.testing.assert_close(encoder(x), head.locate(found)[0])
    torch.testing.assert_close(encoder.confidence(x), head.locate(found)[1])


def test_retrieval_alone_places_the_training_samples_where_they_lie():
    inner, x = network(), torch.from_numpy(X)
    components = Components(np.zeros(10), AXES)
    encoder = PlaceEncoder(inner, PlacesHead(PLACES), [Source(1.0, Retrieval(X[:, :2], X[:, :2]), components)])
    assert (encoder(x) - x[:, :2]).norm(dim=1).median() < 0.01 * PLACES.spacing


def test_directions_have_length_one_and_nothing_stays_nothing():
    assert directions(torch.tensor([[3.0, 4.0], [0.0, 0.0]])).tolist() == [
        pytest.approx([0.6, 0.8]),
        [0.0, 0.0],
    ]


def test_the_state_holds_all_that_the_map_needs():
    """A second encoder of other numbers gives the same map once it has the state of the first."""
    inner, other = network(), network()
    first = PlaceEncoder(inner, PlacesHead(PLACES), sources_of(inner))
    second = PlaceEncoder(other, PlacesHead(PLACES._replace(centres=-PLACES.centres, spacing=9.0)), sources_of(other))
    x = torch.from_numpy(X)
    assert not torch.equal(first(x), second(x))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(x), second(x))


def test_batches_change_nothing_beyond_rounding():
    inner = network()
    encoder = PlaceEncoder(inner, PlacesHead(PLACES), sources_of(inner))
    x = torch.from_numpy(X)
    whole = encoder(x)
    torch.testing.assert_close(torch.cat([encoder(part) for part in x.split(7)]), whole, rtol=1e-4, atol=1e-4)


def test_it_is_exported_whole():
    inner = network()
    encoder = PlaceEncoder(inner, PlacesHead(PLACES), sources_of(inner))
    program = torch.export.export(
        encoder, (torch.from_numpy(X[:5]),), dynamic_shapes=({0: torch.export.Dim("b", min=2)},)
    )
    for n in (2, 17):
        torch.testing.assert_close(program.module()(torch.from_numpy(X[:n])), encoder(torch.from_numpy(X[:n])))


def test_images_go_through_trunk_and_components_alike():
    images = RANDOM.normal(size=(60, 8, 8)).astype(np.float32)
    places = find_places(images[:, 0, :2], 10)
    inner = PlaceLogits(make_trunk((8, 8), 60), 256, 10).eval()
    components = Components(np.zeros(64), np.eye(64)[:3])
    retrieval = Retrieval(images.reshape(60, 64)[:, :3], images[:, 0, :2])
    encoder = PlaceEncoder(inner, PlacesHead(places), [Source(1.0, retrieval, components)])
    expected = PlacesHead(places).locate(retrieval(torch.from_numpy(images).flatten(1)[:, :3]))[0]
    torch.testing.assert_close(encoder(torch.from_numpy(images)), expected)
