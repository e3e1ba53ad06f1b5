"""Draw the pictures of docs/sensitivity.md: ``python tools/draw_sensitivity.py`` writes docs/sensitivity*.png.

Fits the paper's convolutional network to 2000 of its fours and nines, four times, with seeds 0 to 3; about a minute
on two cores. It prints the numbers that the page gives.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import drlim
from drlim.metrics import area_distortion, counterfactual, local_invariance, saliency, uncertainty
from drlim.plotting import plot_sensitivity, save_figure

DOCS = Path(__file__).parent.parent / "docs"


def main() -> None:
    """Fit the maps, and write the pictures."""
    data = drlim.datasets.digits49()
    train, test = (np.asarray(part, dtype=np.float32) for part in (data.X_train[:2000], data.X_test[:1000]))
    models = [
        drlim.DrLIM(encoder="convnet", max_epochs=30, random_state=seed, verbose=False).fit(train) for seed in range(4)
    ]
    model = models[0]
    Z = model.transform(test)
    largest = float(test.max())
    transforms = {
        "one pixel to the right": drlim.shifts([1])["shift +1"],
        "one pixel down": lambda images: drlim.shift(images, 0, 1),
        "1 % brighter": lambda images: 1.01 * images,
    }
    small = local_invariance(model, test, transforms)
    print(small)
    spread = uncertainty(models, test).spread
    print(f"spread over four fits: median {np.median(spread):.3f}, 90 % below {np.quantile(spread, 0.9):.3f}")
    figure = Figure(figsize=(11.5, 10), layout="constrained")
    axes = figure.subplots(2, 2)
    panels = {
        "Where the map stretches": {
            "values": area_distortion(model, test),
            "log": True,
            "key_title": "area distortion",
        },
        "Shift by one pixel to the right": {"arrows": small.velocity["one pixel to the right"]},
        "Pixels that move a digit to the right": {"images": saliency(model, test, direction=[1.0, 0.0]), "size": 0.11},
        "How far four fits disagree": {"values": spread, "key_title": "spread, units of the map"},
    }
    for ax, (title, drawn) in zip(axes.flat, panels.items(), strict=True):
        plot_sensitivity(Z, ax=ax, **drawn)
        ax.set_title(title, loc="left")
    save_figure(axes[0, 0], DOCS / "sensitivity.png", dpi=75)
    four, nine = (test[data.y_test[:1000] == label] for label in (4, 9))
    goal = model.transform(nine).mean(axis=0)
    found = counterfactual(model, four[0], goal, bounds=(0.0, largest))
    print(
        f"counterfactual: reached {found.reached}, changes {found.size / largest:.2f} in units of the brightest pixel,"
    )
    between = np.linalg.norm((nine - four[0]).reshape(len(nine), -1), axis=1) / largest
    print(f"the nearest nine differs by {between.min():.2f}, the median one by {np.median(between):.2f}")
    figure = Figure(figsize=(9, 3.3), layout="constrained")
    axes = figure.subplots(2, 6)
    for column, step in enumerate(range(0, 21, 4)):
        axes[0, column].imshow(found.path[step], cmap="gray_r", vmin=0, vmax=largest)
        change = found.path[step] - found.path[0]
        axes[1, column].imshow(change, cmap="RdBu_r", vmin=-largest / 3, vmax=largest / 3)
        axes[0, column].set_title(f"{step} of 20", fontsize="medium")
    for ax in axes.flat:
        ax.set_axis_off()
    save_figure(axes[0, 0], DOCS / "sensitivity_path.png", dpi=80)


if __name__ == "__main__":
    main()
