"""
What a margin does
==================

The margin is the distance at which dissimilar samples cease to repel each other. It sets the unit of length: the map of
a margin of 3 is three times as wide as that of 1, and otherwise the same. What changes the picture is
``dissimilar_weight``, the balance of repulsion and attraction.
"""

import matplotlib.pyplot as plt

import drlim

data = drlim.datasets.digits()
X, digit = data.X_train[:500], data.y_train[:500]

figure, axes = plt.subplots(2, 3, figsize=(9, 6), layout="constrained")
for ax, margin in zip(axes[0], (0.5, 1.0, 3.0), strict=True):
    Z = drlim.DrLIM(margin=margin, max_epochs=40, random_state=0).fit_transform(X)
    ax.scatter(*Z.T, c=digit, cmap="tab10", s=4)
    ax.set_title(f"margin={margin}", fontsize="medium")
for ax, weight in zip(axes[1], (0.1, 1.0, 10.0), strict=True):
    Z = drlim.DrLIM(dissimilar_weight=weight, max_epochs=40, random_state=0).fit_transform(X)
    ax.scatter(*Z.T, c=digit, cmap="tab10", s=4)
    ax.set_title(f"dissimilar_weight={weight}", fontsize="medium")
for ax in axes.flat:
    ax.set_aspect("equal", "datalim")
