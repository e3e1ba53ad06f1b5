// Correcting the map: only in a page that is served by `drlim explore --edit`, where `meta.editing` is an object.

import { addStatements } from "./editing_list.js";
import { addRetraining } from "./editing_training.js";
import { Server } from "./editing_server.js";
import { button, counted, element, refill } from "./dom.js";

/** Start; see main.js for what `page` offers. */
export function startEditing(explorer, page) {
  const server = new Server();
  const body = page.addPanel("Correct the map", { name: "editing" });
  const list = page.addPanel("Statements", { name: "statements" });
  const training = page.addPanel("Retrain", { name: "training" });
  for (const added of [training, list, body]) page.side.prepend(added.parentElement);
  const statements = addStatements(list, explorer, server, page.announce);
  addRetraining(training, explorer, server, page.announce, statements);
  addStating(body, explorer, statements, page.announce);
  statements.refresh();
}

/** The buttons that state something of the selection, and of a first set where one was set aside. */
function addStating(body, explorer, statements, announce) {
  const { state } = explorer;
  let aside = [];
  const label = element("input", {
    type: "text",
    maxlength: 200,
    size: 14,
    placeholder: "label",
    "aria-label": "Label for the selected samples",
    list: "drlim-labels",
    onkeydown: (event) => event.key === "Enter" && express("label"),
  });
  const known = element("datalist", { id: "drlim-labels" });
  const held = element("div", { class: "row" });
  const said = element("p", { class: "said" });
  const hint = element("p", { class: "note" });
  const buttons = {
    alike: button("Alike", "", () => express("alike")),
    "not alike": button("Not alike", "", () => express("not alike")),
    ignore: button("Ignore", "", () => express("ignore")),
    aside: button("Set aside", "Set aside these samples as the first of two sets, and select the second", () => setAside()),
    label: button("Label", "Label the selected samples", () => express("label")),
  };
  refill(
    body,
    said,
    element("div", { class: "row" }, buttons.alike, buttons["not alike"], buttons.ignore, buttons.aside),
    element("div", { class: "row" }, label, known, buttons.label),
    held,
    hint,
  );

  async function express(kind) {
    const samples = Array.from(state.selection);
    const given = { kind, samples };
    if (kind === "label") given.label = label.value;
    else if (aside.length) Object.assign(given, { samples: aside, others: samples });
    if (!(await statements.change("/statements", given))) return;
    announce(`Stated: ${statements.all.at(-1).name}. It is on the disk.`);
    aside = [];
    explorer.clear();
    follow();
  }

  function setAside() {
    aside = Array.from(state.selection);
    explorer.clear();
    follow();
    announce(`${counted(aside.length, "sample")} set aside. Select the samples that they are to be compared with.`);
  }

  function follow() {
    const k = state.selection.length;
    const two = aside.length > 0;
    const both = two && k > 0;
    refill(
      held,
      two ? element("span", {}, `${counted(aside.length, "sample")} set aside`) : null,
      two ? button("Show", "Show the samples that are set aside", () => explorer.select(aside)) : null,
      two ? button("Forget", "Forget the samples that are set aside", () => ((aside = []), follow())) : null,
    );
    said.textContent = k ? `${counted(k, "sample")} selected` : "Nothing is selected";
    hint.textContent = hintOf(k, two);
    const enough = both || (!two && k > 1);
    buttons.alike.disabled = buttons["not alike"].disabled = !enough;
    buttons.ignore.disabled = !(both || (!two && k > 0));
    buttons.aside.disabled = k === 0;
    buttons.label.disabled = label.disabled = k === 0 || two;
    const names = two
      ? ["Each sample set aside is like each one selected", "No sample set aside is like one selected", "Whether samples of the two sets are alike does not count"]
      : ["The selected samples are all alike", "No two of the selected samples are alike", "The selected samples take no part"];
    ["alike", "not alike", "ignore"].forEach((kind, place) => {
      buttons[kind].title = names[place];
      buttons[kind].setAttribute("aria-label", `${buttons[kind].textContent}: ${names[place]}`);
    });
  }

  state.subscribe((names) => names.has("selection") && follow());
  statements.subscribe(() => {
    const labels = new Set(statements.all.filter((one) => one.label).map((one) => one.label));
    refill(known, ...Array.from(labels, (value) => element("option", { value })));
  });
  follow();
}

function hintOf(k, two) {
  if (two) return k ? "Say how the two sets belong together." : "Select the second set.";
  if (!k) return "Draw a line around samples (Lasso), or search; then say what they are.";
  return "Set them aside first to say something of two sets.";
}
