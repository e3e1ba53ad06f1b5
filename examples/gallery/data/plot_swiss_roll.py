"""
A continuous sheet, by both estimators
======================================

The samples lie on a rolled sheet. :class:`drlim.NeighborMap` keeps neighbours best, and may cut or bend the sheet.
:class:`drlim.DrLIM` spreads it evenly, by the relations that it is given: here the 10 nearest neighbours.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import make_swiss_roll

import drlim

X, along = make_swiss_roll(1000, noise=0.3, random_state=0)

neighbor_map = drlim.NeighborMap(max_epochs=10, random_state=0).fit(X)
exact = drlim.DrLIM(n_neighbors=10, dissimilar_weight=2, max_epochs=100, random_state=0).fit(X)

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, model in zip(axes, (neighbor_map, exact), strict=True):
    drlim.plotting.plot_embedding(model.embedding_, along, ax=ax, key_title="along the roll")
    ax.set_title(type(model).__name__)

# %%
# Trustworthiness is the share of neighbours on the map that are neighbours in the data.

for model in (neighbor_map, exact):
    print(type(model).__name__, round(drlim.metrics.trustworthiness(X, model.embedding_), 3))
