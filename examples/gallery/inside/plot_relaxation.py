"""
Points that relax
=================

Twelve points are joined to a ring by similar pairs, and all other pairs are dissimilar. No encoder is needed to see the
springs at work: the points follow the force, which is minus the gradient of the energy.
"""

import numpy as np
import torch

import drlim

graph = drlim.NeighborhoodGraph.from_pairs(12, [(i, (i + 1) % 12) for i in range(12)])
springs = drlim.make_springs(margin=1.0)
balance = drlim.forces.balanced(graph)
Z = torch.from_numpy(np.random.default_rng(3).normal(scale=0.2, size=(12, 2)))

frames = []
for step in range(401):
    energy = drlim.forces.graph_energy(Z, graph, springs, balance)
    if step in (0, 20, 400):
        frames.append((f"step {step}: energy {energy.total:.3f}", Z.numpy().copy()))
    Z = Z - 0.5 * energy.gradient

axes = drlim.plotting.plot_relaxation(frames, graph, margin=1.0)
