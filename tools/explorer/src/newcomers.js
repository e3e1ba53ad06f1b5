// New samples: dropped on the page, mapped by the encoder, and shown with the samples nearest to them.

import { button, counted, download, element, refill, written } from "./dom.js";
import { makeEncoder } from "./encoder.js";
import { samplesIn } from "./files.js";

const MOST = 2000;
const MOST_LISTED = 50;
const N_NEAREST = 5;
const SIDE = 64; // pixels of the picture of a new sample

/** Return the samples nearest to a place of the chart along the space, the nearest first. */
export function nearestSamples({ positions, space }, at, k) {
  const found = [];
  const squares = [];
  for (let i = 0; i < positions.length / 3; i++) {
    const square = space.squared([positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]], at);
    if (found.length === k && square >= squares[k - 1]) continue;
    let place = found.length < k ? found.length : k - 1;
    for (; place > 0 && squares[place - 1] > square; place--) {
      [found[place], squares[place]] = [found[place - 1], squares[place - 1]];
    }
    [found[place], squares[place]] = [i, square];
  }
  return found;
}

/** Return a small canvas with a picture. */
function shrunk(picture) {
  const factor = SIDE / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * factor)));
  const canvas = element("canvas", { class: "thumbnail", width, height, role: "img", "aria-label": "the new picture" });
  canvas.getContext("2d").drawImage(picture, 0, 0, width, height);
  return canvas;
}

export function addNewcomers(body, explorer, announce, surface) {
  const { mapping } = explorer.meta;
  if (!mapping.steps) {
    refill(body, element("p", { class: "note" }, `The page cannot map new samples: ${mapping.why}`));
    return;
  }
  const encode = makeEncoder(mapping.steps, explorer.payload.arrays);
  const list = element("div", { class: "newcomers" });
  const chooser = element("input", {
    type: "file",
    multiple: true,
    id: "newcomers",
    "aria-label": "Files of new samples",
    onchange: () => take([...chooser.files]),
  });
  const what = mapping.table || mapping.input_shape.length < 2 ? "a .csv or .npy" : "pictures or a .npy";
  refill(body, element("p", { class: "note" }, `Drop ${what} on the page, or choose:`), chooser, list);

  surface.addEventListener("dragover", (event) => event.preventDefault());
  surface.addEventListener("drop", (event) => {
    event.preventDefault();
    take([...event.dataTransfer.files]);
  });

  /** Map the samples in files, and show them. */
  async function take(files) {
    const errors = [];
    let added = 0;
    for (const file of files) {
      try {
        const samples = (await samplesIn(file, mapping)).slice(0, MOST - explorer.newSamples.length);
        for (const sample of samples) explorer.newSamples.push(placed(sample));
        added += samples.length;
      } catch (error) {
        errors.push(`${file.name}: ${error.message}`);
      }
    }
    show();
    announce([added ? `${counted(added, "new sample")} mapped.` : "", ...errors].filter(Boolean).join(" "));
    explorer.redraw();
  }

  function placed({ name, values, picture }) {
    if (!Array.from(values).every(Number.isFinite)) throw new Error("it holds values that are no finite numbers.");
    const { found, place: position } = explorer.space.mapped(Array.from(encode(values)));
    if (!found.every(Number.isFinite)) throw new Error("the map sends it beyond the finite numbers.");
    return { name, position, found, picture, nearest: nearestSamples(explorer, position, N_NEAREST) };
  }

  function show() {
    const all = explorer.newSamples;
    refill(
      list,
      all.length
        ? element(
            "div",
            { class: "row" },
            button("Save positions (CSV)", "Save the positions of the new samples as a CSV file", save),
            button("Remove", "Remove the new samples", () => {
              explorer.newSamples = [];
              show();
              explorer.redraw();
            }),
          )
        : null,
      ...all.slice(-MOST_LISTED).reverse().map(entry),
      all.length > MOST_LISTED ? element("p", { class: "note" }, `and ${all.length - MOST_LISTED} earlier ones`) : null,
    );
  }

  function entry(sample) {
    const near = sample.nearest.map((i) =>
      element(
        "button",
        {
          type: "button",
          title: explorer.samples.line(i),
          "aria-label": `Select ${explorer.samples.line(i)}`,
          onclick: () => explorer.select([i], i),
        },
        explorer.thumbnails ? explorer.thumbnails.canvas(i, 32) : explorer.samples.id(i),
      ),
    );
    return element(
      "div",
      { class: "newcomer" },
      sample.picture ? shrunk(sample.picture) : null,
      element("strong", {}, sample.name),
      element("span", { class: "note" }, `at ${sample.found.map(written).join(", ")}; nearest on the map:`),
      element("div", { class: "pictures" }, ...near),
    );
  }

  function save() {
    const axes = explorer.newSamples[0].found.map((_, axis) => `z${axis}`);
    const lines = explorer.newSamples.map(({ name, found }) => [`"${name.replaceAll('"', '""')}"`, ...found].join(","));
    download("new_positions.csv", new Blob([[`name,${axes.join(",")}`, ...lines].join("\r\n"), "\r\n"], { type: "text/csv" }));
  }
}
