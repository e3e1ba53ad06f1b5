// Search in ids, texts and groups: what is found is selected.

import { button, counted, element, refill } from "./dom.js";

const DELAY = 150; // milliseconds after the last key

/** Return the samples of which an id, a text or a group holds a text, in capitals or not. */
export function found(samples, text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const hit = new Uint8Array(samples.n);
  for (const column of samples.columns) {
    if (column.kind === "text") {
      for (let i = 0; i < samples.n; i++) if (column.values[i].toLowerCase().includes(wanted)) hit[i] = 1;
    } else if (column.kind === "category") {
      const codes = column.categories.map((name) => name.toLowerCase().includes(wanted));
      for (let i = 0; i < samples.n; i++) if (column.values[i] && codes[column.values[i] - 1]) hit[i] = 1;
    }
  }
  const { ids } = samples.meta;
  if (ids) ids.forEach((id, i) => String(id).toLowerCase().includes(wanted) && (hit[i] = 1));
  else if (/^\d+$/.test(wanted) && Number(wanted) < samples.n) hit[Number(wanted)] = 1;
  const numbers = [];
  hit.forEach((value, i) => value && numbers.push(i));
  return numbers;
}

/** Add the field; return a function that puts the cursor into it. */
export function addSearch(body, explorer, announce) {
  const { state, samples } = explorer;
  const result = element("p", { class: "note", role: "status" });
  const field = element("input", {
    type: "search",
    id: "search",
    placeholder: samples.meta.ids ? "id, text or group" : "text, group or number of a row",
    "aria-label": "Search",
    oninput: () => {
      clearTimeout(waiting);
      waiting = setTimeout(search, DELAY);
    },
  });
  let waiting = 0;
  const search = () => {
    const numbers = found(samples, field.value);
    explorer.select(numbers, numbers.length === 1 ? numbers[0] : -1);
    result.textContent = field.value.trim() ? `${counted(numbers.length, "sample")} found` : "";
  };
  const filters = element("div", { class: "row" });
  refill(body, field, result, filters);
  const follow = (names) => {
    if (!names.has("selection") && !names.has("shown")) return;
    const { selection, shown } = state;
    const hidden = shown ? shown.reduce((sum, value) => sum + (value ? 0 : 1), 0) : 0;
    refill(
      filters,
      selection.length ? button("Show only these", "Hide all samples but the selection", () => hide(1)) : null,
      selection.length ? button("Hide these", "Hide the selection", () => hide(0)) : null,
      hidden ? button("Show all", "Take all filters away", showAll) : null,
      hidden ? element("span", { class: "note" }, `${counted(hidden, "sample")} hidden`) : null,
    );
  };
  function hide(chosen) {
    const mask = new Uint8Array(samples.n).fill(1 - chosen);
    for (const i of state.selection) mask[i] = chosen;
    const before = explorer.filters.get("selection");
    explorer.filter("selection", before ? mask.map((value, i) => value & before[i]) : mask);
    announce(chosen ? "Only the selection is shown" : "The selection is hidden");
  }
  function showAll() {
    explorer.filters.clear();
    explorer.filter("selection", null);
    state.set({ colour: state.colour });
    announce("All samples are shown");
  }
  state.subscribe(follow);
  return () => field.focus();
}
