"""
A saved map by NumPy alone
==========================

``drlim.runtime`` reads a saved map and needs neither torch nor scikit-learn. Both give the same map.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import drlim
from drlim import runtime

data = drlim.datasets.digits()
model = drlim.NeighborMap(max_epochs=5, random_state=0).fit(data.X_train)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "map.safetensors")
    drlim.save(model, path)
    light = runtime.load(path)

there, here = model.transform(data.X_test), light.transform(data.X_test)
print(f"largest difference: {np.abs(there - here).max():.1e} on a map {np.ptp(there, axis=0).max():.0f} wide")

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, Z, name in zip(axes, (there, here), ("torch", "NumPy"), strict=True):
    drlim.plotting.plot_embedding(Z, data.y_test, ax=ax)
    ax.set_title(name)
