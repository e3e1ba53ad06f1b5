// Buttons over the map.

import { button, element, refill } from "./dom.js";
import { KEYS } from "./keyboard.js";
import { savePng, saveSvg } from "./pictures.js";

export function addToolbar(bar, explorer, { toggleTheme }) {
  const { camera, state } = explorer;
  const turns = camera.turns;
  const mode = (name, text, title) =>
    button(text, title, () => state.set({ mode: name }), { "data-mode": name, "aria-pressed": "false" });
  const zoom = (factor) => () => {
    camera.zoomBy(factor);
    explorer.redraw();
  };
  const help = element("dialog", { class: "help", "aria-label": "Keys and mouse" });
  const buttons = [
    mode("move", turns ? "Turn" : "Move", turns ? "Drag turns the map" : "Drag moves the map"),
    mode("lasso", "Lasso", "Drag draws a line around samples (Shift and drag does so at any time)"),
    button("+", "Zoom in", zoom(1.4)),
    button("−", "Zoom out", zoom(1 / 1.4)),
    button("Whole map", "Show the whole map", () => {
      camera.reset();
      explorer.redraw();
    }),
    button("Light / dark", "Switch between light and dark", toggleTheme),
    button("PNG", "Save what is seen as a PNG picture", () => savePng(explorer)),
    button("SVG", "Save what is seen as an SVG picture", () => saveSvg(explorer)),
    button("?", "Keys and mouse", () => help.showModal()),
  ];
  refill(bar, ...buttons, help);
  refill(
    help,
    element("h2", {}, "Keys and mouse"),
    element(
      "table",
      {},
      ...[
        ["drag", turns ? "turn the map (right button: move it)" : "move the map"],
        ["Shift + drag", "draw a lasso"],
        ["wheel, pinch", "zoom"],
        ["click", "select a sample, and draw its springs; Ctrl + click adds one"],
        ["double click", "show the whole map"],
        ...KEYS,
      ].map(([key, what]) => element("tr", {}, element("th", { scope: "row" }, key), element("td", {}, what))),
    ),
    element("p", {}, "Keys work while the map has the focus: click it, or go to it with Tab."),
    button("Close", "Close", () => help.close()),
  );
  const follow = () => {
    for (const one of bar.querySelectorAll("[data-mode]")) {
      one.setAttribute("aria-pressed", String(one.dataset.mode === state.mode));
    }
  };
  state.subscribe((names) => names.has("mode") && follow());
  follow();
}
