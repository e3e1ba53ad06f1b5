"""
Which columns move a sample
===========================

Six of forty columns tell the groups apart. The derivative of the map says how far each column moves a sample.
"""

import matplotlib.pyplot as plt
import numpy as np

import drlim

rng = np.random.default_rng(0)
group = np.arange(500) % 5
X = rng.normal(size=(500, 40))
X[:, :6] += rng.normal(scale=2, size=(5, 6))[group]

model = drlim.DrLIM(max_epochs=40, random_state=0).fit(X, group)
moved = drlim.metrics.saliency(model, X[:200]).mean(axis=0)

figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.bar(np.arange(40), moved, color=np.where(np.arange(40) < 6, "tab:orange", "tab:gray"))
ax.set_xlabel("column; the first six tell groups apart")
ax.set_ylabel("units of the map")
