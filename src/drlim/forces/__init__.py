"""The lift of a law from one pair to many points: energies and forces, over a graph or over all pairs."""

from __future__ import annotations

from drlim.forces.objective import Balance, GraphEnergy, all_pairs, balanced, graph_energy, pair_list

__all__ = [
    "Balance",
    "GraphEnergy",
    "all_pairs",
    "balanced",
    "graph_energy",
    "pair_list",
]
