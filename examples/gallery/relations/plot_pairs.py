"""
Pairs that belong together
==========================

Somebody says of pairs of samples that they are alike, or not. Here two groups of digits are said to be alike, the ones
and the sevens, by 60 pairs; and the map brings them together.
"""

import matplotlib.pyplot as plt
import numpy as np

import drlim

data = drlim.datasets.digits()
X, digit = data.X_train, data.y_train
rng = np.random.default_rng(0)
alike = np.column_stack([rng.choice(np.flatnonzero(digit == d), size=60) for d in (1, 7)])

before = drlim.NeighborMap(max_epochs=5, random_state=0).fit(X)
after = drlim.NeighborMap(max_epochs=5, random_state=0).fit(X, pairs=alike)

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, model, title in zip(axes, (before, after), ("neighbours", "and 60 pairs of 1 and 7"), strict=True):
    drlim.plotting.plot_embedding(model.embedding_, np.where(np.isin(digit, (1, 7)), digit, -1), ax=ax)
    ax.set_title(title)
