"""
A hidden angle in spike counts
==============================

Forty cells are tuned to an angle that drifts. Windows that follow each other are similar, and so are windows with
similar counts. The last quarter of the recording was not trained on.
"""

import numpy as np

import drlim

rng = np.random.default_rng(0)
angle = np.cumsum(rng.normal(0.1, 0.2, size=800))
preferred = np.linspace(0, 2 * np.pi, 40, endpoint=False)
counts = rng.poisson(0.5 + 8 * np.exp(2 * (np.cos(angle[:, None] - preferred) - 1)))
X = np.sqrt(counts)  # the noise of a count then is equal for all rates
time = 0.05 * np.arange(800)

graph = drlim.sequence_graph(time[:600], window=0.05) | drlim.knn_graph(X[:600], 15)
model = drlim.DrLIM(dissimilar_weight=3, max_epochs=60, random_state=0).fit(X[:600], graph=graph)
Z = model.transform(X[600:])

target = np.column_stack([np.cos(angle), np.sin(angle)])[600:]
print("R2 of cosine and sine from position:", drlim.metrics.position_r2(Z, target).round(3))
ax = drlim.plotting.plot_embedding(Z, angle[600:] % (2 * np.pi), key_title="hidden angle", cmap="twilight")
