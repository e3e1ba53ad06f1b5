"""
The laws of the springs
=======================

A similar pair attracts and a dissimilar pair repels. In the paper's loss (equation 4) attraction grows with distance,
and repulsion ends at the margin. The heavy-tailed laws of :class:`drlim.NeighborMap` attract near pairs and hardly far
ones, which leaves gaps between groups.
"""

import drlim

axes = drlim.plotting.plot_springs(margin=1.0)
axes[0].figure.suptitle("the paper's exact loss, margin 1")

# %%

heavy = drlim.Springs(drlim.springs.LogAttraction(), drlim.springs.CauchyRepulsion())
axes = drlim.plotting.plot_springs(springs=heavy)
axes[0].figure.suptitle("heavy-tailed laws")
