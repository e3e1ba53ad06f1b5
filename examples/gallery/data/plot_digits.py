"""
Digits, and digits never seen
=============================

:class:`drlim.NeighborMap` finds the neighbours of each sample and draws a map with gaps between groups. The map is a
function: the test digits below were not trained on.
"""

import drlim

data = drlim.datasets.digits()
model = drlim.NeighborMap(max_epochs=8, random_state=0).fit(data.X_train)
Z = model.transform(data.X_test)

ax = drlim.plotting.plot_embedding(Z, data.y_test, background=model.embedding_)
ax.set_title("497 test digits, over the 1300 training digits in grey")

# %%
# The labels were used for the colours only. They also judge the map: the share of test digits whose class is the most
# frequent among the 5 nearest training digits on the map.

print(drlim.metrics.knn_accuracy(model.embedding_, data.y_train, Z_test=Z, y_test=data.y_test))
