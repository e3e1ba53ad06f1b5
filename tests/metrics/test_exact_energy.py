"""The exact energy of a map, by hand."""

from __future__ import annotations

import re

import numpy as np
import pytest

from drlim import NeighborhoodGraph, metrics


def test_exact_energy_is_the_sum_of_two_means():
    graph = NeighborhoodGraph.from_pairs(3, [(0, 1)])
    Z = [[0.0], [3.0], [3.5]]
    # L_S = 9/2. L_D at 3.5 and 0.5: 0 and (m - 1/2)^2 / 2.
    assert metrics.exact_energy(Z, graph) == pytest.approx(9 / 2 + 1 / 16)
    assert metrics.exact_energy(Z, graph, margin=2.0) == pytest.approx(9 / 2 + 9 / 16)
    assert metrics.exact_energy(Z, graph, dissimilar_weight=4.0) == pytest.approx(9 / 2 + 1 / 4)
    with pytest.raises(ValueError, match=re.escape("Got 3 in 'Z' and 4 in 'graph'.")):
        metrics.exact_energy(Z, NeighborhoodGraph.from_pairs(4, [(0, 1)]))
    with pytest.raises(ValueError, match=re.escape("The 'margin' parameter of exact_energy must be a float")):
        metrics.exact_energy(Z, graph, margin=0)
    with pytest.raises(ValueError, match=re.escape("The 'dissimilar_weight' parameter of exact_energy must be")):
        metrics.exact_energy(Z, graph, dissimilar_weight=np.inf)
