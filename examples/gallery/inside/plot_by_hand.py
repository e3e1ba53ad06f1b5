"""
The method by hand
==================

A graph, an encoder, springs and training: each is a public name that takes plain arrays, and each can be replaced by
one of your own. The encoder here is any PyTorch module.
"""

from torch import nn

import drlim

data = drlim.datasets.digits()
X = data.X_train[:600]

graph = drlim.knn_graph(X, 8)
encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
springs = drlim.make_springs(margin=1.0)
settings = drlim.Settings(batch_size=100, max_epochs=30, dissimilar_weight=1.0)
result = drlim.train(encoder, X, graph, springs, settings, seed=0)
print(result.stopped, {name: round(value, 4) for name, value in result.history[-1].items() if name != "seconds"})

Z = drlim.embed(encoder, data.X_test)
ax = drlim.plotting.plot_embedding(Z, data.y_test)
