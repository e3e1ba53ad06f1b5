"""Spaces by themselves: their points, coordinates, distances and directions, the last layer, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.forces.literal_space import SPACES, arc, points_on
from torch import nn

from drlim._base.checks import InvalidParameterError
from drlim.spaces import Circle, Cylinder, Euclidean, Line, OnSpace, Space, Sphere, Torus, space_of
from drlim.spaces.nearest import nearest_on


def test_products_do_not_depend_on_the_order_of_their_factors() -> None:
    assert Line() * Circle(2.0) * Line() == Circle(2.0) * Line(2)
    assert repr(Sphere() * Circle(1.0)) == "Circle(radius=1.0) * Sphere(radius='auto')"
    assert (Line(2) * Torus()).n_ambient == 6
    assert Euclidean(3) == Line(3)
    assert Line(3).is_flat
    assert not Cylinder().is_flat


def test_volumes_of_closed_spaces() -> None:
    assert Circle(2.0).volume == pytest.approx(4 * math.pi)
    assert Sphere(2.0).volume == pytest.approx(16 * math.pi)
    assert Torus(1.0, 2.0).volume == pytest.approx(8 * math.pi**2)
    assert Cylinder(1.0).volume == math.inf
    assert math.isnan(Circle().volume)


def test_coordinates_of_points_by_hand() -> None:
    Z = np.array([[0.0, -2.0, 5.0], [-2.0, 0.0, 0.0], [2.0, -1e-20, 1.0]])
    angles = Cylinder(2.0).coordinates(Z)
    assert angles == pytest.approx(np.array([[1.5 * math.pi, 5.0], [math.pi, 0.0], [0.0, 1.0]]))
    assert (angles[:, 0] < 2 * math.pi).all()
    pole = Sphere(3.0).coordinates(np.array([[0.0, 0.0, -3.0], [0.0, 3.0, 0.0]]))
    assert pole == pytest.approx(np.array([[0.0, -math.pi / 2], [math.pi / 2, 0.0]]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_coordinates_lead_back_to_the_points(space: Space, dtype: type) -> None:
    Z = points_on(space, 50).numpy().astype(dtype)
    coordinates = space.coordinates(Z)
    assert coordinates.dtype == dtype
    assert coordinates.shape == (50, space.n_components)
    assert space.ambient(coordinates) == pytest.approx(Z, abs=1e-6)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_distances_and_neighbours_are_those_of_arcs(space: Space) -> None:
    Z = points_on(space, 30).numpy()
    wanted = np.array([[arc(space, a, b)[0] for b in Z] for a in Z])
    assert space.squared_distances(Z[:, None], Z[None]) == pytest.approx(wanted**2, abs=1e-12)
    coordinates = space.coordinates(Z)
    distances, rows = nearest_on(space, coordinates, coordinates[:7], 4)
    assert rows.tolist() == np.argsort(wanted[:7], axis=1, kind="stable")[:, :4].tolist()
    assert distances == pytest.approx(np.sort(wanted[:7], axis=1)[:, :4], abs=1e-7)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_the_frame_is_orthonormal_along_the_space_and_follows_the_coordinates(space: Space) -> None:
    Z = points_on(space, 6)
    frame = space.frame(Z)
    assert (frame @ frame.mT).numpy() == pytest.approx(
        np.broadcast_to(np.eye(space.n_components), frame[:, :, : space.n_components].shape)
    )
    moved = space.coordinates(Z.numpy())
    for axis in range(space.n_components):
        step = np.zeros(space.n_components)
        step[axis] = 1e-6
        way = (space.ambient(moved + step) - space.ambient(moved)) / 1e-6
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        assert frame[:, axis].numpy() == pytest.approx(way, abs=1e-5)


def test_the_last_layer_is_smooth_and_has_no_seam() -> None:
    layer = OnSpace(nn.Identity(), Circle(2.0)).double()
    angles = torch.linspace(0, 4 * math.pi, 4001, dtype=torch.float64)
    free = 0.3 * torch.stack([angles.cos(), angles.sin()], dim=1)
    steps = (layer(free)[1:] - layer(free)[:-1]).square().sum(1).sqrt()
    assert float(steps.max()) == pytest.approx(2 * 4 * math.pi / 4000, rel=1e-5)
    free = free[:5].clone().requires_grad_()
    assert torch.autograd.gradcheck(layer, (free,))
    assert torch.autograd.gradcheck(
        OnSpace(nn.Identity(), Sphere(1.5)).double(),
        (torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_(),),
    )


def test_outputs_of_zero_and_tiny_ones_have_a_place() -> None:
    layer = OnSpace(nn.Identity(), Cylinder(2.0))
    found = layer(torch.tensor([[0.0, 0.0, 1.0], [0.0, 1e-30, 1.0]]))
    assert found.tolist() == [[2.0, 0.0, 1.0], [0.0, 2.0, 1.0]]


def test_radii_are_learned_unless_they_are_given_or_kept() -> None:
    layer = OnSpace(nn.Identity(), Torus(3.0, "auto"), initial=0.5)
    assert [factor.radius for factor in layer.resolved(2.0).factors] == pytest.approx([6.0, 1.0])
    assert [name for name, weight in layer.named_parameters() if weight.requires_grad] == ["log_radii"]
    layer.keep_radii()
    assert not any(weight.requires_grad for weight in layer.parameters())
    assert not list(OnSpace(nn.Identity(), Circle(1.0)).parameters())


def test_a_name_or_a_space_decides_the_number_of_dimensions() -> None:
    assert space_of("euclidean", 4) == Line(4)
    assert space_of("torus", 2) == Torus()
    assert space_of(Circle() * Line(3), 4) == Circle() * Line(3)
    with pytest.raises(
        InvalidParameterError, match=r"must be that of the space, 1 of Circle\(radius='auto'\).*Got 3\."
    ):
        space_of("circle", 3)


@pytest.mark.parametrize("radius", [0.0, -1.0, math.inf, math.nan, "large", None, True])
def test_bad_radii_are_refused(radius: object) -> None:
    with pytest.raises(InvalidParameterError, match="'radius' parameter of Circle"):
        Circle(radius)  # type: ignore[arg-type]


def test_bad_lines_are_refused() -> None:
    with pytest.raises(InvalidParameterError, match="'n_dimensions' parameter of Line"):
        Line(0)
