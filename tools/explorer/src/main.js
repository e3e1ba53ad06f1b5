// The page: reads its contents, builds the map and the panels, and gives both to the editing module.

import { addCertificate } from "./certificate.js";
import { readPayload } from "./data.js";
import { addCard, addSample } from "./details.js";
import { element, refill } from "./dom.js";
import { startEditing } from "./editing.js";
import { Explorer } from "./explorer.js";
import { listenToKeys } from "./keyboard.js";
import { addLegend } from "./legend.js";
import { addNewcomers } from "./newcomers.js";
import { addPanel } from "./panels.js";
import { listenToPointer } from "./pointer.js";
import { Thumbnails } from "./samples.js";
import { addSearch } from "./search.js";
import { addSelection } from "./selection.js";
import { addSensitivities } from "./sensitivities.js";
import { addToolbar } from "./toolbar.js";

/**
 * Build the page; return {explorer, side, announce, addPanel}, which is `window.drlim` as well.
 *
 * explorer            the map: see explorer.js
 * addPanel(title)     a section of the side panel, returned as an element to fill
 * announce(text)      a line under the map, which screen readers read
 */
async function start() {
  const began = performance.now();
  const payload = await readPayload(document.getElementById("drlim-payload").textContent);
  const parts = skeleton(payload.meta);
  refill(document.getElementById("drlim-page"), ...parts.roots);
  const explorer = new Explorer(payload, { points: parts.points, overlay: parts.overlay });
  const announce = (text) => {
    parts.status.textContent = text;
  };
  const page = {
    explorer,
    side: parts.side,
    announce,
    addPanel: (title, options) => addPanel(parts.side, title, options),
  };
  window.drlim = page;
  if (!explorer.points.gl) announce("This browser has no WebGL 2, so that the points cannot be drawn.");
  const toggleTheme = () => explorer.state.set({ theme: explorer.state.theme === "dark" ? "light" : "dark" });
  const follow = () => {
    document.documentElement.dataset.theme = explorer.state.theme;
  };
  explorer.state.subscribe((names) => names.has("theme") && follow());
  follow();
  addLegend(page.addPanel("Colour", { name: "colour" }), explorer);
  const search = addSearch(page.addPanel("Search and filter", { name: "search" }), explorer, announce);
  addSelection(page.addPanel("Selection", { name: "selection" }), explorer, announce);
  addSample(page.addPanel("Sample", { name: "sample" }), explorer);
  if (payload.meta.sensitivities) addSensitivities(page.addPanel("What moves it", { name: "moves" }), explorer);
  if (payload.meta.certificate) addCertificate(page.addPanel("Certificate", { name: "certificate", open: false }), explorer);
  addNewcomers(page.addPanel("New samples", { name: "newcomers" }), explorer, announce, document.body);
  addCard(parts.card, explorer);
  addToolbar(parts.bar, explorer, { toggleTheme });
  listenToPointer(explorer, parts.overlay);
  listenToKeys(explorer, parts.overlay, { search, toggleTheme, announce });
  new ResizeObserver(() => explorer.resize()).observe(parts.map);
  explorer.resize();
  explorer.timings = { began, first: performance.now() };
  if (payload.meta.editing) startEditing(explorer, page);
  document.documentElement.dataset.ready = "points";
  explorer.thumbnails = await Thumbnails.of(payload); // half a second for 10,000 digits, for which no point waits
  if (explorer.thumbnails) explorer.state.set({ pictures: true });
  document.documentElement.dataset.ready = "yes";
}

function skeleton(meta) {
  const points = element("canvas", { class: "layer", role: "img", "aria-label": "Points of the map" });
  const overlay = element("canvas", {
    class: "layer",
    tabindex: 0,
    role: "application",
    "aria-label": `Map of ${meta.n_samples} samples. Press n for the next sample, question mark button for all keys.`,
  });
  const card = element("div", { class: "card", hidden: true });
  const bar = element("div", { class: "bar", role: "toolbar", "aria-label": "Map" });
  const status = element("div", { class: "status", role: "status", "aria-live": "polite" });
  const map = element("div", { class: "map" }, points, overlay, card);
  const side = element("aside", { "aria-label": "Panels" });
  const heading = element("header", {}, element("h1", {}, meta.title), element("p", {}, meta.subtitle));
  const main = element("main", {}, bar, map, status);
  return { roots: [heading, main, side], points, overlay, card, bar, status, map, side };
}

start().catch((error) => {
  document.getElementById("drlim-page").textContent = `The page cannot be shown: ${error.message}`;
  throw error;
});
