"""
Samples unlike all that was fitted
==================================

A map places every sample, also one that has nothing to do with the training data. ``novelty`` tells: how far a sample
lies from the training samples, in units of what is usual among them.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

import drlim

data = drlim.datasets.digits()
known = data.y_train < 8
model = drlim.NeighborMap(max_epochs=8, random_state=0).fit(data.X_train[known])

usual = model.novelty(data.X_test[data.y_test < 8])[:, 0]
never_seen = model.novelty(data.X_test[data.y_test >= 8])[:, 0]
with warnings.catch_warnings(record=True) as caught:  # a batch far outside the training samples gets a warning
    warnings.simplefilter("always")
    noise = model.novelty(np.random.default_rng(0).uniform(size=(40, 8, 8)))[:, 0]
print(*(warning.message for warning in caught))

figure, ax = plt.subplots(figsize=(7, 3.5), layout="constrained")
parts = {"digits 0 to 7": usual, "8 and 9, never fitted": never_seen, "noise": noise}
for row, (name, values) in enumerate(parts.items()):
    ax.scatter(values, row + np.linspace(-0.2, 0.2, len(values)), s=8, label=name)
ax.set_yticks(range(len(parts)), list(parts))
ax.set_xlabel("distance to the nearest training sample, in units of the usual one")
