// What is seen as a file: PNG, as it is on the screen; SVG, each point a circle where they are not too many.

import { css, pointColours, THEMES } from "./colours.js";
import { download } from "./dom.js";
import { springsOf } from "./overlay.js";

const MOST_CIRCLES = 50000;

/** Return a canvas with all layers of the map. */
export function picture(explorer) {
  const { points, overlay } = explorer.canvases;
  explorer.draw();
  const canvas = document.createElement("canvas");
  canvas.width = points.width;
  canvas.height = points.height;
  const context = canvas.getContext("2d");
  context.drawImage(points, 0, 0);
  context.drawImage(overlay, 0, 0);
  return canvas;
}

export function savePng(explorer) {
  picture(explorer).toBlob((blob) => download("map.png", blob), "image/png");
}

export function saveSvg(explorer) {
  download("map.svg", new Blob([svgOf(explorer)], { type: "image/svg+xml" }));
}

/** Return the SVG of what is seen. */
export function svgOf(explorer) {
  const { camera, state, samples, meta } = explorer;
  const { width, height } = camera;
  const page = css(THEMES[state.theme].page.map((value) => Math.round(255 * value)));
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<rect width="100%" height="100%" fill="${page}"/>`,
  ];
  const seen = onScreen(explorer);
  if (seen.length > MOST_CIRCLES) {
    parts.push(`<image width="${width}" height="${height}" href="${picture(explorer).toDataURL("image/png")}"/>`, "</svg>");
    return parts.join("\n");
  }
  const colours = pointColours(samples.columns[state.colour], samples.n, meta.palette, state.theme);
  const chosen = new Set(state.selection);
  for (const { i, left, top } of seen) {
    const faded = chosen.size && !chosen.has(i) ? 0.22 : 1;
    const fill = css(colours.subarray(4 * i, 4 * i + 3));
    const opacity = (faded * explorer.opacity).toFixed(2);
    const radius = (explorer.pointSize / 2).toFixed(2);
    parts.push(`<circle cx="${left.toFixed(1)}" cy="${top.toFixed(1)}" r="${radius}" fill="${fill}" fill-opacity="${opacity}"/>`);
  }
  const theme = THEMES[state.theme];
  for (const line of explorer.edges()) parts.push(path(line, theme.line, ' stroke-dasharray="2 4"'));
  for (const [from, to, kind] of springsOf(explorer)) {
    const colour = kind === "similar" ? theme.similar : theme.other;
    const dashes = kind === "similar" ? "" : ' stroke-dasharray="4 3"';
    for (const line of explorer.paths(from, to)) parts.push(path(line, colour, dashes));
  }
  return [...parts, "</svg>"].join("\n");
}

function path(line, colour, dashes) {
  const places = line.map(([left, top]) => `${left.toFixed(1)} ${top.toFixed(1)}`);
  return `<path d="M${places.join("L")}" stroke="${colour}"${dashes} fill="none"/>`;
}

/** Return the samples on the screen, the farthest from the viewer first. */
function onScreen({ positions, camera, state, n }) {
  const seen = [];
  for (let i = 0; i < n; i++) {
    if (state.shown && !state.shown[i]) continue;
    const [left, top, depth] = camera.project(positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]);
    if (left >= 0 && top >= 0 && left <= camera.width && top <= camera.height) seen.push({ i, left, top, depth });
  }
  return camera.turns ? seen.sort((a, b) => a.depth - b.depth) : seen;
}
