"""An HTML page on which a 3-D map can be rotated with the mouse: one file that loads nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Array

__all__ = ["rotatable_page"]


def rotatable_page(Z: Array, colourings: Mapping[str, ArrayLike], *, cyclic: Sequence[str] = ()) -> str:
    """Return an HTML page on which a map can be rotated, zoomed and coloured in several ways.

    Parameters
    ----------
    Z : ndarray, shape (n, 3)
        The map.
    colourings : dict of str to array-like of shape (n,)
        Numbers to colour by, by name. The page shows the first one until another is chosen.
    cyclic : sequence of str, default=()
        Names of the cyclic ones, such as angles.

    Returns
    -------
    str
        The page, about 50 bytes for each point.

    Examples
    --------
    >>> page = rotatable_page(np.eye(3), {"height": [0, 1, 2]})
    >>> page.startswith("<!doctype html>"), "http" in page
    (True, False)
    """
    centred = Z - (Z.min(axis=0) + Z.max(axis=0)) / 2
    scaled = centred / (np.linalg.norm(centred, axis=1).max() or 1.0)
    drawn = {
        "points": np.round(scaled, 4).tolist(),
        "colourings": {name: np.asarray(values).tolist() for name, values in colourings.items()},
        "cyclic": list(cyclic),
    }
    data = json.dumps(drawn, separators=(",", ":")).replace("<", "\\u003c")  # a name cannot end the script
    return _PAGE.replace("/*DATA*/", data)


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Map in three dimensions</title>
<style>
  body { margin: 0; font: 14px/1.4 system-ui, sans-serif; color: #222; background: #fff; }
  #bar { padding: 6px 10px; } button { font: inherit; margin-right: 4px; } button.on { font-weight: 600; }
  canvas { display: block; width: 100vw; height: calc(100vh - 42px); cursor: grab; touch-action: none; }
</style>
<div id="bar"></div>
<canvas></canvas>
<script>
"use strict";
const data = /*DATA*/;
const canvas = document.querySelector("canvas"), pen = canvas.getContext("2d"), bar = document.querySelector("#bar");
let yaw = 0.6, pitch = 0.5, zoom = 1, held = null, name = Object.keys(data.colourings)[0];

function colour(values, cyclic) {
  const levels = [...new Set(values)].sort((a, b) => a - b);
  return values.map(value => {
    const share = levels.indexOf(value) / Math.max(1, cyclic ? levels.length : levels.length - 1);
    return cyclic ? `hsl(${360 * share} 65% 50%)` : `hsl(${260 - 210 * share} 70% ${38 + 14 * share}%)`;
  });
}
const colours = Object.fromEntries(
  Object.entries(data.colourings).map(([key, values]) => [key, colour(values, data.cyclic.includes(key))]));

function draw() {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = canvas.clientWidth * ratio; canvas.height = canvas.clientHeight * ratio;
  const size = 0.46 * Math.min(canvas.width, canvas.height) * zoom;
  const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  const seen = data.points.map(([x, y, z], place) => {
    const across = cy * x + sy * y, away = -sy * x + cy * y;
    return [across, cp * z + sp * away, cp * away - sp * z, place];
  }).sort((a, b) => b[2] - a[2]);                        // the farthest first
  for (const [across, up, away, place] of seen) {
    const near = 1 / (1 + 0.25 * away);
    pen.fillStyle = colours[name][place];
    pen.globalAlpha = 0.95 - 0.35 * (away + 1) / 2;
    pen.beginPath();
    pen.arc(canvas.width / 2 + size * across * near, canvas.height / 2 - size * up * near, 3.5 * ratio * near, 0, 7);
    pen.fill();
  }
}
for (const key of Object.keys(data.colourings)) {
  const button = document.createElement("button");
  button.textContent = key;
  button.className = key === name ? "on" : "";
  button.onclick = () => {
    name = key;
    for (const other of bar.querySelectorAll("button")) other.className = other === button ? "on" : "";
    draw();
  };
  bar.append(button);
}
bar.append(" colour by; drag to turn, wheel to zoom");
canvas.onpointerdown = event => { held = [event.clientX, event.clientY]; canvas.setPointerCapture(event.pointerId); };
canvas.onpointerup = canvas.onpointercancel = () => { held = null; };
canvas.onpointermove = event => {
  if (!held) return;
  yaw -= 0.008 * (event.clientX - held[0]);
  pitch = Math.max(-1.57, Math.min(1.57, pitch + 0.008 * (event.clientY - held[1])));
  held = [event.clientX, event.clientY];
  draw();
};
canvas.onwheel = event => {
  event.preventDefault();
  zoom = Math.max(0.3, Math.min(6, zoom * Math.exp(-0.001 * event.deltaY)));
  draw();
};
window.onresize = draw;
draw();
</script>
</html>
"""
