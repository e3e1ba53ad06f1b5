"""Heavy-tailed laws: springs that slacken with distance, so that groups can part and leave gaps between them.

The paper's laws spread samples evenly: a similar pair attracts the more strongly the longer it is, and a dissimilar
pair beyond the margin has no force. Where relations are measured and some are wrong, the law must let a long similar
pair go. The methods below differ in their laws, and in how they choose and weight pairs; each fits equation 3,
``(1 - Y) L_S(D) + Y L_D(D)``:

======================= ====================================== ======================================================
method                  L_S, similar pairs                     L_D, dissimilar pairs
======================= ====================================== ======================================================
DrLIM (equation 4)      1/2 D^2                                1/2 max(0, m - D)^2
here                    log(1 + D^2)                           1 / (1 + D^2), all pairs, weight by a schedule
t-SNE                   log(1 + D^2)                           1 / (1 + D^2), all pairs, weight 1/S [1]_
UMAP                    log(1 + a D^(2b))                      log(1 + 1 / (a D^(2b))), pairs drawn at random [2]_
PaCMAP                  (1 + D^2) / (11 + D^2), near pairs     1 / (2 + D^2), further pairs [3]_
InfoNCE                 D^2 / (2 tau)                          exp(-D^2 / (2 tau)), batch, weight 1/S_i [4]_
======================= ====================================== ======================================================

.. [1] The Kullback-Leibler divergence is, but for a constant, ``sum p_ij log(1 + D_ij^2) + log S`` over ordered pairs,
   with ``S = sum 1 / (1 + D_kl^2)``. Its gradient is that of the two laws, with 1/S for a constant.
.. [2] The cross-entropy of ``v = 1 / (1 + a D^(2b))``: ``-log v`` and ``-log(1 - v)``. At its default ``min_dist=0.1``,
   a = 1.577 and b = 0.895.
.. [3] Its article writes d for ``1 + D^2``: near pairs ``d / (10 + d)``, further pairs ``1 / (1 + d)``, and mid-near
   pairs, which are similar as well and count for a time, ``d / (10000 + d)``.
.. [4] For outputs on the unit sphere, where ``<z_i, z_j> = 1 - D^2 / 2``: the loss of a similar pair is, but for a
   constant, ``D_ij^2 / (2 tau) + log S_i`` with ``S_i = sum_k exp(-D_ik^2 / (2 tau))``. Its gradient is that of the two
   laws, with 1/S_i for a constant.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

__all__ = ["CauchyRepulsion", "LogAttraction"]


@dataclass(frozen=True)
class LogAttraction:
    """The similar pair's spring of t-SNE: it attracts, most strongly at D = 1, and ever less beyond.

    ::

        L_S(D) = log(1 + D^2)
        -dL_S/dD = -2 D / (1 + D^2)

    A pair far apart costs little more when it parts further, so a wrong relation does not hold two groups together.

    Examples
    --------
    >>> import torch
    >>> law = LogAttraction()
    >>> law.energy(torch.tensor([0.0, 1.0])).tolist()
    [0.0, 0.6931471824645996]
    >>> law.force(torch.tensor([0.0, 1.0, 3.0])).tolist()
    [-0.0, -1.0, -0.6000000238418579]
    """

    @property
    def reach(self) -> float:
        """Infinite: a similar pair attracts from any distance."""
        return float("inf")

    def energy(self, distance: Tensor) -> Tensor:
        """Return log(1 + D^2)."""
        return distance.square().log1p()

    def force(self, distance: Tensor) -> Tensor:
        """Return -2 D / (1 + D^2)."""
        return -2.0 * (distance / (1.0 + distance.square()))


@dataclass(frozen=True)
class CauchyRepulsion:
    """The dissimilar pair's spring of t-SNE: it repels, most strongly at D = 0.58, and has no margin.

    ::

        L_D(D) = 1 / (1 + D^2)
        -dL_D/dD = 2 D / (1 + D^2)^2

    The force is 0 at D = 0 and falls as 2 / D^3 far off: all pairs repel, near ones count. The greatest force,
    9 / (8 sqrt(3)) = 0.65, is at D = 1 / sqrt(3).

    Examples
    --------
    >>> import torch
    >>> law = CauchyRepulsion()
    >>> law.energy(torch.tensor([0.0, 1.0, 3.0])).tolist()
    [1.0, 0.5, 0.10000000149011612]
    >>> law.force(torch.tensor([0.0, 1.0])).tolist()
    [0.0, 0.5]
    """

    @property
    def reach(self) -> float:
        """Infinite: a dissimilar pair repels from any distance."""
        return float("inf")

    def energy(self, distance: Tensor) -> Tensor:
        """Return 1 / (1 + D^2)."""
        return (1.0 + distance.square()).reciprocal()

    def force(self, distance: Tensor) -> Tensor:
        """Return 2 D / (1 + D^2)^2."""
        return 2.0 * (distance / (1.0 + distance.square()).square())
