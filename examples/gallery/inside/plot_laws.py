"""
Other laws, by the general loss
===============================

The paper's general loss (equation 3) leaves the two laws open. Any pair of functions of a distance can be given; forces
follow by automatic differentiation.
"""

import matplotlib.pyplot as plt

import drlim

data = drlim.datasets.digits()
X, digit = data.X_train[:400], data.y_train[:400]
laws = {
    "equation 4": None,
    "linear attraction": (lambda D: D, lambda D: (1 - D).clamp_min(0).square() / 2),
    "heavy tails": (lambda D: (1 + D.square()).log(), lambda D: 1 / (1 + D.square())),
}

figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
for ax, (name, springs) in zip(axes, laws.items(), strict=True):
    Z = drlim.DrLIM(springs=springs, optimizer="adam", max_epochs=30, random_state=0).fit_transform(X)
    ax.scatter(*Z.T, c=digit, cmap="tab10", s=5)
    ax.set_aspect("equal", "datalim")
    ax.set_title(name)
