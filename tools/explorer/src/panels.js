// Sections of the side panel, each with a heading.

import { element } from "./dom.js";

/** Add a section to the side panel and return its body, an element to fill. */
export function addPanel(side, title, { open = true, name = "" } = {}) {
  const body = element("div", { class: "body" });
  const section = element("details", { class: "panel", open, id: name ? `panel-${name}` : false }, element("summary", {}, title), body);
  side.append(section);
  return body;
}
