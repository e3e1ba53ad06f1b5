// Training on: start it, follow its energy, move the points to their new places, and say how far the others moved.

import { button, counted, element, refill, written } from "./dom.js";

const PAUSE = 400; // milliseconds between two questions how far it is
const WIDTH = 280;
const HEIGHT = 44;

/** Add the panel. */
export function addRetraining(body, explorer, server, announce, statements) {
  const start = button("Retrain", "Retrain the map by the statements; the other samples are held where they are", begin);
  const cancel = button("Cancel", "Cancel the training; the map and the statements stay as they are", end, { hidden: true });
  const said = element("p", { class: "note", role: "status" });
  const curve = element("canvas", { class: "curve", width: 2 * WIDTH, height: 2 * HEIGHT, hidden: true, role: "img" });
  const result = element("div", {});
  refill(body, element("div", { class: "row" }, start, cancel), said, curve, result);
  let before = null;

  statements.subscribe(enable);

  function enable() {
    const some = statements.all.some((one) => !one.undone && one.kind !== "ignore");
    start.disabled = !some || start.dataset.running === "yes";
    cancel.hidden = start.dataset.running !== "yes";
    if (!some && !said.textContent) said.textContent = "State something first.";
    else if (some && said.textContent === "State something first.") said.textContent = "";
  }

  async function begin() {
    try {
      before = flat(explorer);
      refill(result);
      follow(await server.json("/retraining", {}));
    } catch (error) {
      failed(error);
    }
  }

  async function end() {
    cancel.disabled = true;
    try {
      await server.json("/retraining/cancel", {});
      announce("The training ends after the present epoch.");
    } catch (error) {
      announce(error.message);
    }
  }

  function failed(error) {
    start.dataset.running = "no";
    enable();
    said.textContent = error.message;
    announce(error.message);
  }

  async function follow(report) {
    const running = report.phase === "running";
    start.dataset.running = running ? "yes" : "no";
    cancel.disabled = report.cancelling === true;
    enable();
    if (report.phase === "none") return;
    const epochs = report.epochs ?? [];
    draw(curve, epochs, running ? report.of : epochs.length);
    if (report.phase === "failed") {
      failed(new Error(`The training failed: ${report.error}`));
      return;
    }
    said.textContent = progress(report, epochs);
    if (running) {
      setTimeout(() => server.json("/retraining").then(follow, failed), PAUSE);
      return;
    }
    if (report.phase === "cancelled") {
      announce("Cancelled. The map and the statements are as they were.");
      return;
    }
    await arrive(report);
  }

  async function arrive(report) {
    const places = await server.positions();
    const moves = before !== null;
    await explorer.moveTo(places, moves ? 1.2 : 0);
    if (moves) announce(`The map is trained on. It is in ${report.model}, beside the old one.`);
    refill(result, ...drift(report), moves ? compare(places) : null);
  }

  /** Two buttons that show where the samples were, and where they are. */
  function compare(places) {
    const earlier = before;
    return element(
      "div",
      { class: "row" },
      button("Before", "Before: show the map as it was before this training", () => explorer.moveTo(earlier)),
      button("After", "After: show the map as it is now", () => explorer.moveTo(places)),
    );
  }

  /** Go on where a page was that is loaded again: its contents are those of the first map. */
  async function resume(report) {
    if (report.moved && report.phase !== "done") await explorer.moveTo(await server.positions(), 0);
    await follow(report);
  }

  server.json("/retraining").then(resume).catch(failed);
}

function progress(report, epochs) {
  const seconds = `${written(report.seconds)} s`;
  if (report.phase === "cancelled") return `Cancelled after ${seconds}. The map and the statements are as they were.`;
  if (report.cancelling) return `Cancelling: the training ends after the present epoch, ${seconds}`;
  if (!epochs.length) return `Preparing the samples and their relations, ${seconds}`;
  const done = report.phase === "done" ? counted(epochs.length, "epoch") : `Epoch ${epochs.length} of ${report.of}`;
  return `${done}, energy ${written(epochs.at(-1))}, ${seconds}`;
}

function drift({ drift: moved, model, warnings }) {
  const percent = (share) => `${written(Number((100 * share).toPrecision(2)))} %`;
  const row = (name, { n, quantiles }) =>
    n ? element("tr", {}, element("th", { scope: "row" }, `${name} (${n})`), ...quantiles.map((one) => element("td", {}, percent(one)))) : null;
  return [
    element("p", { class: "said" }, `Saved as ${model}`),
    element("h3", {}, "Drift"),
    element(
      "table",
      { class: "apart drift" },
      element("tr", {}, ...["", "half", "90 %", "99 %", "all"].map((name) => element("th", { scope: "col" }, name))),
      row("held", moved.held),
      row("others", moved.others),
    ),
    element("p", { class: "note" }, "No further than this have they moved, in shares of the width of the map. Held are the samples of which nothing is stated."),
    ...warnings.map((text) => element("p", { class: "note" }, `Warning: ${text}`)),
  ];
}

/** Return the positions as the server sends them. */
function flat({ positions, meta: { dimensions: d }, n }) {
  const places = new Float32Array(d * n);
  for (let i = 0; i < n; i++) for (let axis = 0; axis < d; axis++) places[d * i + axis] = positions[3 * i + axis];
  return places;
}

/** Draw the energy of each epoch. */
function draw(canvas, epochs, of) {
  canvas.hidden = epochs.length < 2;
  if (canvas.hidden) return;
  canvas.setAttribute("aria-label", `Energy: ${epochs.map((one) => written(one)).join(", ")}`);
  const context = canvas.getContext("2d");
  const low = Math.min(...epochs);
  const high = Math.max(...epochs);
  const x = (place) => 6 + ((2 * WIDTH - 12) * place) / Math.max(of - 1, epochs.length - 1);
  const y = (energy) => 8 + ((2 * HEIGHT - 16) * (high - energy)) / (high - low || 1);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.strokeStyle = getComputedStyle(canvas).color;
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.beginPath();
  epochs.forEach((energy, place) => context.lineTo(x(place), y(energy)));
  context.stroke();
}
