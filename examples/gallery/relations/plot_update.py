"""
New data on an old map
======================

A map is to take up new samples, and old ones are to stay where they are. Here the nines come later. ``partial_fit``
with ``anchor`` ties old samples to their places, and ``drift_`` says how far they moved.
"""

import matplotlib.pyplot as plt

import drlim

data = drlim.datasets.digits()
old, new = data.X_train[data.y_train < 9], data.X_train[data.y_train == 9]
labels = data.y_train[data.y_train < 9]

model = drlim.NeighborMap(max_epochs=8, random_state=0).fit(old)
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
drlim.plotting.plot_embedding(model.transform(new), background=model.embedding_, ax=axes[0])
axes[0].set_title("nines on the map of 0 to 8")

model = model.partial_fit(new, anchor=old)
drlim.plotting.plot_embedding(model.transform(new), background=model.transform(old), ax=axes[1])
axes[1].set_title("after partial_fit")
print({quantile: round(distance, 2) for quantile, distance in model.drift_.items()})
