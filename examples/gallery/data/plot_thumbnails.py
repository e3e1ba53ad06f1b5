"""
Images at their places
======================

A map of images is read best with the images on it.
"""

import drlim

data = drlim.datasets.digits49()
images, digit = data.X_train[:800], data.y_train[:800]
model = drlim.NeighborMap(max_epochs=5, random_state=0).fit(images)

ax = drlim.plotting.plot_thumbnails(model.embedding_, images, digit)
ax.set_title("fours and nines of MNIST")
