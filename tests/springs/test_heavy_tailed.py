"""The heavy-tailed laws: their formulas by hand, and forces as slopes of energies."""

from __future__ import annotations

import math

import pytest
import torch

from drlim.springs import Law, make_springs
from drlim.springs.heavy_tailed import CauchyRepulsion, LogAttraction

LAWS = [LogAttraction(), CauchyRepulsion()]


def test_by_hand() -> None:
    distance = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64)
    assert LogAttraction().energy(distance).tolist() == pytest.approx([0.0, math.log(2), math.log(5)])
    assert LogAttraction().force(distance).tolist() == pytest.approx([0.0, -1.0, -0.8])
    assert CauchyRepulsion().energy(distance).tolist() == pytest.approx([1.0, 0.5, 0.2])
    assert CauchyRepulsion().force(distance).tolist() == pytest.approx([0.0, 0.5, 0.16])


@pytest.mark.parametrize("law", LAWS)
def test_force_is_minus_the_slope_of_the_energy(law: Law) -> None:
    distance = torch.linspace(0.01, 30, 500, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(law.energy(distance).sum(), distance)
    torch.testing.assert_close(law.force(distance), -slope, rtol=1e-12, atol=0)


@pytest.mark.parametrize("law", LAWS)
def test_they_are_laws_of_infinite_reach(law: Law) -> None:
    assert isinstance(law, Law)
    assert law.reach == math.inf
    assert law == type(law)()


def test_signs_and_maxima() -> None:
    distance = torch.linspace(0, 10, 100_001, dtype=torch.float64)
    attracts, repels = LogAttraction().force(distance), CauchyRepulsion().force(distance)
    assert (attracts <= 0).all()
    assert (repels >= 0).all()
    assert float(distance[attracts.argmin()]) == pytest.approx(1.0, abs=1e-3)
    assert float(distance[repels.argmax()]) == pytest.approx(3**-0.5, abs=1e-3)
    assert float(repels.max()) == pytest.approx(9 / (8 * 3**0.5))


def test_forces_stay_finite_at_any_distance_of_float32() -> None:
    distance = torch.tensor([1e19, 1e30, 3e38])
    for law in LAWS:
        assert torch.isfinite(law.force(distance)).all()


def test_they_make_springs() -> None:
    springs = make_springs(laws=(LogAttraction(), CauchyRepulsion()))
    assert (springs.similar, springs.dissimilar) == (LogAttraction(), CauchyRepulsion())


def test_the_gradient_of_t_sne_is_that_of_the_two_laws_with_the_weight_at_the_sum() -> None:
    """The table's claim: KL divergence and sum p L_S + (1/S) sum L_D have one gradient, for S = sum of 1/(1 + D^2)."""
    generator = torch.Generator().manual_seed(0)
    Z = torch.randn(6, 2, dtype=torch.float64, generator=generator, requires_grad=True)
    p = torch.rand(6, 6, dtype=torch.float64, generator=generator)
    p = (p + p.T) * (1 - torch.eye(6))
    p = p / p.sum()
    others = ~torch.eye(6, dtype=torch.bool)
    square = (Z[:, None] - Z).square().sum(2)[others]  # (30,)
    q = 1 / (1 + square)
    (wanted,) = torch.autograd.grad(-(p[others] * (q / q.sum()).log()).sum(), Z, retain_graph=True)
    distance, weight = square.sqrt(), 1 / q.sum().detach()
    energy = (p[others] * LogAttraction().energy(distance)).sum() + weight * CauchyRepulsion().energy(distance).sum()
    (found,) = torch.autograd.grad(energy, Z)
    torch.testing.assert_close(found, wanted)
