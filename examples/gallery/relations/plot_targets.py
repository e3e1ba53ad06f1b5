"""
A number that is known for some
===============================

Half of the patients' ages are known. ``target_graph`` says that samples of near ages are similar, and leaves the others
alone. The map then shows age, also of samples whose age was never given.
"""

import numpy as np

import drlim

rng = np.random.default_rng(0)
age = rng.uniform(20, 90, size=800)
X = rng.normal(size=(800, 20))
X[:, 0] += age / 15
X[:, 1] -= age / 20
known = np.where(np.arange(800) % 2 == 0, age, np.nan)

train, test = slice(0, 600), slice(600, 800)
graph = drlim.target_graph(known[train], n_neighbors=10)
model = drlim.DrLIM(encoder="linear", max_epochs=40, random_state=0).fit(X[train], pairs=graph)

Z = model.transform(X[test])
ax = drlim.plotting.plot_embedding(Z, age[test], key_title="age, not given")
ax.set_title(f"R2 of age from position: {drlim.metrics.position_r2(Z, age[test]):.2f}")
