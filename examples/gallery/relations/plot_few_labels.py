"""
A few labels
============

One label in ten is known; -1 is an unknown one. The map uses them together with the neighbours, and the test digits are
placed better by it.
"""

import matplotlib.pyplot as plt
import numpy as np

import drlim

data = drlim.datasets.digits()
known = np.where(np.arange(len(data.y_train)) % 10 == 0, data.y_train, -1)

maps = {
    "without labels": drlim.DrLIM(max_epochs=15, random_state=0).fit(data.X_train),
    "one label in ten": drlim.DrLIM(max_epochs=15, random_state=0).fit(data.X_train, known),
}

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, (name, model) in zip(axes, maps.items(), strict=True):
    Z = model.transform(data.X_test)
    score = drlim.metrics.knn_accuracy(model.embedding_, data.y_train, Z_test=Z, y_test=data.y_test)
    drlim.plotting.plot_embedding(Z, data.y_test, ax=ax)
    ax.set_title(f"{name}: {score:.3f} of 5-NN right")
