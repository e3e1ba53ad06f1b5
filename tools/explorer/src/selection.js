// The selection: how many, what sets it apart, its ids as a file.

import { setApart } from "./apart.js";
import { button, counted, download, element, refill, written } from "./dom.js";

const MOST_SHOWN = 8;
const MOST_PICTURES = 24;
const DELAY = 120; // milliseconds: a tenth of a second of a million samples, for which no point waits

/** Return the table of the selection as CSV: row, id, and the text of each column. */
export function asCsv(samples, selection) {
  const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const head = ["row", "id", ...samples.columns.map((column) => column.name)];
  const lines = Array.from(selection, (i) => [String(i), samples.id(i), ...samples.columns.map((one) => samples.text(one, i))]);
  return [head, ...lines].map((line) => line.map(quoted).join(",")).join("\r\n") + "\r\n";
}

export function addSelection(body, explorer, announce) {
  const { state, samples } = explorer;
  let waiting = 0;
  const follow = (names) => {
    if (!names.has("selection") && !names.has("pictures")) return;
    const { selection } = state;
    body.parentElement.hidden = selection.length === 0;
    if (!selection.length) return;
    const share = (100 * selection.length) / samples.n;
    const said = `${counted(selection.length, "sample")} selected, ${written(Number(share.toPrecision(3)))} %`;
    announce(said);
    const apart = element("div", {});
    refill(
      body,
      element("p", { class: "said" }, said),
      element(
        "div",
        { class: "row" },
        button("Save ids (CSV)", "Save rows, ids and values of the selection as a CSV file", () =>
          download("selection.csv", new Blob([asCsv(samples, selection)], { type: "text/csv" })),
        ),
        button("Select nothing", "Select nothing", () => explorer.clear()),
      ),
      pictures(explorer, selection),
      apart,
    );
    clearTimeout(waiting);
    waiting = setTimeout(() => refill(apart, ...apartRows(explorer, selection)), DELAY); // after the points are drawn
  };
  state.subscribe(follow);
  follow(new Set(["selection"]));
}

function pictures({ thumbnails }, selection) {
  if (!thumbnails) return null;
  const step = Math.max(1, selection.length / MOST_PICTURES);
  const count = Math.min(MOST_PICTURES, selection.length);
  const chosen = Array.from({ length: count }, (_, place) => selection[Math.floor(place * step)]);
  return element("div", { class: "pictures" }, ...chosen.map((i) => thumbnails.canvas(i, 36)));
}

function apartRows(explorer, selection) {
  const rows = setApart(explorer.samples.columns, selection, explorer.n).slice(0, MOST_SHOWN);
  if (!rows.length) return [];
  const percent = (share) => `${written(Number((100 * share).toPrecision(3)))} %`;
  return [
    element("h3", {}, "What sets it apart"),
    element(
      "table",
      { class: "apart" },
      element("tr", {}, ...["", "here", "others"].map((name) => element("th", { scope: "col" }, name))),
      ...rows.map((row) =>
        element(
          "tr",
          {},
          element("th", { scope: "row" }, row.kind === "category" ? `${row.column.name}: ${row.group}` : row.column.name),
          element("td", {}, row.kind === "category" ? percent(row.inside) : written(row.inside)),
          element("td", {}, row.kind === "category" ? percent(row.outside) : written(row.outside)),
        ),
      ),
    ),
    element("p", { class: "note" }, "Means of numbers, shares of groups; the most different first, in deviations."),
  ];
}
