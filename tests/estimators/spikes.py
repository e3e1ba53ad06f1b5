"""Spike counts of cells that are tuned to a variable on a ring, made here."""

from __future__ import annotations

import numpy as np

__all__ = ["agreement", "ring_spikes"]


def ring_spikes(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return counts of 40 cells in 810 windows, (810, 40), the hidden phase (810,), and the trial of each, 27 of 30.

    In a trial the phase drifts; each cell fires most, 5 to 15 spikes, at a phase of its own.
    """
    rng = np.random.default_rng(seed)
    preferred, peak = rng.uniform(0, 2 * np.pi, 40), 10 * rng.uniform(0.5, 1.5, 40)
    speed = rng.normal(0, 0.25, size=(27, 1)) + 0.05 * rng.normal(size=(27, 30)).cumsum(axis=1)
    phase = (rng.uniform(0, 2 * np.pi, size=(27, 1)) + speed.cumsum(axis=1)).ravel() % (2 * np.pi)
    rate = peak * np.exp(2 * (np.cos(phase[:, None] - preferred) - 1))
    return rng.poisson(rate).astype(np.float64), phase, np.repeat(np.arange(27), 30)


def agreement(first: np.ndarray, second: np.ndarray) -> float:
    """Return the circular correlation of Fisher and Lee of two angles, turned and mirrored at will."""
    a, b = (np.sin(angle[:, None] - angle) for angle in (first, second))
    return float(abs((a * b).sum()) / np.sqrt((a**2).sum() * (b**2).sum()))
