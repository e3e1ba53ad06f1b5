"""
Joining what is known
=====================

Relations are graphs, and graphs are joined by ``|``, ``&``, ``-`` and ``~``. Where two statements disagree about a
pair, neither counts, and ``n_contradictions`` says how often that is.
"""

import drlim

data = drlim.datasets.digits()
X, digit = data.X_train[:600], data.y_train[:600]

near = drlim.knn_graph(X, 10)
labels = drlim.label_graph(digit)
joined = near | labels
print(joined)
print("neighbours of different classes:", joined.n_contradictions)

# %%
# Labels are to overrule neighbours: remove the statements that they contradict first.

graph = (near - ~labels) | labels
print(graph.n_contradictions)
graph.describe(X)

# %%
# The map of these relations has a group for each class.

model = drlim.DrLIM(max_epochs=30, random_state=0).fit(X, graph=graph)
ax = drlim.plotting.plot_embedding(model.embedding_, digit)
