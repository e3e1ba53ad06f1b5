// The map on the page: points, what is drawn over them, what is selected. Panels stand on it, and so does editing.

import { Camera } from "./camera.js";
import { pointColours, THEMES } from "./colours.js";
import { columnsOf, positionsOf } from "./data.js";
import { drawOverlay } from "./overlay.js";
import { nearestPoint, pointsInside } from "./picking.js";
import { CHOSEN, HIDDEN, Points, USUAL } from "./points.js";
import { Samples, Thumbnails } from "./samples.js";
import { makeSpace } from "./space.js";
import { makeState } from "./state.js";

const NONE = new Uint32Array(0);

/** Number of points drawn at once, and milliseconds without a change until the others follow, part after part. */
const HURRIED = 50000;
const PAUSE = 200;

/** Changes after which the points are drawn again; what is drawn over them always is. */
const POINTS_FOLLOW = ["selection", "shown", "colour", "theme", "moved"];

/**
 * The map, its state, and the ways to change it.
 *
 * state.selection  Uint32Array of sample numbers, ascending: what a lasso, a search or a click chose
 * state.current    the sample that was clicked or stepped to, -1 for none; its springs are drawn
 * state.hovered    the sample under the pointer, -1 for none
 * state.colour     number of the column that colours the points, -1 for none
 * state.theme      "light" or "dark"
 * state.shown      Uint8Array with 0 for samples that filters hide, null without filters
 * state.mode       "move" (drag moves or turns the map) or "lasso"
 * state.springs    whether springs are drawn
 * state.pictures   whether the pictures of the samples are there: they are read after the points are drawn
 */
export class Explorer {
  constructor(payload, canvases) {
    this.payload = payload;
    this.meta = payload.meta;
    this.positions = positionsOf(payload);
    this.samples = new Samples(payload, columnsOf(payload));
    this.thumbnails = null;
    this.space = makeSpace(this.meta.space);
    this.camera = new Camera(this.positions, this.meta.dimensions);
    this.canvases = canvases;
    this.points = new Points(canvases.points, this.meta.dimensions < 3);
    this.lasso = [];
    this.newSamples = [];
    this.filters = new Map();
    this.timings = {};
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    this.state = makeState({
      selection: NONE,
      current: -1,
      hovered: -1,
      colour: this.meta.colour,
      theme: this.meta.theme === "auto" ? (dark ? "dark" : "light") : this.meta.theme,
      shown: null,
      mode: "move",
      springs: true,
      pictures: false,
      moved: 0,
    });
    this.state.subscribe((names) => this.follow(names));
    this.points.setPositions(this.positions);
    this.recolour();
    this.keepContext();
  }

  /** Take over a change of the state. */
  follow(names) {
    if (names.has("colour") || names.has("theme")) this.recolour();
    else if (names.has("selection") || names.has("shown")) this.remark();
    if (POINTS_FOLLOW.some((name) => names.has(name))) this.redraw();
    else this.redrawOverlay();
  }

  /** Number of samples. */
  get n() {
    return this.samples.n;
  }

  recolour() {
    const { state, samples, meta } = this;
    this.colours = pointColours(samples.columns[state.colour], this.n, meta.palette, state.theme);
    this.remark();
  }

  /** Mark points that are hidden or chosen in the fourth bytes of their colours. */
  remark() {
    const { colours, state, n } = this;
    const { shown, selection } = state;
    for (let i = 0; i < n; i++) colours[4 * i + 3] = shown && !shown[i] ? HIDDEN : USUAL;
    for (const i of selection) if (colours[4 * i + 3] === USUAL) colours[4 * i + 3] = CHOSEN;
    this.points.setColours(colours, selection.length > 0);
  }

  /** Return those of some samples that no filter hides. */
  visible(chosen) {
    const { shown } = this.state;
    return shown ? chosen.filter((i) => shown[i]) : chosen;
  }

  /** Choose samples: numbers in any order. */
  select(chosen, current = this.state.current) {
    this.state.set({ selection: Uint32Array.from(new Set(chosen)).sort(), current });
  }

  clear() {
    this.lasso = [];
    this.state.set({ selection: NONE, current: -1, hovered: -1 });
    this.redrawOverlay();
  }

  /** Hide samples by a mask under a name, 0 for those to hide; null takes that filter away. */
  filter(name, mask) {
    if (mask) this.filters.set(name, mask);
    else this.filters.delete(name);
    let shown = null;
    for (const one of this.filters.values()) shown = shown ? shown.map((value, i) => value & one[i]) : one.slice();
    this.state.set({ shown });
  }

  /** Return the place of a sample on the chart of the map, three numbers. */
  onChart(i) {
    return Array.from(this.positions.subarray(3 * i, 3 * i + 3));
  }

  /** Return the place of a sample on the canvas, in pixels. */
  place(i) {
    return this.camera.project(...this.positions.subarray(3 * i, 3 * i + 3)).slice(0, 2);
  }

  /** Return lines on the canvas along the shortest path between two samples: one, or several that end at edges. */
  paths(i, j) {
    return this.onCanvas(this.space.paths(this.onChart(i), this.onChart(j)));
  }

  /** Return the lines at which a curved map is cut open, or which show its shape. */
  edges() {
    const { middle, size } = this.camera;
    const ends = [-1, 1].map((sign) => middle.map((value, axis) => value + sign * 0.52 * size[axis]));
    return this.onCanvas(this.space.edges(...ends));
  }

  onCanvas(lines) {
    return lines.map((line) => line.map((place) => this.camera.project(...place).slice(0, 2)));
  }

  /** Return the sample at a place of the canvas, -1 for none. */
  at(left, top) {
    return nearestPoint(this.positions, this.state.shown, this.camera, left, top, Math.max(10, this.pointSize));
  }

  /** Select the samples within a polygon on the canvas, [x, y, x, y, ...]. */
  selectInside(polygon) {
    this.state.set({ selection: pointsInside(this.positions, this.state.shown, this.camera, polygon), current: -1 });
  }

  /** Diameter of a point in pixels: so that many points cover about a third of the canvas, within bounds. */
  get pointSize() {
    const area = (this.camera.width * this.camera.height) / Math.max(1, this.n);
    return Math.min(9, Math.max(1.2, 0.5 * Math.sqrt(area) * Math.min(2.5, this.camera.zoom ** 0.4)));
  }

  get opacity() {
    if (this.meta.dimensions === 3 || this.n < 2000) return 0.95;
    return Math.min(0.95, Math.max(0.35, 1.6 - 0.2 * Math.log10(this.n)));
  }

  resize() {
    const { points, overlay } = this.canvases;
    const { clientWidth: width, clientHeight: height } = points.parentElement;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    for (const canvas of [points, overlay]) {
      canvas.width = Math.max(1, Math.round(width * ratio));
      canvas.height = Math.max(1, Math.round(height * ratio));
    }
    this.ratio = ratio;
    this.camera.resize(width, height);
    this.draw(true);
  }

  /** Draw with the next frame. */
  redraw() {
    this.pointsWait = true;
    this.redrawOverlay();
  }

  /** Draw with the next frame what is over the points: a million of them take a tenth of a second and more. */
  redrawOverlay() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.pointsWait) this.draw(true);
      else this.drawOver();
    });
  }

  /**
   * Draw all points at once; in a hurry every k-th of many, and the others part after part once nothing has changed for
   * a moment: a hover or a lasso waits for one part at most.
   */
  draw(hurried = false) {
    this.pointsWait = false;
    clearTimeout(this.later);
    const parts = Math.max(1, Math.round(this.n / HURRIED));
    const drawing = (this.drawing = { parts: hurried ? parts : 1 });
    this.drawPart(drawing, 0);
    if (drawing.parts > 1) this.later = setTimeout(() => this.drawRest(drawing), PAUSE);
    this.drawOver();
  }

  drawPart({ parts: every }, first) {
    const { pointSize: size, opacity, ratio } = this;
    this.points.draw(this.camera, { size, opacity, ratio, every, first, page: THEMES[this.state.theme].page });
  }

  async drawRest(drawing) {
    for (let first = 1; first < drawing.parts; first++) {
      await this.points.drawn();
      if (this.drawing !== drawing) return; // something has changed, and all is drawn anew
      this.drawPart(drawing, first);
    }
  }

  drawOver() {
    const context = this.canvases.overlay.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    drawOverlay(context, this);
  }

  /**
   * Move the samples to other places, n times (x, y, z) or (x, y), over some seconds; at once without.
   *
   * The extent of the map is taken anew, and the view stays, unless the user sees the whole map.
   */
  moveTo(places, seconds = 1.2) {
    const n = this.n;
    const d = places.length / n;
    const to = new Float32Array(3 * n);
    for (let i = 0; i < n; i++) for (let axis = 0; axis < d; axis++) to[3 * i + axis] = places[d * i + axis];
    const from = this.positions.slice();
    const begin = performance.now();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    return new Promise((resolve) => {
      const step = () => {
        const share = seconds > 0 && !still ? Math.min(1, (performance.now() - begin) / (1000 * seconds)) : 1;
        const eased = share * share * (3 - 2 * share);
        for (let place = 0; place < to.length; place++) {
          this.positions[place] = from[place] + eased * (to[place] - from[place]);
        }
        this.points.setPositions(this.positions);
        if (share < 1) {
          this.draw(true);
          requestAnimationFrame(step);
          return;
        }
        this.positions.set(to);
        this.points.setPositions(this.positions);
        this.camera.setExtent(this.positions);
        if (this.camera.zoom === 1) this.camera.reset();
        this.state.set({ moved: this.state.moved + 1 });
        this.draw();
        resolve();
      };
      step();
    });
  }

  /** Draw again where the browser took the context of WebGL away, and gives it back. */
  keepContext() {
    this.canvases.points.addEventListener("webglcontextlost", (event) => event.preventDefault());
    this.canvases.points.addEventListener("webglcontextrestored", () => {
      this.points.prepare();
      this.points.setPositions(this.positions);
      this.recolour();
      this.redraw();
    });
  }
}
