"""
A map that ignores a shift
==========================

A digit that is shifted by two pixels has other neighbours in pixels, and a map of neighbours moves it. ``orbit`` says
that shifts do not matter: in each epoch every image comes with a fresh shifted copy, which is similar to it.
"""

import matplotlib.pyplot as plt

import drlim

data = drlim.datasets.digits49()
X, test = data.X_train[:500], data.X_test[:200]
change = drlim.transforms.shift(2)

maps = {
    "neighbours": drlim.DrLIM(encoder="convnet", max_epochs=12, random_state=0).fit(X),
    "and shifts ignored": drlim.DrLIM(encoder="convnet", orbit=change, max_epochs=24, random_state=0).fit(X),
}

figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for ax, (name, model) in zip(axes, maps.items(), strict=True):
    report = drlim.metrics.invariance_report(model, test, change, n_permutations=50)
    drlim.plotting.plot_invariance(report, ax=ax)
    ax.set_xlabel(name)
