"""
Reading the history
===================

``history_`` has a record for each epoch. The energy is the sum of two means: that of similar pairs, which rises as the
map unfolds, and that of dissimilar pairs, which falls. Held-out samples show when the network begins to learn its
samples by heart.
"""

import numpy as np

import drlim

rng = np.random.default_rng(0)
centres = rng.normal(scale=1.3, size=(4, 6))
group = np.arange(400) % 4
X = rng.normal(size=(400, 60))
X[:, :6] += centres[group]

model = drlim.DrLIM(optimizer="adam", validation=0.25, max_epochs=60, random_state=0).fit(X, group)
ax = drlim.plotting.plot_history(model.history_)
held_out = [record["energy_validation"] for record in model.history_]
ax.plot([record["epoch"] for record in model.history_], held_out, color="tab:green", label="energy of samples held out")
ax.legend()
ax.set_title(
    f"held-out energy lowest in epoch {int(np.argmin(held_out)) + 1} of {model.n_iter_}; ended: {model.stopped_}"
)
print(sorted(model.history_[-1]))
