"""The law: energies and forces of one spring, at rest, stretched, at the margin and beyond it."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from drlim.springs import Attraction, FreeLaw, Law, Repulsion, Springs, make_springs

WANTED = "The 'springs' parameter must be None, a Springs or a pair (L_S, L_D) of laws or callables."

DISTANCES = torch.cat([torch.linspace(0, 3, 61, dtype=torch.float64), torch.tensor([1e-9, 1e3], dtype=torch.float64)])


def values(law: Law, *distances: float) -> tuple[list[float], list[float]]:
    D = torch.tensor(distances, dtype=torch.float64)
    return law.energy(D).tolist(), law.force(D).tolist()


def test_attraction_by_hand():
    energies, forces = values(Attraction(), 0.0, 0.5, 2.0, 10.0)
    assert energies == [0.0, 0.125, 2.0, 50.0]
    assert forces == [0.0, -0.5, -2.0, -10.0]
    assert Attraction().reach == math.inf


def test_repulsion_by_hand():
    energies, forces = values(Repulsion(margin=2.0), 0.0, 0.5, 2.0, 2.5, 100.0)
    assert energies == [2.0, 1.125, 0.0, 0.0, 0.0]
    assert forces == [2.0, 1.5, 0.0, 0.0, 0.0]
    assert Repulsion(margin=2.0).reach == 2.0
    assert Repulsion().margin == 1.0


@pytest.mark.parametrize("law", [Attraction(), Repulsion(0.7), Repulsion(2)])
def test_force_is_minus_the_slope_of_energy(law):
    D, h = DISTANCES + 1e-3, 1e-6  # one step inside D >= 0
    slope = (law.energy(D + h) - law.energy(D - h)) / (2 * h)
    torch.testing.assert_close(law.force(D), -slope, rtol=1e-6, atol=1e-6)


def test_repulsion_is_smooth_at_the_margin():
    law = Repulsion(1.5)
    (before, at, after), (pushed, rest, free) = values(law, np.nextafter(1.5, 0), 1.5, np.nextafter(1.5, 2))
    assert 0 <= before < 1e-31
    assert at == after == 0
    assert 0 < pushed < 1e-15
    assert rest == free == 0


@settings(max_examples=50, deadline=None)
@given(
    st.floats(1e-3, 1e3),
    st.lists(st.floats(0, 1e4), min_size=1, max_size=20),
)
def test_similar_never_push_and_dissimilar_never_pull(margin, distances):
    D = torch.tensor(distances, dtype=torch.float64)
    attraction, repulsion = Attraction(), Repulsion(margin)
    assert (attraction.energy(D) >= 0).all()
    assert (attraction.force(D) <= 0).all()
    assert (repulsion.energy(D) >= 0).all()
    assert ((repulsion.force(D) > 0) == D.lt(margin)).all()
    assert repulsion.force(D).max() <= repulsion.force(torch.zeros(1, dtype=torch.float64))


@settings(max_examples=50, deadline=None)
@given(st.floats(1e-2, 1e2), st.lists(st.floats(0, 3), min_size=1, max_size=20))
def test_margin_sets_the_unit_of_length(margin, ratios):
    D = torch.tensor(ratios, dtype=torch.float64)
    scaled, unit = Repulsion(margin), Repulsion(1.0)
    torch.testing.assert_close(scaled.energy(margin * D), margin**2 * unit.energy(D), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(scaled.force(margin * D), margin * unit.force(D), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("margin", [2, 2.0, np.float16(2), np.float32(2), np.float64(2), np.int64(2)])
def test_dtype_and_shape_are_those_of_the_distance(margin, dtype):
    D = torch.tensor([[0.0, 1.0, 3.0]], dtype=dtype)
    for law in (Attraction(), Repulsion(margin), FreeLaw(lambda d: (2.0 - d).clamp_min(0.0))):
        for value in (law.energy(D), law.force(D)):
            assert value.dtype == dtype
            assert value.shape == (1, 3)
    assert type(Repulsion(margin).reach) is float


def test_distances_are_left_as_they_were():
    for law in (Attraction(), Repulsion(2.0), FreeLaw(torch.square)):
        D = DISTANCES.clone()
        law.energy(D)
        law.force(D)
        assert torch.equal(D, DISTANCES)
        assert not D.requires_grad


@pytest.mark.parametrize(
    ("exact", "formula"),
    [
        (Attraction(), lambda d: 0.5 * d.square()),
        (Repulsion(1.5), lambda d: 0.5 * (1.5 - d).clamp_min(0.0).square()),
    ],
)
def test_a_free_law_given_the_exact_formula_is_the_exact_law(exact, formula):
    free = FreeLaw(formula, reach=exact.reach)
    assert torch.equal(free.energy(DISTANCES), exact.energy(DISTANCES))
    torch.testing.assert_close(free.force(DISTANCES), exact.force(DISTANCES), rtol=1e-14, atol=0)
    assert free.reach == exact.reach


def test_a_free_law_needs_neither_gradients_on_nor_off():
    law = FreeLaw(torch.exp)
    with torch.no_grad():
        assert law.force(torch.zeros(2)).tolist() == [-1.0, -1.0]
    force = law.force(torch.zeros(2, requires_grad=True))
    assert not force.requires_grad
    assert law.reach == math.inf


def test_the_default_is_the_papers_exact_loss():
    assert make_springs() == Springs(Attraction(), Repulsion(1.0))
    assert make_springs(margin=3) == Springs(Attraction(), Repulsion(3))


def test_a_pair_of_laws_or_callables_is_the_general_loss():
    own = make_springs(laws=(Attraction(), torch.exp))
    assert own.similar == Attraction()
    assert own.dissimilar == FreeLaw(torch.exp)
    assert make_springs(laws=[Repulsion(2.0), Repulsion(4.0)]) == Springs(Repulsion(2.0), Repulsion(4.0))
    assert make_springs(margin=5.0, laws=own) == own


class Gravity:
    """A law of one's own, with no base class."""

    reach = math.inf

    def energy(self, distance: Tensor) -> Tensor:
        return -1 / (1 + distance)

    def force(self, distance: Tensor) -> Tensor:
        return -((1 + distance) ** -2)


def test_any_object_with_energy_force_and_reach_is_a_law():
    law = Gravity()
    assert isinstance(law, Law)
    assert not isinstance(torch.exp, Law)
    assert make_springs(laws=(law, torch.exp)).similar.law is law


def test_laws_cannot_be_changed():
    for law, field in ((Repulsion(), "margin"), (FreeLaw(torch.exp), "reach"), (make_springs(), "similar")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(law, field, 2.0)


@pytest.mark.parametrize("margin", [0, 0.0, -1.0, math.inf, math.nan, "1", None, True, [1.0]])
@pytest.mark.parametrize(("make", "owner"), [(Repulsion, "Repulsion"), (make_springs, "make_springs")])
def test_margin_out_of_range(make, owner, margin):
    message = f"The 'margin' parameter of {owner} must be a float in the range (0.0, inf). Got {margin!r} instead."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$") as refusal:
        make(margin=margin)
    assert isinstance(refusal.value, TypeError)


@pytest.mark.parametrize(
    ("laws", "message"),
    [
        ("soft", f"{WANTED} Got 'soft' instead."),
        (torch.exp, f"{WANTED} Got <built-in met"),
        ((torch.exp,), f"{WANTED} Got (<built-in met"),
        ((1, 2, 3), f"{WANTED} Got (1, 2, 3) instead."),
        ((torch.exp, "soft"), f"{WANTED} Got 'soft' in it."),
        (Springs(3, Attraction()), f"{WANTED} Got 3 in it."),
    ],
)
def test_what_is_not_a_pair_of_laws(laws, message):
    with pytest.raises(TypeError, match=f"^{re.escape(message)}") as refusal:
        make_springs(laws=laws)
    assert isinstance(refusal.value, ValueError)


def _fails(reason: str) -> str:
    return f"fails on tensors of three distances: {reason}"


def _maps(energies: str, forces: str) -> str:
    trial = "does not map three distances (0, 0.5, 1) to three finite energies and forces"
    return f"{trial}: got energies {energies} and forces {forces}."


@pytest.mark.parametrize(
    ("law", "message"),
    [
        (Attraction, _fails("Attraction.energy() missing 1 required positional argument: 'distance'.")),
        (lambda: 0.0, _fails("<lambda>() takes 0 positional arguments but 1 was given.")),
        (lambda _: 1.0, _fails("'float' object has no attribute 'sum'.")),
        (lambda _: torch.ones(3), _fails("element 0 of tensors does not require grad")),
        (lambda d: d.distance, _fails("'Tensor' object has no attribute 'distance'.")),
        (lambda _: next(iter([])), _fails("StopIteration.")),
        (lambda _: {}["key" * 999], _fails("'keykeykey")),
        (lambda d: d.sum(), _maps("1.5", "[-1.0, -1.0, -1.0]")),
        (lambda d: d.square() / 0.0, _maps("[nan, inf, inf]", "[nan, -inf, -inf]")),
        (lambda d: d.sqrt(), _maps("[0.0, 0.7071067690849304, 1.0]", "[-inf, -0.7071067690849304, -0.5]")),
        (lambda d: d.repeat(99, 1), _maps(f"[{'[0.0, 0.5, 1.0], ' * 6}...]", "[-99.0, -99.0, -99.0]")),
    ],
)
def test_wrong_laws_are_refused_before_any_training(law, message):
    for laws in ((law, Repulsion()), (Attraction(), law)):
        with pytest.raises(ValueError, match=re.escape(message)) as refusal:
            make_springs(laws=laws)
        assert str(refusal.value).startswith(WANTED)
        assert len(str(refusal.value)) <= 600


class Fragile:
    """A law that fails beyond a distance that no trial reaches."""

    reach = float("inf")

    def energy(self, distance):
        if (distance > 1.5).any():
            raise RuntimeError("too far")
        return distance.square()

    def force(self, distance):
        if (distance > 1.5).any():
            raise RuntimeError("too far")
        return -2 * distance


def test_a_law_that_fails_at_some_distances_only_names_springs():
    law = make_springs(laws=(Fragile(), lambda d: torch.exp(-d))).similar
    assert law.reach == float("inf")
    assert law.force(torch.ones(1)).tolist() == [-2.0]
    for call in (law.energy, law.force):
        with pytest.raises(ValueError, match=r"of 'springs', of distances of shape .* fails: too far") as caught:
            call(torch.full((2,), 3.0))
        assert isinstance(caught.value.__cause__, RuntimeError)
