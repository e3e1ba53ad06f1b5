"""
Statements that the map contradicts
===================================

Some statements about pairs are wrong. A map that is trained on all of them satisfies the wrong ones least, since the
right ones contradict them; ``tension`` ranks them.
"""

import numpy as np

import drlim

data = drlim.datasets.digits()
X, digit = data.X_train[:500], data.y_train[:500]
rng = np.random.default_rng(0)
zeros, ones = np.flatnonzero(digit == 0), np.flatnonzero(digit == 1)
wrong = np.column_stack([rng.choice(zeros, 6, replace=False), rng.choice(ones, 6, replace=False)])

graph = drlim.knn_graph(X, 5) | drlim.pairs(len(X), similar=wrong)
model = drlim.DrLIM(max_epochs=15, random_state=0).fit(X, graph=graph)
tension = drlim.metrics.tension(model.embedding_, graph)

ax = drlim.plotting.plot_tension(model.embedding_, tension, n_pairs=12)

# %%
# How many of the six wrong statements are among the twelve most stretched pairs?

worst = {tuple(sorted(pair)) for pair in tension.similar.pairs[:12].tolist()}
print(len(worst & {tuple(sorted(pair)) for pair in wrong.tolist()}), "of 6")
