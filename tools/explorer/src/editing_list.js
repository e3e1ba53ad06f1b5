// The list of statements: named, shown on the map, undone and restored. The server has them on the disk.

import { button, counted, element, refill } from "./dom.js";

const KINDS = { alike: "alike", "not alike": "not alike", ignore: "ignored", label: "label" };

/** Add the list; return {all, change, refresh, subscribe}. */
export function addStatements(body, explorer, server, announce) {
  const listeners = [];
  const file = explorer.meta.editing.statements;
  const note = element("p", { class: "note" });
  const rows = element("ul", { class: "statements" });
  refill(body, note, rows);
  const list = { all: [], change, refresh, subscribe: (listener) => listeners.push(listener) };

  /** Send a change, and show the statements that there are then; return whether it was made. */
  async function change(path, given) {
    try {
      take(await server.json(path, given));
      return true;
    } catch (error) {
      announce(error.message);
      return false;
    }
  }

  function refresh() {
    return change("/statements");
  }

  function take({ statements }) {
    list.all = statements;
    note.textContent = statements.length ? `Each is in ${file} as soon as it is made.` : "There are none yet.";
    refill(rows, ...statements.map(row).reverse());
    for (const listener of listeners) listener();
  }

  function row(one) {
    const others = one.others ?? [];
    const count = others.length ? `${one.samples.length} and ${counted(others.length, "sample")}` : counted(one.samples.length, "sample");
    const name = element("input", {
      type: "text",
      maxlength: 200,
      "aria-label": `Name of statement ${one.number}`,
      onchange: () => change("/statements/rename", { number: one.number, name: name.value }).then((done) => done || refresh()),
    });
    name.value = one.name;
    const undo = one.undone ? "Restore" : "Undo";
    return element(
      "li",
      { class: one.undone ? "undone" : false },
      name,
      element("span", { class: "what" }, one.label ? `label ${one.label}, ${count}` : `${KINDS[one.kind]}, ${count}`),
      button("Show", `Show the samples of statement ${one.number} on the map`, () => explorer.select([...one.samples, ...others])),
      button(undo, `${undo} statement ${one.number}`, async () => {
        const path = `/statements/${undo.toLowerCase()}`;
        if (await change(path, { number: one.number })) announce(`${undo}: ${one.name}`);
      }),
    );
  }

  return list;
}
