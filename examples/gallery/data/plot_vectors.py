"""
Vectors of a model, by cosine
=============================

Vectors of language and image models are compared by the angle between them: ``metric="cosine"``. Here 12 topics of
unequal size are made; lengths of the vectors mean nothing.
"""

import numpy as np

import drlim

rng = np.random.default_rng(0)
topics = rng.normal(size=(12, 128))
topic = rng.choice(12, size=900, p=np.arange(1, 13) / 78)
vectors = topics[topic] + 0.8 * rng.normal(size=(900, 128))
vectors *= rng.uniform(0.5, 3, size=(900, 1))

model = drlim.NeighborMap(metric="cosine", max_epochs=8, random_state=0).fit(vectors[:700])
Z = model.transform(vectors[700:])
ax = drlim.plotting.plot_embedding(Z, topic[700:], background=model.embedding_, key_title="topic")
ax.set_title("200 new vectors over the 700 that were fitted")
