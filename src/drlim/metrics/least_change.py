"""The shortest vector within bounds that solves a few linear equations."""

from __future__ import annotations

import numpy as np

from drlim._base.arrays import Floats

__all__ = ["least_change"]

_ROUNDS = 60
"""Maximum number of Newton steps. Without bounds one is enough."""

_SOLVED = 1e-12
"""Rest of the equations, relative to their right side, at which they count as solved."""


def least_change(A: Floats, b: Floats, low: Floats, high: Floats) -> Floats:
    """Return the u of least length with ``A u = b`` and ``low <= u <= high``.

    By Newton's method on the dual problem, which has as many unknowns as there are equations::

        maximise  b l - sum_j (u_j y_j - u_j^2 / 2),    y = A^T l,    u = y brought within the bounds

    Parameters
    ----------
    A : ndarray, shape (d, p)
    b : ndarray, shape (d,)
    low, high : ndarray, shape (p,)
        They may be infinite. 0 lies within them.

    Returns
    -------
    ndarray, shape (p,)
        Where the equations have no solution within the bounds, a vector that comes near to one.

    Examples
    --------
    >>> u = least_change(np.array([[1.0, 1.0]]), np.array([4.0]), np.array([-9.0, -9.0]), np.array([1.0, 9.0]))
    >>> u.round(9).tolist()
    [1.0, 3.0]
    """
    dual = np.zeros(len(b))
    y = np.zeros(A.shape[1])
    height = 0.0
    for _ in range(_ROUNDS):
        u = np.clip(y, low, high)
        rest = b - A @ u  # (d,) gradient of the dual
        if np.linalg.norm(rest) <= _SOLVED * np.linalg.norm(b):
            break
        free = (y >= low) & (y <= high)
        step = _newton_step(A[:, free], rest, float(np.linalg.norm(A)))
        improved = False
        for _ in range(40):
            there = A.T @ (dual + step)
            inside = np.clip(there, low, high)
            reached = float(b @ (dual + step) - np.sum(inside * there - inside**2 / 2))
            if reached > height:
                improved = True
                break
            step = step / 2
        if not improved:
            break
        dual, y, height = dual + step, there, reached
    return np.clip(y, low, high)


def _newton_step(A: Floats, rest: Floats, size: float) -> Floats:
    """Return (A A^T)^-1 rest; directions in which A has no slope are left out."""
    product = A @ A.T + 1e-14 * size**2 * np.eye(len(rest))  # (d, d)
    return np.asarray(np.linalg.lstsq(product, rest, rcond=None)[0], dtype=np.float64)
