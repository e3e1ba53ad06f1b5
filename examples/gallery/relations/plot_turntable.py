"""
Poses of an object
==================

An aeroplane on a turntable, photographed in 18 directions, 9 heights and 6 lightings. The grid of conditions says which
views are one step apart; the lighting is to be ignored. The map is a cylinder: its angle is the azimuth.
"""

import drlim

data = drlim.datasets.turntable()
views = {name: column[data.train] for name, column in data.metadata.items()}
graph = drlim.grid_graph(views, step={"azimuth": 20, "elevation": 5}, cyclic={"azimuth": 360}, ignore=["lighting"])

model = drlim.DrLIM(
    n_components=3,
    encoder="two_layer",
    optimizer="lbfgs",
    learning_rate=0.1,
    dissimilar_weight=1.7,
    max_epochs=60,
    random_state=0,
).fit(data.images[data.train], graph=graph)

Z = model.transform(data.images[data.test])
axes = drlim.plotting.plot_views(Z, data.metadata["azimuth"][data.test], cmap="twilight", key_title="azimuth")

# %%
# These views were not trained on. How much of the pose can be read off the position?

print(drlim.metrics.position_r2(Z, data.metadata["elevation"][data.test]))
