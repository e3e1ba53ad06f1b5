// What is known of the sample under the pointer, in a card beside it, and of the sample that was clicked, in the panel.

import { counted, element, refill } from "./dom.js";

const CARD_COLUMNS = 8;
const LONGEST = 300;

/** Return the parts that describe a sample: picture, name, values. */
export function described(explorer, i, mostColumns = Infinity, side = 84) {
  const { samples, thumbnails } = explorer;
  const rows = samples.columns
    .slice(0, mostColumns)
    .map((column) => [column.name, samples.text(column, i)])
    .filter(([, text]) => text !== "");
  return [
    thumbnails ? thumbnails.canvas(i, side) : null,
    element("strong", {}, samples.meta.ids ? samples.id(i) : `sample ${i}`),
    rows.length
      ? element(
          "table",
          { class: "values" },
          ...rows.map(([name, text]) =>
            element(
              "tr",
              {},
              element("th", { scope: "row", title: name }, name),
              element("td", {}, text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text),
            ),
          ),
        )
      : null,
  ];
}

/** Show the card of the sample under the pointer. */
export function addCard(card, explorer) {
  const { state } = explorer;
  let shown = -1;
  state.subscribe((names) => {
    if (!names.has("hovered")) return;
    card.hidden = state.hovered < 0;
    if (state.hovered < 0) return;
    if (state.hovered !== shown) refill(card, ...described(explorer, state.hovered, CARD_COLUMNS));
    shown = state.hovered;
    const [left, top] = explorer.place(state.hovered);
    const { offsetWidth: wide, offsetHeight: high } = card;
    const { width, height } = explorer.camera;
    const beside = left + 16 + wide > width ? left - 16 - wide : left + 16;
    card.style.left = `${Math.max(4, Math.min(width - wide - 4, beside))}px`;
    card.style.top = `${Math.max(4, Math.min(height - high - 4, top + 12))}px`;
  });
}

/** Show the sample that was clicked, and how many springs it has. */
export function addSample(body, explorer) {
  const { state, samples } = explorer;
  const follow = (names) => {
    if (!["current", "springs", "pictures"].some((name) => names.has(name))) return;
    const section = body.parentElement;
    section.hidden = state.current < 0;
    if (state.current < 0) return;
    const springs = ["similar", "dissimilar"]
      .map((kind) => [kind, samples.tied(state.current, kind).length])
      .filter(([, count]) => count > 0);
    refill(
      body,
      ...described(explorer, state.current, Infinity, 112),
      springs.length
        ? element(
            "div",
            { class: "row" },
            element(
              "label",
              {},
              element("input", {
                type: "checkbox",
                checked: state.springs,
                onchange: (event) => state.set({ springs: event.target.checked }),
              }),
              ` springs: ${springs.map(([kind, count]) => `${count.toLocaleString("en")} ${kind}`).join(", ")}`,
            ),
            element(
              "button",
              { type: "button", onclick: () => explorer.select(samples.tied(state.current, springs[0][0])) },
              `Select the ${counted(springs[0][1], `${springs[0][0]} one`)}`,
            ),
          )
        : explorer.meta.springs_left_out
          ? element("p", { class: "note" }, explorer.meta.springs_left_out)
          : null,
      explorer.meta.sensitivities_left_out ? element("p", { class: "note" }, explorer.meta.sensitivities_left_out) : null,
    );
  };
  state.subscribe(follow);
  follow(new Set(["current"]));
}
