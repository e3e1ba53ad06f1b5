// What colours the points, and what the colours mean; a click on a group hides it.

import { css, groupColour, rangeOf, viridis } from "./colours.js";
import { counted, element, refill, written } from "./dom.js";

const MOST_GROUPS = 60;

export function addLegend(body, explorer) {
  const { state, samples } = explorer;
  const choices = samples.columns
    .map((column, place) => ({ column, place }))
    .filter(({ column }) => column.kind !== "text");
  const select = element(
    "select",
    {
      id: "colour",
      "aria-label": "Colour by",
      onchange: () => {
        explorer.filter("colour", null);
        state.set({ colour: Number(select.value) });
      },
    },
    element("option", { value: -1 }, "one colour"),
    ...choices.map(({ column, place }) => element("option", { value: place }, column.name)),
  );
  const key = element("div", { class: "key" });
  const left = explorer.meta.columns_left_out;
  refill(
    body,
    element("label", { for: "colour" }, "Colour by"),
    select,
    key,
    left ? element("p", { class: "note" }, left) : null,
  );
  const counts = new Map();
  let hidden = new Set();

  const follow = (names) => {
    if (names.has("colour")) hidden = new Set();
    if (!names.has("colour") && !names.has("theme")) return;
    select.value = String(state.colour);
    const column = samples.columns[state.colour];
    if (!column) refill(key);
    else if (column.kind === "category") refill(key, ...groups(column));
    else refill(key, ...range(column));
  };

  function groups(column) {
    const sizes = counts.get(column) ?? sizesOf(column);
    counts.set(column, sizes);
    const codes = [...sizes.keys()].filter((code) => sizes[code] > 0);
    if (!column.ordered) codes.sort((a, b) => (a === 0) - (b === 0) || sizes[b] - sizes[a]);
    const rows = codes.slice(0, MOST_GROUPS).map((code) => group(column, code, sizes[code]));
    const more = codes.length - rows.length;
    return [
      element("ul", { class: "groups" }, ...rows),
      more > 0 ? element("p", { class: "note" }, `and ${counted(more, "smaller group")}; find them by the search.`) : null,
    ];
  }

  function group(column, code, size) {
    const colour = css(groupColour(explorer.meta.palette, code, state.theme));
    const name = code === 0 ? "no value" : column.categories[code - 1];
    const pressed = !hidden.has(code);
    const made = element(
      "button",
      { type: "button", "aria-pressed": String(pressed), title: pressed ? "Hide this group" : "Show this group" },
      element("span", { class: "swatch", style: { background: colour } }),
      element("span", { class: "name" }, name),
      element("span", { class: "count" }, size.toLocaleString("en")),
    );
    made.addEventListener("click", () => {
      if (!hidden.delete(code)) hidden.add(code);
      const mask = hidden.size ? Uint8Array.from(column.values, (value) => (hidden.has(value) ? 0 : 1)) : null;
      explorer.filter("colour", mask);
      made.setAttribute("aria-pressed", String(!hidden.has(code)));
      made.title = hidden.has(code) ? "Show this group" : "Hide this group";
    });
    return element("li", {}, made);
  }

  function range(column) {
    const [low, high] = rangeOf(column.values);
    const stops = Array.from({ length: 11 }, (_, place) => css(viridis(place / 10))).join(",");
    const bounds = ["from", "to"].map((name) =>
      element("input", { type: "number", step: "any", "aria-label": `show ${name}`, placeholder: name, onchange: cut }),
    );
    function cut() {
      const [least, most] = bounds.map((one) => (one.value === "" ? null : Number(one.value)));
      const all = least === null && most === null;
      const within = (value) => (least === null || value >= least) && (most === null || value <= most);
      explorer.filter("colour", all ? null : Uint8Array.from(column.values, (value) => (within(value) ? 1 : 0)));
    }
    return [
      element("div", { class: "ramp", style: { background: `linear-gradient(to right, ${stops})` } }),
      element("div", { class: "ends" }, element("span", {}, written(low)), element("span", {}, written(high))),
      element("div", { class: "bounds" }, "Show", ...bounds),
      column.note ? element("p", { class: "note" }, column.note) : null,
    ];
  }

  state.subscribe(follow);
  follow(new Set(["colour"]));
}

function sizesOf(column) {
  const sizes = new Uint32Array(column.categories.length + 1);
  for (const code of column.values) sizes[code]++;
  return sizes;
}
