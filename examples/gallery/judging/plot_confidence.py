"""
How sure a place is
===================

:class:`drlim.NeighborMap` puts a sample at the most probable place. Between groups, where it may belong to either,
``confidence`` is low, and more of the samples are at the wrong place.
"""

import numpy as np

import drlim

data = drlim.datasets.digits()
model = drlim.NeighborMap(max_epochs=8, random_state=0).fit(data.X_train[:500])
Z = model.transform(data.X_test)
confidence = model.confidence(data.X_test)
ax = drlim.plotting.plot_embedding(Z, confidence, key_title="confidence", background=model.embedding_)

# %%
# The class of the nearest training sample on the map, against the confidence:

nearest = data.y_train[:500][model.kneighbors(data.X_test, n_neighbors=1)[1][:, 0]]
right = nearest == data.y_test
order = np.argsort(confidence)
for name, part in {"least sure quarter": order[:124], "surest quarter": order[-124:]}.items():
    print(f"{name}: {right[part].mean():.3f} right")
