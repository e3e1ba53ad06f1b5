// What moves the sample that was clicked: features with signed bars, or pixels as a picture over its own.

import { element, refill, written } from "./dom.js";

const SIDE = 168; // pixels of the picture
const FORTH = [215, 74, 20]; // orange and blue, which readers with colour blindness tell apart
const BACK = [33, 113, 200];

/** Slopes of a sample: see drlim/explorer/sensitivities.py. */
class Slopes {
  constructor({ meta, payload }) {
    this.said = meta.sensitivities;
    this.arrays = payload.arrays;
    [, this.count, this.d] = this.arrays.slopes.shape;
  }

  /** Number of the feature or of the block of pixels in a place. */
  feature(i, place) {
    const { slopes_of: numbers } = this.arrays;
    return numbers ? numbers[i * this.count + place] : place;
  }

  /** Return how far each feature or block of pixels moves a sample along a direction; null is any. */
  along(i, direction) {
    const { slopes, slopes_largest: largest } = this.arrays;
    const unit = largest[i] / this.said.levels;
    return Float64Array.from({ length: this.count }, (_, place) => {
      const start = (i * this.count + place) * this.d;
      const parts = slopes.subarray(start, start + this.d);
      return unit * (direction ? direction.sign * parts[direction.axis] : Math.hypot(...parts));
    });
  }
}

/** Return the ways along which slopes can be shown, [{name, axis, sign}]; the first is any. */
function waysOf({ directions }) {
  const ways = directions.flatMap(([forth, back], axis) => [
    { name: forth, axis, sign: 1 },
    { name: back, axis, sign: -1 },
  ]);
  return [null, ...ways];
}

export function addSensitivities(body, explorer) {
  const { state, meta } = explorer;
  const slopes = new Slopes(explorer);
  const ways = waysOf(meta.sensitivities);
  const show = meta.sensitivities.kind === "pixels" ? picture : features;
  const chooser = element(
    "select",
    { id: "way", "aria-label": "Direction on the map", onchange: () => fill() },
    ...ways.map((way, place) => element("option", { value: place }, way ? way.name : "in any direction")),
  );
  const shown = element("div", {});
  const stale = element("p", { class: "note", hidden: true }, "Computed for the map before it was retrained.");
  refill(body, chooser, shown, stale);

  function fill() {
    const section = body.parentElement;
    section.hidden = state.current < 0;
    if (state.current >= 0) refill(shown, ...show(explorer, slopes, state.current, ways[Number(chooser.value)]));
  }
  state.subscribe((names) => {
    if (names.has("moved")) stale.hidden = false;
    if (["current", "pictures", "theme"].some((name) => names.has(name))) fill();
  });
  fill();
}

/** A list of features, the one that moves the sample most first. */
function features(explorer, slopes, i, way) {
  const values = slopes.along(i, way);
  const order = [...values.keys()].sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]) || a - b);
  const most = Math.abs(values[order[0]]) || 1;
  const { names } = slopes.said;
  const rows = order.map((place) => {
    const value = values[place];
    const width = `${(50 * Math.abs(value)) / most}%`;
    const bar = element("span", {
      class: "bar-of",
      style: { width, background: rgb(value < 0 ? BACK : FORTH), [value < 0 ? "right" : "left"]: "50%" },
    });
    const name = names[slopes.feature(i, place)];
    return element(
      "tr",
      {},
      element("th", { scope: "row", title: name }, name),
      element("td", { class: "bars" }, bar),
      element("td", { class: "amount" }, written(Number(value.toPrecision(3)))),
    );
  });
  const left = slopes.said.n_features - order.length;
  const others = left > 0 ? ` ${left.toLocaleString("en")} others move it less.` : "";
  const sign = way ? ` Where it is negative, more of it moves the sample the other way.` : "";
  return [
    element("table", { class: "moves" }, ...rows),
    element("p", { class: "note" }, `How far the sample moves ${along(way)} for one deviation more of a feature.${sign}${others}`),
  ];
}

/** The picture of the sample in grey, and over it how far each block of pixels moves it. */
function picture(explorer, slopes, i, way) {
  const { height, width } = slopes.said;
  const values = slopes.along(i, way);
  const most = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
  const factor = SIDE / Math.max(height, width);
  const [wide, high] = [Math.round(width * factor), Math.round(height * factor)];
  const strongest = values.reduce((best, value, place) => (Math.abs(value) > Math.abs(values[best]) ? place : best), 0);
  const where = `row ${Math.floor(strongest / width) + 1} and column ${(strongest % width) + 1} of ${height} x ${width} blocks`;
  const canvas = element("canvas", {
    class: "thumbnail heat",
    width: wide,
    height: high,
    role: "img",
    "aria-label": `What moves the sample ${along(way)}: most in ${where}, by ${written(Number(values[strongest].toPrecision(3)))}`,
  });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, wide, high);
  if (explorer.thumbnails) {
    context.filter = "grayscale(1)";
    context.globalAlpha = 0.45; // faint, so that the colours over it are read
    explorer.thumbnails.draw(context, i, 0, 0, wide, high);
    context.filter = "none";
    context.globalAlpha = 1;
  }
  context.imageSmoothingEnabled = true;
  context.drawImage(shades(values, most, width, height), 0, 0, wide, high);
  const sides = way
    ? `Orange: brighter pixels there move the sample ${way.name}; blue: the other way.`
    : "The stronger the orange, the farther the sample moves when pixels there change.";
  return [
    canvas,
    element("p", { class: "note" }, `${sides} At most ${written(Number(most.toPrecision(3)))} for one unit of brightness, in ${where}.`),
  ];
}

/** Return a small canvas with a shade for each block. */
function shades(values, most, width, height) {
  const canvas = element("canvas", { width, height });
  const pixels = new ImageData(width, height);
  values.forEach((value, place) => {
    const colour = value < 0 ? BACK : FORTH;
    pixels.data.set([...colour, Math.round((235 * Math.abs(value)) / most)], 4 * place);
  });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

const along = (way) => (way ? way.name : "in any direction");
const rgb = (colour) => `rgb(${colour.join(",")})`;
