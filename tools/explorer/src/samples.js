// What is known of each sample: its name, its values, its picture and its springs.

import { written } from "./dom.js";

export class Samples {
  constructor(payload, columns) {
    this.meta = payload.meta;
    this.arrays = payload.arrays;
    this.columns = columns;
    this.n = payload.meta.n_samples;
  }

  /** Name of a sample: its id, or the number of its row. */
  id(i) {
    return this.meta.ids ? String(this.meta.ids[i]) : String(i);
  }

  /** Value of a column as text; "" where it is missing. */
  text(column, i) {
    if (column.kind === "text") return column.values[i];
    const value = column.values[i];
    if (column.kind === "category") return value === 0 ? "" : column.categories[value - 1];
    return Number.isFinite(value) ? written(value) : "";
  }

  /** One line on a sample, for a screen reader and for lists. */
  line(i) {
    const parts = this.columns.slice(0, 3).map((column) => {
      const text = this.text(column, i);
      return text ? `${column.name} ${text.length > 60 ? `${text.slice(0, 60)}…` : text}` : "";
    });
    return [this.meta.ids ? this.id(i) : `sample ${i}`, ...parts.filter(Boolean)].join(", ");
  }

  /** Samples tied to one by springs of a kind, "similar" or "dissimilar"; the springs that the graph lists. */
  tied(i, kind) {
    const starts = this.arrays[`${kind}_starts`];
    return starts ? this.arrays[`${kind}_others`].subarray(starts[i], starts[i + 1]) : new Uint32Array(0);
  }
}

/** Pictures of the samples, side by side on one sheet. */
export class Thumbnails {
  /** Read the sheet; null where the page has none. */
  static async of({ meta, arrays }) {
    if (!meta.thumbnails) return null;
    const { width, height, columns, type } = meta.thumbnails;
    const blob = new Blob([arrays.thumbnails], { type });
    try {
      return new Thumbnails(await createImageBitmap(blob), width, height, columns);
    } catch {
      return null; // a browser without this format
    }
  }

  constructor(sheet, width, height, columns) {
    Object.assign(this, { sheet, width, height, columns });
  }

  /** Draw the picture of a sample on a 2-D context, at a place and of a size. */
  draw(context, i, left, top, width, height) {
    const [x, y] = [(i % this.columns) * this.width, Math.floor(i / this.columns) * this.height];
    context.imageSmoothingEnabled = width < this.width;
    context.drawImage(this.sheet, x, y, this.width, this.height, left, top, width, height);
  }

  /** Return a canvas with the picture of a sample, its longer side of some pixels. */
  canvas(i, side) {
    const factor = side / Math.max(this.width, this.height);
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(this.width * factor);
    canvas.height = Math.round(this.height * factor);
    canvas.className = "thumbnail";
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "picture of the sample");
    this.draw(canvas.getContext("2d"), i, 0, 0, canvas.width, canvas.height);
    return canvas;
  }
}
