"""
Several maps of the same data
=============================

Another seed gives another map. Where several maps disagree about a sample, after they are laid over one another, its
place says little.
"""

import drlim

data = drlim.datasets.digits()
X = data.X_train[:500]
models = [drlim.DrLIM(max_epochs=20, random_state=seed).fit(X, graph=drlim.knn_graph(X, 10)) for seed in range(3)]
uncertainty = drlim.metrics.uncertainty(models, data.X_test)

ax = drlim.plotting.plot_embedding(uncertainty.mean, uncertainty.spread, key_title="spread of 3 maps")
