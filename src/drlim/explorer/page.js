// Made by `make explorer-bundle` of tools/explorer/src, sha256 22bdbba5b5d5fd23849715fae9d8efd886a348180eadffd7b405aabfd93f8319. Edit those.
(() => {
  // src/dom.js
  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === false || value === null || value === void 0) continue;
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (name === "style") Object.assign(made.style, value);
      else made.setAttribute(name, value === true ? "" : String(value));
    }
    made.append(...children.filter((child) => child !== null && child !== void 0));
    return made;
  }
  function button(text, title, onclick, attributes = {}) {
    return element("button", { type: "button", title, "aria-label": title, onclick, ...attributes }, text);
  }
  function refill(parent, ...children) {
    parent.replaceChildren(...children.filter((child) => child !== null && child !== void 0));
  }
  function download(name, blob) {
    const link = element("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1e4);
  }
  function written(value) {
    if (!Number.isFinite(value)) return "–";
    if (Number.isInteger(value) && Math.abs(value) < 1e7) return String(value);
    const size = Math.abs(value);
    return size >= 1e5 || size < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
  }
  function counted(n, noun) {
    return `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
  }

  // src/certificate.js
  var COVERS = {
    these: "It was measured on the samples of this page.",
    others: "It was measured on other samples than those of this page.",
    unknown: "Whether it was measured on the samples of this page is not known: the page was made without their values."
  };
  var two = (value) => value === null ? "–" : value.toFixed(2);
  function addCertificate(body, explorer) {
    const { record, covers, of_this_encoder: current } = explorer.meta.certificate;
    const stale = element("p", { class: "note", hidden: current }, STALE);
    refill(
      body,
      element("p", { class: "said" }, record.verdict),
      element("p", { class: "note" }, `${record.model}, declared to ignore ${record.declared}. ${COVERS[covers]}`),
      stale,
      ...record.rows.map(nuisance),
      ...worst(explorer, record, covers === "these"),
      element("p", { class: "note" }, measured(record)),
      element("p", { class: "note" }, `By ${Object.entries(record.versions).map((pair) => pair.join(" ")).join(", ")}.`)
    );
    explorer.state.subscribe((names) => names.has("moved") && (stale.hidden = false));
  }
  var STALE = "The map was trained further since: the certificate is of the map before. Repeat it by drlim certify.";
  function measured({ n_samples: n, n_trained_on: trained, settings, data_sha256: digest, unrelated }) {
    const seen = trained ? `, ${trained} of them where training samples lie` : "";
    const draws = `${settings.n_bootstrap} bootstrap draws, ${settings.n_permutations} permutations, seed ${settings.random_state}`;
    const unit2 = `Two unrelated samples lie ${Number(unrelated.toPrecision(3))} apart (median).`;
    return `${counted(n, "sample")}${seen}, SHA-256 ${digest.slice(0, 16)}…; ${draws}. ${unit2}`;
  }
  function nuisance(row) {
    const unit2 = row.kind === "number" ? " of R²" : "";
    const rows = [];
    if (row.ratio !== null) {
      rows.push(["copies / unrelated", `${two(row.ratio)} (95 %: ${two(row.ratio_low)} to ${two(row.ratio_high)})`]);
      rows.push(["pairs of copies", row.n_pairs.toLocaleString("en")]);
    }
    if (row.score !== null) {
      rows.push(["told from the position", `${two(row.score)}${unit2}, permuted ${two(row.chance)}`]);
      rows.push(["beyond chance", `${two(row.told)}; 1 of 20 permutations reaches ${two(row.told_by_chance)}`]);
      rows.push(["p of the permutations", row.p_value === null ? "–" : row.p_value.toFixed(3)]);
    }
    return element(
      "section",
      { class: "nuisance" },
      element("h3", {}, `${row.name}: ${row.verdict}`),
      element(
        "table",
        { class: "facts" },
        ...rows.map(
          ([name, text]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, text))
        )
      )
    );
  }
  function worst(explorer, record, here) {
    const { samples, meta } = explorer;
    if (!record.worst.length) return [];
    const entry = ({ sample, copy, name, ratio }) => {
      const both = copy === null ? [sample] : [sample, copy];
      const known = here && both.every((i) => i < meta.n_samples);
      const text = both.map((i) => known ? samples.id(i) : i).join(" and ");
      const said = ` ${name}, ${two(ratio)}`;
      const title = `Select ${counted(both.length, "sample")}: ${text}`;
      const shown = known ? button(text, title, () => explorer.select(both, sample)) : element("span", {}, text);
      return element("li", {}, shown, element("span", { class: "note" }, said));
    };
    return [
      element("h3", {}, "Worst samples"),
      element("ul", { class: "worst" }, ...record.worst.map(entry)),
      element(
        "p",
        { class: "note" },
        `How far the farthest copy lies, beside unrelated samples.${here ? "" : " The numbers are rows of the samples that were certified."}`
      )
    ];
  }

  // src/data.js
  var KINDS = {
    f4: Float32Array,
    f8: Float64Array,
    i1: Int8Array,
    i4: Int32Array,
    u1: Uint8Array,
    u2: Uint16Array,
    u4: Uint32Array
  };
  function fromBase64(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let place = 0; place < bytes.length; place++) bytes[place] = binary.charCodeAt(place);
    return bytes;
  }
  async function inflated(bytes) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).arrayBuffer();
  }
  async function readPayload(text) {
    const buffer = await inflated(fromBase64(text));
    const length = Number(new DataView(buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
    const arrays = {};
    for (const [name, { dtype, shape, begin }] of Object.entries(header.arrays)) {
      const count = shape.reduce((product2, side) => product2 * side, 1);
      arrays[name] = new KINDS[dtype](buffer, 8 + length + begin, count);
      arrays[name].shape = shape;
    }
    return { meta: header.meta, arrays };
  }
  function positionsOf({ meta, arrays }) {
    const stored = arrays.positions;
    const [n, d] = stored.shape;
    const { low, high } = meta.positions;
    const whole = stored instanceof Uint16Array;
    const positions = new Float32Array(3 * n);
    for (let axis = 0; axis < d; axis++) {
      const unit2 = whole ? (high[axis] - low[axis]) / 65535 : 1;
      const start2 = whole ? low[axis] : 0;
      for (let i = 0; i < n; i++) positions[3 * i + axis] = start2 + unit2 * stored[i * d + axis];
    }
    return positions;
  }
  function columnsOf({ meta, arrays }) {
    return meta.columns.map((column, place) => {
      if (column.kind === "text") return column;
      const stored = arrays[`column${place}`];
      if (column.kind === "category" || !(stored instanceof Uint16Array)) return { ...column, values: stored };
      const values = new Float32Array(stored.length);
      const unit2 = (column.high - column.low) / 65534;
      for (let i = 0; i < values.length; i++) values[i] = stored[i] === 65535 ? NaN : column.low + unit2 * stored[i];
      return { ...column, values };
    });
  }

  // src/details.js
  var CARD_COLUMNS = 8;
  var LONGEST = 300;
  function described(explorer, i, mostColumns = Infinity, side = 84) {
    const { samples, thumbnails } = explorer;
    const rows = samples.columns.slice(0, mostColumns).map((column) => [column.name, samples.text(column, i)]).filter(([, text]) => text !== "");
    return [
      thumbnails ? thumbnails.canvas(i, side) : null,
      element("strong", {}, samples.meta.ids ? samples.id(i) : `sample ${i}`),
      rows.length ? element(
        "table",
        { class: "values" },
        ...rows.map(
          ([name, text]) => element(
            "tr",
            {},
            element("th", { scope: "row", title: name }, name),
            element("td", {}, text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text)
          )
        )
      ) : null
    ];
  }
  function addCard(card, explorer) {
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
  function addSample(body, explorer) {
    const { state, samples } = explorer;
    const follow = (names) => {
      if (!["current", "springs", "pictures"].some((name) => names.has(name))) return;
      const section = body.parentElement;
      section.hidden = state.current < 0;
      if (state.current < 0) return;
      const springs = ["similar", "dissimilar"].map((kind) => [kind, samples.tied(state.current, kind).length]).filter(([, count]) => count > 0);
      refill(
        body,
        ...described(explorer, state.current, Infinity, 112),
        springs.length ? element(
          "div",
          { class: "row" },
          element(
            "label",
            {},
            element("input", {
              type: "checkbox",
              checked: state.springs,
              onchange: (event) => state.set({ springs: event.target.checked })
            }),
            ` springs: ${springs.map(([kind, count]) => `${count.toLocaleString("en")} ${kind}`).join(", ")}`
          ),
          element(
            "button",
            { type: "button", onclick: () => explorer.select(samples.tied(state.current, springs[0][0])) },
            `Select the ${counted(springs[0][1], `${springs[0][0]} one`)}`
          )
        ) : explorer.meta.springs_left_out ? element("p", { class: "note" }, explorer.meta.springs_left_out) : null,
        explorer.meta.sensitivities_left_out ? element("p", { class: "note" }, explorer.meta.sensitivities_left_out) : null
      );
    };
    state.subscribe(follow);
    follow(/* @__PURE__ */ new Set(["current"]));
  }

  // src/editing_list.js
  var KINDS2 = { alike: "alike", "not alike": "not alike", ignore: "ignored", label: "label" };
  function addStatements(body, explorer, server, announce) {
    const listeners = [];
    const file = explorer.meta.editing.statements;
    const note = element("p", { class: "note" });
    const rows = element("ul", { class: "statements" });
    refill(body, note, rows);
    const list = { all: [], change, refresh, subscribe: (listener) => listeners.push(listener) };
    async function change(path2, given) {
      try {
        take(await server.json(path2, given));
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
        onchange: () => change("/statements/rename", { number: one.number, name: name.value }).then((done) => done || refresh())
      });
      name.value = one.name;
      const undo = one.undone ? "Restore" : "Undo";
      return element(
        "li",
        { class: one.undone ? "undone" : false },
        name,
        element("span", { class: "what" }, one.label ? `label ${one.label}, ${count}` : `${KINDS2[one.kind]}, ${count}`),
        button("Show", `Show the samples of statement ${one.number} on the map`, () => explorer.select([...one.samples, ...others])),
        button(undo, `${undo} statement ${one.number}`, async () => {
          const path2 = `/statements/${undo.toLowerCase()}`;
          if (await change(path2, { number: one.number })) announce(`${undo}: ${one.name}`);
        })
      );
    }
    return list;
  }

  // src/editing_training.js
  var PAUSE = 400;
  var WIDTH = 280;
  var HEIGHT = 44;
  function addRetraining(body, explorer, server, announce, statements) {
    const start2 = button("Retrain", "Retrain the map by the statements; the other samples are held where they are", begin);
    const cancel = button("Cancel", "Cancel the training; the map and the statements stay as they are", end, { hidden: true });
    const said = element("p", { class: "note", role: "status" });
    const curve2 = element("canvas", { class: "curve", width: 2 * WIDTH, height: 2 * HEIGHT, hidden: true, role: "img" });
    const result = element("div", {});
    refill(body, element("div", { class: "row" }, start2, cancel), said, curve2, result);
    let before = null;
    statements.subscribe(enable);
    function enable() {
      const some = statements.all.some((one) => !one.undone && one.kind !== "ignore");
      start2.disabled = !some || start2.dataset.running === "yes";
      cancel.hidden = start2.dataset.running !== "yes";
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
      start2.dataset.running = "no";
      enable();
      said.textContent = error.message;
      announce(error.message);
    }
    async function follow(report) {
      const running = report.phase === "running";
      start2.dataset.running = running ? "yes" : "no";
      cancel.disabled = report.cancelling === true;
      enable();
      if (report.phase === "none") return;
      const epochs = report.epochs ?? [];
      draw(curve2, epochs, running ? report.of : epochs.length);
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
    function compare(places) {
      const earlier = before;
      return element(
        "div",
        { class: "row" },
        button("Before", "Before: show the map as it was before this training", () => explorer.moveTo(earlier)),
        button("After", "After: show the map as it is now", () => explorer.moveTo(places))
      );
    }
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
    const row = (name, { n, quantiles }) => n ? element("tr", {}, element("th", { scope: "row" }, `${name} (${n})`), ...quantiles.map((one) => element("td", {}, percent(one)))) : null;
    return [
      element("p", { class: "said" }, `Saved as ${model}`),
      element("h3", {}, "Drift"),
      element(
        "table",
        { class: "apart drift" },
        element("tr", {}, ...["", "half", "90 %", "99 %", "all"].map((name) => element("th", { scope: "col" }, name))),
        row("held", moved.held),
        row("others", moved.others)
      ),
      element("p", { class: "note" }, "No further than this have they moved, in shares of the width of the map. Held are the samples of which nothing is stated."),
      ...warnings.map((text) => element("p", { class: "note" }, `Warning: ${text}`))
    ];
  }
  function flat({ positions, meta: { dimensions: d }, n }) {
    const places = new Float32Array(d * n);
    for (let i = 0; i < n; i++) for (let axis = 0; axis < d; axis++) places[d * i + axis] = positions[3 * i + axis];
    return places;
  }
  function draw(canvas, epochs, of) {
    canvas.hidden = epochs.length < 2;
    if (canvas.hidden) return;
    canvas.setAttribute("aria-label", `Energy: ${epochs.map((one) => written(one)).join(", ")}`);
    const context = canvas.getContext("2d");
    const low = Math.min(...epochs);
    const high = Math.max(...epochs);
    const x = (place) => 6 + (2 * WIDTH - 12) * place / Math.max(of - 1, epochs.length - 1);
    const y = (energy) => 8 + (2 * HEIGHT - 16) * (high - energy) / (high - low || 1);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.strokeStyle = getComputedStyle(canvas).color;
    context.lineWidth = 3;
    context.lineJoin = "round";
    context.beginPath();
    epochs.forEach((energy, place) => context.lineTo(x(place), y(energy)));
    context.stroke();
  }

  // src/editing_server.js
  var Server = class {
    /** Return the JSON of an answer; throw an error with the server's sentence where it refuses. */
    async json(path2, given) {
      const answer = await this.fetch(path2, given);
      const found2 = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new Error(found2.error ?? `The server answered ${answer.status}.`);
      return found2;
    }
    /** Return the positions of all samples, dimension after dimension of one sample after another. */
    async positions() {
      const answer = await this.fetch("/positions");
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
      return new Float32Array(await answer.arrayBuffer());
    }
    async fetch(path2, given) {
      const headers = { Authorization: `Bearer ${sessionStorage.getItem("drlim-token")}` };
      const options = given === void 0 ? { headers } : post(given, headers);
      try {
        return await fetch(path2, options);
      } catch {
        throw new Error("The server does not answer. What was stated is on the disk: start it again, and open the new address.");
      }
    }
  };
  function post(given, headers) {
    return { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(given) };
  }

  // src/editing.js
  function startEditing(explorer, page) {
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
      onkeydown: (event) => event.key === "Enter" && express("label")
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
      label: button("Label", "Label the selected samples", () => express("label"))
    };
    refill(
      body,
      said,
      element("div", { class: "row" }, buttons.alike, buttons["not alike"], buttons.ignore, buttons.aside),
      element("div", { class: "row" }, label, known, buttons.label),
      held,
      hint
    );
    async function express(kind) {
      const samples = Array.from(state.selection);
      const given = { kind, samples };
      if (kind === "label") given.label = label.value;
      else if (aside.length) Object.assign(given, { samples: aside, others: samples });
      if (!await statements.change("/statements", given)) return;
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
      const two2 = aside.length > 0;
      const both = two2 && k > 0;
      refill(
        held,
        two2 ? element("span", {}, `${counted(aside.length, "sample")} set aside`) : null,
        two2 ? button("Show", "Show the samples that are set aside", () => explorer.select(aside)) : null,
        two2 ? button("Forget", "Forget the samples that are set aside", () => (aside = [], follow())) : null
      );
      said.textContent = k ? `${counted(k, "sample")} selected` : "Nothing is selected";
      hint.textContent = hintOf(k, two2);
      const enough = both || !two2 && k > 1;
      buttons.alike.disabled = buttons["not alike"].disabled = !enough;
      buttons.ignore.disabled = !(both || !two2 && k > 0);
      buttons.aside.disabled = k === 0;
      buttons.label.disabled = label.disabled = k === 0 || two2;
      const names = two2 ? ["Each sample set aside is like each one selected", "No sample set aside is like one selected", "Whether samples of the two sets are alike does not count"] : ["The selected samples are all alike", "No two of the selected samples are alike", "The selected samples take no part"];
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
  function hintOf(k, two2) {
    if (two2) return k ? "Say how the two sets belong together." : "Select the second set.";
    if (!k) return "Draw a line around samples (Lasso), or search; then say what they are.";
    return "Set them aside first to say something of two sets.";
  }

  // src/camera.js
  var LEAST_ZOOM = 0.2;
  var LARGEST_ZOOM = 1e5;
  var Camera = class {
    constructor(positions, dimensions) {
      this.turns = dimensions === 3;
      this.width = this.height = 1;
      this.setExtent(positions);
      this.reset();
    }
    /** Take the extent of positions, three numbers each: its middle, its sides, and the diameter of the sphere around. */
    setExtent(positions) {
      const n = positions.length / 3;
      this.middle = [0, 0, 0];
      this.size = [0, 0, 0];
      for (let axis = 0; axis < 3; axis++) {
        let low = Infinity;
        let high = -Infinity;
        for (let i = 0; i < n; i++) {
          const value = positions[3 * i + axis];
          if (value < low) low = value;
          if (value > high) high = value;
        }
        if (n) {
          this.middle[axis] = (low + high) / 2;
          this.size[axis] = high - low;
        }
      }
      const [x, y, z] = this.middle;
      let farthest = 0;
      for (let i = 0; i < n; i++) {
        const square = (positions[3 * i] - x) ** 2 + (positions[3 * i + 1] - y) ** 2 + (positions[3 * i + 2] - z) ** 2;
        if (square > farthest) farthest = square;
      }
      this.reach = 2 * Math.sqrt(farthest) || 1;
    }
    /** Show the whole map. */
    reset() {
      this.centre = [...this.middle];
      this.zoom = 1;
      this.rotation = [1, 0, 0, 0, 1, 0, 0, 0, 1];
      if (this.turns) this.turn(0.5, 0.35);
    }
    resize(width, height) {
      this.width = Math.max(1, width);
      this.height = Math.max(1, height);
    }
    /** Pixels for a unit of the map. */
    get scale() {
      const [x, y] = this.turns ? [this.reach, this.reach] : this.size;
      const wide = x > 0 ? this.width / x : Infinity;
      const high = y > 0 ? this.height / y : Infinity;
      const fitting = Math.min(wide, high);
      return this.zoom * 0.9 * (Number.isFinite(fitting) ? fitting : 100);
    }
    /** Return the place of a point on the screen: x to the right and y down, in pixels, and its depth. */
    project(x, y, z) {
      const r = this.rotation;
      const [a, b, c] = [x - this.centre[0], y - this.centre[1], z - this.centre[2]];
      return [
        this.width / 2 + this.scale * (r[0] * a + r[1] * b + r[2] * c),
        this.height / 2 - this.scale * (r[3] * a + r[4] * b + r[5] * c),
        r[6] * a + r[7] * b + r[8] * c
      ];
    }
    /** Return the point of the map that is at a place of the screen, in the plane of the centre. */
    unproject(left, top) {
      const r = this.rotation;
      const a = (left - this.width / 2) / this.scale;
      const b = (this.height / 2 - top) / this.scale;
      return [0, 1, 2].map((axis) => this.centre[axis] + a * r[axis] + b * r[3 + axis]);
    }
    /** Move the map by pixels. */
    pan(right, down) {
      const from = this.unproject(0, 0);
      const to = this.unproject(right, down);
      this.centre = this.centre.map((value, axis) => value - (to[axis] - from[axis]));
    }
    /** Scale the map about a place of the screen. */
    zoomBy(factor, left = this.width / 2, top = this.height / 2) {
      const before = this.unproject(left, top);
      this.zoom = Math.min(LARGEST_ZOOM, Math.max(LEAST_ZOOM, this.zoom * factor));
      const after = this.unproject(left, top);
      this.centre = this.centre.map((value, axis) => value + before[axis] - after[axis]);
    }
    /** Turn the map by angles: about the vertical axis of the screen, and about the horizontal one. */
    turn(sideways, upwards) {
      const [c, s, d, t] = [Math.cos(sideways), Math.sin(sideways), Math.cos(upwards), Math.sin(upwards)];
      const about = [c, 0, s, t * s, d, -t * c, -d * s, t, d * c];
      const r = this.rotation;
      const turned = new Array(9);
      for (let row = 0; row < 3; row++) {
        for (let column = 0; column < 3; column++) {
          turned[3 * row + column] = about[3 * row] * r[column] + about[3 * row + 1] * r[3 + column] + about[3 * row + 2] * r[6 + column];
        }
      }
      this.rotation = turned;
    }
    /** Bring a point to the middle of the screen if it is not on it. */
    reveal(x, y, z) {
      const [left, top] = this.project(x, y, z);
      if (left < 0 || top < 0 || left > this.width || top > this.height) this.centre = [x, y, z];
    }
  };

  // src/colours.js
  var THEMES = {
    light: { page: [1, 1, 1], missing: [178, 180, 186], ink: "#222428", line: "#5b5f69", similar: "#bd1f01", other: "#3f90da" },
    dark: { page: [0.075, 0.08, 0.095], missing: [98, 102, 112], ink: "#e8e9ec", line: "#a9adb8", similar: "#ff7a5c", other: "#6db3f2" }
  };
  var VIRIDIS = [
    [0.2777273272234177, 0.005407344544966578, 0.3340998053353061],
    [0.1050930431085774, 1.404613529898575, 1.384590162594685],
    [-0.3308618287255563, 0.214847559468213, 0.09509516302823659],
    [-4.634230498983486, -5.799100973351585, -19.33244095627987],
    [6.228269936347081, 14.17993336680509, 56.69055260068105],
    [4.776384997670288, -13.74514537774601, -65.35303263337234],
    [-5.435455855934631, 4.645852612178535, 26.3124352495832]
  ];
  function viridis(share) {
    return [0, 1, 2].map((channel) => {
      let value = 0;
      for (let power = 6; power >= 0; power--) value = value * share + VIRIDIS[power][channel];
      return Math.round(255 * Math.min(1, Math.max(0, value)));
    });
  }
  var SHADES = Array.from({ length: 256 }, (_, place) => viridis(place / 255));
  function rgb(hex) {
    return [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
  }
  function css([red, green, blue]) {
    return `rgb(${red},${green},${blue})`;
  }
  function onPage(colour, theme) {
    if (theme !== "dark") return colour;
    const light = (0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]) / 255;
    const share = Math.max(0, Math.min(0.6, 0.45 - light) / 0.8);
    return colour.map((value) => Math.round(value + share * (255 - value)));
  }
  function groupColour(palette, code, theme) {
    return code === 0 ? THEMES[theme].missing : onPage(rgb(palette[(code - 1) % palette.length]), theme);
  }
  function rangeOf(values) {
    let low = Infinity;
    let high = -Infinity;
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return low <= high ? [low, high] : [0, 0];
  }
  function pointColours(column, n, palette, theme) {
    const colours = new Uint8Array(4 * n);
    const words = new Uint32Array(colours.buffer);
    const word = ([red, green, blue]) => (2147483648 | blue << 16 | green << 8 | red) >>> 0;
    if (!column) words.fill(word(groupColour(palette, 1, theme)));
    else if (column.kind === "category") {
      const table = Uint32Array.from(
        { length: column.categories.length + 1 },
        (_, code) => word(groupColour(palette, code, theme))
      );
      for (let i = 0; i < n; i++) words[i] = table[column.values[i]];
    } else {
      const [low, high] = rangeOf(column.values);
      const factor = high > low ? 255 / (high - low) : 0;
      const table = Uint32Array.from(SHADES, word);
      const missing = word(THEMES[theme].missing);
      for (let i = 0; i < n; i++) {
        const value = column.values[i];
        words[i] = Number.isFinite(value) ? table[Math.round((value - low) * factor)] : missing;
      }
    }
    return colours;
  }

  // src/overlay.js
  var MOST_SPRINGS = 2e3;
  function drawOverlay(context, explorer) {
    const { state, camera, lasso } = explorer;
    const theme = THEMES[state.theme];
    context.clearRect(0, 0, camera.width, camera.height);
    context.setLineDash([2, 4]);
    traced(context, explorer.edges(), theme.line, 1);
    for (const [from, to, kind] of springsOf(explorer)) {
      context.setLineDash(kind === "similar" ? [] : [4, 3]);
      traced(context, explorer.paths(from, to), kind === "similar" ? theme.similar : theme.other, 1.2);
    }
    context.setLineDash([]);
    for (const sample of explorer.newSamples) marked(context, camera.project(...sample.position), theme);
    if (state.current >= 0) ringed(context, explorer.place(state.current), 9, theme.ink, 2);
    if (state.hovered >= 0) ringed(context, explorer.place(state.hovered), 7, theme.ink, 1.2);
    if (lasso.length > 2) {
      context.beginPath();
      for (let i = 0; i < lasso.length; i += 2) context.lineTo(lasso[i], lasso[i + 1]);
      context.closePath();
      context.fillStyle = state.theme === "dark" ? "rgba(255,255,255,.08)" : "rgba(0,0,0,.06)";
      context.fill();
      context.strokeStyle = theme.ink;
      context.lineWidth = 1.2;
      context.stroke();
    }
  }
  function springsOf({ state, samples }) {
    if (state.current < 0 || !state.springs) return [];
    return ["dissimilar", "similar"].flatMap(
      (kind) => Array.from(samples.tied(state.current, kind).subarray(0, MOST_SPRINGS), (other) => [state.current, other, kind])
    );
  }
  function traced(context, lines, colour, width) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    for (const line of lines) {
      context.beginPath();
      for (const [left, top] of line) context.lineTo(left, top);
      context.stroke();
    }
  }
  function ringed(context, [left, top], radius, colour, width) {
    context.beginPath();
    context.arc(left, top, radius, 0, 2 * Math.PI);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  }
  function marked(context, [left, top], theme) {
    for (const [colour, width] of [[`rgb(${theme.page.map((value) => 255 * value).join(",")})`, 5], [theme.similar, 2.2]]) {
      context.beginPath();
      context.arc(left, top, 8, 0, 2 * Math.PI);
      context.moveTo(left - 12, top);
      context.lineTo(left + 12, top);
      context.moveTo(left, top - 12);
      context.lineTo(left, top + 12);
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.stroke();
    }
  }

  // src/picking.js
  var CELLS = 256;
  function eachOnScreen(positions, shown, camera, visit) {
    const [r0, r1, r2, r3, r4, r5] = camera.rotation;
    const [cx, cy, cz] = camera.centre;
    const { scale, width, height } = camera;
    for (let i = 0, place = 0; place < positions.length; i++, place += 3) {
      if (shown && !shown[i]) continue;
      const a = positions[place] - cx;
      const b = positions[place + 1] - cy;
      const c = positions[place + 2] - cz;
      visit(width / 2 + scale * (r0 * a + r1 * b + r2 * c), height / 2 - scale * (r3 * a + r4 * b + r5 * c), i);
    }
  }
  function nearestPoint(positions, shown, camera, left, top, within) {
    let best = within * within;
    let found2 = -1;
    eachOnScreen(positions, shown, camera, (x, y, i) => {
      const away = (x - left) * (x - left) + (y - top) * (y - top);
      if (away < best) {
        best = away;
        found2 = i;
      }
    });
    return found2;
  }
  function isInside(polygon, left, top) {
    let inside = false;
    const n = polygon.length;
    for (let i = 0, j = n - 2; i < n; j = i, i += 2) {
      const [x, y, u, v] = [polygon[i], polygon[i + 1], polygon[j], polygon[j + 1]];
      if (y > top !== v > top && left < (u - x) * (top - y) / (v - y) + x) inside = !inside;
    }
    return inside;
  }
  function insideTest(polygon) {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < polygon.length; i += 2) {
      left = Math.min(left, polygon[i]);
      right = Math.max(right, polygon[i]);
      top = Math.min(top, polygon[i + 1]);
      bottom = Math.max(bottom, polygon[i + 1]);
    }
    const wide = Math.max(1e-9, (right - left) / CELLS);
    const high = Math.max(1e-9, (bottom - top) / CELLS);
    const crossed = crossedCells(polygon, left, top, wide, high);
    const known = new Int8Array(CELLS * CELLS).fill(-1);
    return (x, y) => {
      if (x < left || x > right || y < top || y > bottom) return false;
      const column = Math.min(CELLS - 1, Math.floor((x - left) / wide));
      const row = Math.min(CELLS - 1, Math.floor((y - top) / high));
      const cell = row * CELLS + column;
      if (crossed[cell]) return isInside(polygon, x, y);
      if (known[cell] < 0) known[cell] = isInside(polygon, left + (column + 0.5) * wide, top + (row + 0.5) * high) ? 1 : 0;
      return known[cell] === 1;
    };
  }
  function crossedCells(polygon, left, top, wide, high) {
    const crossed = new Uint8Array(CELLS * CELLS);
    const n = polygon.length;
    for (let i = 0, j = n - 2; i < n; j = i, i += 2) {
      const [x, y] = [(polygon[i] - left) / wide, (polygon[i + 1] - top) / high];
      const [u, v] = [(polygon[j] - left) / wide, (polygon[j + 1] - top) / high];
      const steps = 1 + Math.ceil(2 * Math.max(Math.abs(u - x), Math.abs(v - y)));
      for (let step = 0; step <= steps; step++) {
        const column = Math.floor(x + (u - x) * step / steps);
        const row = Math.floor(y + (v - y) * step / steps);
        for (let below = row - 1; below <= row + 1; below++) {
          for (let beside = column - 1; beside <= column + 1; beside++) {
            if (below >= 0 && beside >= 0 && below < CELLS && beside < CELLS) crossed[below * CELLS + beside] = 1;
          }
        }
      }
    }
    return crossed;
  }
  function pointsInside(positions, shown, camera, polygon) {
    const inside = insideTest(polygon);
    const found2 = new Uint32Array(positions.length / 3);
    let count = 0;
    eachOnScreen(positions, shown, camera, (x, y, i) => {
      if (inside(x, y)) found2[count++] = i;
    });
    return found2.slice(0, count);
  }

  // src/points.js
  var VERTEX = `#version 300 es
in vec3 position;
in vec4 colour;
uniform mat3 rotation;
uniform vec3 centre;
uniform vec2 scale;
uniform float depth;
uniform float size;
uniform float ratio;
uniform float opacity;
uniform vec3 page;
uniform bool fades;
out vec4 shade;
out float wide;
void main() {
  vec3 seen = rotation * (position - centre);
  bool chosen = colour.a > 0.75;
  // Chosen points lie in the nearer half of the depths, so that they cover the others in whatever order they are drawn.
  float away = 0.49 * clamp(depth * seen.z, -1.0, 1.0) + (chosen ? 0.5 : -0.5);
  gl_Position = colour.a < 0.25 ? vec4(2.0, 2.0, 2.0, 1.0) : vec4(scale * seen.xy, -away, 1.0);
  wide = (size + (chosen ? ratio : 0.0)) * (1.0 + 0.35 * depth * seen.z);
  gl_PointSize = wide;
  shade = vec4(mix(colour.rgb, page, fades && !chosen ? 0.78 : 0.0), chosen ? max(opacity, 0.85) : opacity);
}`;
  var FRAGMENT = `#version 300 es
precision highp float;
in vec4 shade;
in float wide;
out vec4 drawn;
void main() {
  float edge = 1.0;
  if (wide > 2.5) {
    float away = length(gl_PointCoord - 0.5) * wide;
    edge = clamp(0.5 * wide - away + 0.5, 0.0, 1.0);
    if (edge < 0.05) discard;
  }
  drawn = vec4(shade.rgb, shade.a * edge);
}`;
  var HIDDEN = 0;
  var USUAL = 128;
  var CHOSEN = 255;
  function compiled(gl, kind, source) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
      throw new Error(gl.getShaderInfoLog(shader));
    }
    return shader;
  }
  var Points = class {
    /** Take a canvas; `this.gl` is null where the browser has no WebGL 2. */
    constructor(canvas, flat2) {
      this.canvas = canvas;
      this.flat = flat2;
      this.gl = canvas.getContext("webgl2", {
        antialias: false,
        alpha: false,
        preserveDrawingBuffer: true,
        // later parts are drawn over earlier ones
        powerPreference: "high-performance"
      });
      this.n = 0;
      this.anyChosen = false;
      if (this.gl) this.prepare();
    }
    /** Make program and buffers; done again after the browser took the context away. */
    prepare() {
      const gl = this.gl;
      const program = gl.createProgram();
      gl.attachShader(program, compiled(gl, gl.VERTEX_SHADER, VERTEX));
      gl.attachShader(program, compiled(gl, gl.FRAGMENT_SHADER, FRAGMENT));
      gl.bindAttribLocation(program, 0, "position");
      gl.bindAttribLocation(program, 1, "colour");
      gl.linkProgram(program);
      if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
        throw new Error(gl.getProgramInfoLog(program));
      }
      gl.useProgram(program);
      const names = ["rotation", "centre", "scale", "depth", "size", "ratio", "opacity", "page", "fades"];
      this.uniforms = Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(program, name)]));
      this.buffers = { positions: gl.createBuffer(), colours: gl.createBuffer() };
      gl.enableVertexAttribArray(0);
      gl.enableVertexAttribArray(1);
      gl.enable(gl.DEPTH_TEST);
      gl.depthFunc(gl.LEQUAL);
      gl.enable(gl.BLEND);
      gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE);
    }
    setPositions(positions) {
      if (!this.gl) return;
      this.n = positions.length / 3;
      this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffers.positions);
      this.gl.bufferData(this.gl.ARRAY_BUFFER, positions, this.gl.DYNAMIC_DRAW);
    }
    /** Take four bytes a point: red, green, blue, and HIDDEN, USUAL or CHOSEN; where some are chosen, others fade. */
    setColours(colours, anyChosen) {
      if (!this.gl) return;
      this.anyChosen = anyChosen;
      this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffers.colours);
      this.gl.bufferData(this.gl.ARRAY_BUFFER, colours, this.gl.DYNAMIC_DRAW);
    }
    /**
     * Draw every k-th point from one of them on; all with `every` 1. With `first` 0 the canvas is cleared before.
     *
     * `size` is the diameter of a point in pixels of the page, `page` the colour of the page as three numbers up to 1.
     */
    draw(camera, { size, opacity, page, ratio, every, first = 0 }) {
      const gl = this.gl;
      if (!gl || gl.isContextLost()) return;
      gl.viewport(0, 0, this.canvas.width, this.canvas.height);
      gl.clearColor(...page, 1);
      if (first === 0) gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      if (first >= this.n) return;
      const uniforms = this.uniforms;
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.positions);
      gl.vertexAttribPointer(0, 3, gl.FLOAT, false, 12 * every, 12 * first);
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.colours);
      gl.vertexAttribPointer(1, 4, gl.UNSIGNED_BYTE, true, 4 * every, 4 * first);
      gl.uniformMatrix3fv(uniforms.rotation, true, camera.rotation);
      gl.uniform3fv(uniforms.centre, camera.centre);
      gl.uniform2f(uniforms.scale, 2 * camera.scale / camera.width, 2 * camera.scale / camera.height);
      gl.uniform1f(uniforms.depth, this.flat ? 0 : 0.9 / camera.reach);
      gl.uniform3fv(uniforms.page, page);
      gl.uniform1i(uniforms.fades, this.anyChosen ? 1 : 0);
      gl.uniform1f(uniforms.size, size * ratio);
      gl.uniform1f(uniforms.ratio, ratio);
      gl.uniform1f(uniforms.opacity, opacity);
      gl.drawArrays(gl.POINTS, 0, Math.floor((this.n - 1 - first) / every) + 1);
    }
    /** Return a promise that is kept once all that was asked for is drawn. */
    drawn() {
      const gl = this.gl;
      if (!gl || gl.isContextLost()) return Promise.resolve();
      const sync = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
      gl.flush();
      return new Promise((resolve) => {
        const ask = () => {
          if (!gl.isContextLost() && gl.clientWaitSync(sync, 0, 0) === gl.TIMEOUT_EXPIRED) {
            setTimeout(ask, 4);
            return;
          }
          gl.deleteSync(sync);
          resolve();
        };
        setTimeout(ask);
      });
    }
  };

  // src/samples.js
  var Samples = class {
    constructor(payload, columns) {
      this.meta = payload.meta;
      this.arrays = payload.arrays;
      this.columns = columns;
      this.n = payload.meta.n_samples;
    }
    /** Name of a sample: its id, or the number of its row. */
    id(i) {
      return this.meta.ids ? String(this.meta.ids[i]) : String(i);
    }
    /** Value of a column as text; "" where it is missing. */
    text(column, i) {
      if (column.kind === "text") return column.values[i];
      const value = column.values[i];
      if (column.kind === "category") return value === 0 ? "" : column.categories[value - 1];
      return Number.isFinite(value) ? written(value) : "";
    }
    /** One line on a sample, for a screen reader and for lists. */
    line(i) {
      const parts = this.columns.slice(0, 3).map((column) => {
        const text = this.text(column, i);
        return text ? `${column.name} ${text.length > 60 ? `${text.slice(0, 60)}…` : text}` : "";
      });
      return [this.meta.ids ? this.id(i) : `sample ${i}`, ...parts.filter(Boolean)].join(", ");
    }
    /** Samples tied to one by springs of a kind, "similar" or "dissimilar"; the springs that the graph lists. */
    tied(i, kind) {
      const starts = this.arrays[`${kind}_starts`];
      return starts ? this.arrays[`${kind}_others`].subarray(starts[i], starts[i + 1]) : new Uint32Array(0);
    }
  };
  var Thumbnails = class _Thumbnails {
    /** Read the sheet; null where the page has none. */
    static async of({ meta, arrays }) {
      if (!meta.thumbnails) return null;
      const { width, height, columns, type } = meta.thumbnails;
      const blob = new Blob([arrays.thumbnails], { type });
      try {
        return new _Thumbnails(await createImageBitmap(blob), width, height, columns);
      } catch {
        return null;
      }
    }
    constructor(sheet, width, height, columns) {
      Object.assign(this, { sheet, width, height, columns });
    }
    /** Draw the picture of a sample on a 2-D context, at a place and of a size. */
    draw(context, i, left, top, width, height) {
      const [x, y] = [i % this.columns * this.width, Math.floor(i / this.columns) * this.height];
      context.imageSmoothingEnabled = width < this.width;
      context.drawImage(this.sheet, x, y, this.width, this.height, left, top, width, height);
    }
    /** Return a canvas with the picture of a sample, its longer side of some pixels. */
    canvas(i, side) {
      const factor = side / Math.max(this.width, this.height);
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(this.width * factor);
      canvas.height = Math.round(this.height * factor);
      canvas.className = "thumbnail";
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", "picture of the sample");
      this.draw(canvas.getContext("2d"), i, 0, 0, canvas.width, canvas.height);
      return canvas;
    }
  };

  // src/space.js
  var TAU = 2 * Math.PI;
  var STEPS = 32;
  var product = (a, b) => a.reduce((sum, value, axis) => sum + value * b[axis], 0);
  var turn = (angle) => angle - TAU * Math.round(angle / TAU);
  var onGlobe = (east, north) => [Math.cos(north) * Math.cos(east), Math.cos(north) * Math.sin(east), Math.sin(north)];
  function greatCircle(a, b) {
    const [sums, differences] = [1, -1].map((sign) => Math.hypot(...a.map((value, axis) => value + sign * b[axis])));
    const angle = 2 * Math.atan2(differences, sums);
    const sine = Math.sin(angle);
    const along2 = (share) => sine < 1e-9 ? a : a.map((value, axis) => (Math.sin((1 - share) * angle) * value + Math.sin(share * angle) * b[axis]) / sine);
    return { angle, along: along2 };
  }
  var scaled = (vector, factor) => vector.map((value) => value * factor);
  var unit = (vector) => scaled(vector, 1 / (Math.hypot(...vector) || 1));
  var FLAT = {
    squared: (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2,
    paths: (a, b) => [[a, b]],
    edges: () => [],
    mapped: (found2) => ({ found: found2, place: [found2[0], found2[1] ?? 0, found2[2] ?? 0] })
  };
  function ring({ factors: [{ radius }] }) {
    const angle = ([x, y]) => Math.atan2(y, x);
    const at = (a, away) => [away * Math.cos(a), away * Math.sin(a), 0];
    return {
      squared: (a, b) => (radius * turn(angle(a) - angle(b))) ** 2,
      paths(a, b) {
        const [start2, way] = [angle(a), turn(angle(b) - angle(a))];
        const [from, to] = [a, b].map(([x, y]) => Math.hypot(x, y));
        return [curve((share) => at(start2 + share * way, from + share * (to - from)))];
      },
      edges: () => [curve((share) => at(TAU * share, radius), 2 * STEPS)],
      mapped: ([x, y]) => ({ found: [(Math.atan2(y, x) + TAU) % TAU], place: [x, y, 0] })
    };
  }
  function globe({ factors: [{ radius }] }) {
    return {
      squared: (a, b) => (radius * greatCircle(unit(a), unit(b)).angle) ** 2,
      paths(a, b) {
        const { along: along2 } = greatCircle(unit(a), unit(b));
        return [curve((share) => scaled(along2(share), radius))];
      },
      edges: () => [
        curve((share) => scaled(onGlobe(TAU * share, 0), radius), 2 * STEPS),
        ...[0, TAU / 4].map((east) => curve((share) => scaled(onGlobe(east, TAU * share), radius), 2 * STEPS))
      ],
      mapped: (found2) => ({ found: angles(found2), place: [...found2] })
    };
  }
  var angles = ([x, y, z]) => [(Math.atan2(y, x) + TAU) % TAU, Math.atan2(z, Math.hypot(x, y))];
  function curve(at, steps = STEPS) {
    return Array.from({ length: steps + 1 }, (_, step) => at(step / steps));
  }
  function unrolled({ factors }) {
    const columns = factors.flatMap(({ kind, size, radius }) => {
      if (kind === "line") return Array(size).fill({ period: 0 });
      return kind === "circle" ? [{ period: TAU * radius }] : [{ period: TAU * radius }, { period: 0 }];
    });
    const bends = factors.some(({ kind }) => kind === "sphere");
    function ways(a, b) {
      let first = 0;
      return factors.map(({ kind, size, radius }) => {
        const count = kind === "sphere" ? 2 : size;
        const [p, q] = [a, b].map((place) => place.slice(first, first + count));
        first += count;
        if (kind === "sphere") return onSphere(p, q, radius);
        const way = p.map((value, axis) => kind === "circle" ? radius * turn((q[axis] - value) / radius) : q[axis] - value);
        return { squared: product(way, way), at: (share) => p.map((value, axis) => value + share * way[axis]) };
      });
    }
    function onSphere(p, q, radius) {
      const { angle, along: along2 } = greatCircle(...[p, q].map(([east, north]) => onGlobe(east / radius, north / radius)));
      const at = (share) => {
        const [east, north] = angles(along2(share));
        return [p[0] + radius * turn(east - p[0] / radius), radius * north];
      };
      return { squared: (radius * angle) ** 2, at };
    }
    return {
      squared: (a, b) => ways(a, b).reduce((sum, way) => sum + way.squared, 0),
      paths(a, b) {
        const parts = ways(a, b);
        const at = (share) => [...parts.flatMap((part) => part.at(share)), 0, 0].slice(0, 3);
        return cutAtEdges(curve(at, bends ? STEPS : 1), columns.map(({ period }) => period));
      },
      edges: (low, high) => columns.flatMap(({ period }, axis) => period ? rims(axis, period, low, high, columns) : []),
      mapped(found2) {
        let first = 0;
        const values = factors.flatMap(({ kind, size, radius }) => {
          const part = found2.slice(first, first + { circle: 2, sphere: 3, line: size }[kind]);
          first += part.length;
          if (kind === "line") return Array.from(part, (value) => [value, value]);
          return (kind === "circle" ? angles([...part, 0]).slice(0, 1) : angles(part)).map((angle) => [angle, radius * angle]);
        });
        const place = [...values.map(([, length]) => length), 0, 0].slice(0, 3);
        return { found: values.map(([value]) => value), place };
      }
    };
  }
  function rims(axis, period, low, high, columns) {
    const others = [0, 1, 2].slice(0, Math.max(2, columns.length)).filter((one) => one !== axis);
    const range = (one) => columns[one]?.period ? [0, columns[one].period] : [low[one], high[one]];
    return [0, period].map((value) => {
      const corner = (...ends) => {
        const place = [0, 0, 0];
        place[axis] = value;
        others.forEach((one, number) => place[one] = range(one)[ends[number]]);
        return place;
      };
      return others.length < 2 ? [corner(0), corner(1)] : [corner(0, 0), corner(1, 0), corner(1, 1), corner(0, 1), corner(0, 0)];
    });
  }
  function cutAtEdges(path2, periods) {
    const pieces = [];
    let cell = null;
    for (let step = 1; step < path2.length; step++) {
      const [from, to] = [path2[step - 1], path2[step]];
      const at = (share) => from.map((value, axis) => value + share * (to[axis] - value));
      const shares = [0, ...crossings(from, to, periods), 1];
      for (let place = 1; place < shares.length; place++) {
        if (shares[place] === shares[place - 1]) continue;
        const middle = at((shares[place] + shares[place - 1]) / 2);
        const away = middle.map((value, axis) => periods[axis] ? periods[axis] * Math.floor(value / periods[axis]) : 0);
        const inside = (share) => at(share).map((value, axis) => value - away[axis]);
        if (cell === null || away.some((value, axis) => value !== cell[axis])) pieces.push([inside(shares[place - 1])]);
        pieces.at(-1).push(inside(shares[place]));
        cell = away;
      }
    }
    return pieces;
  }
  function crossings(from, to, periods) {
    const shares = [];
    periods.forEach((period, axis) => {
      if (!period) return;
      const [start2, end] = [from[axis] / period, to[axis] / period];
      for (let edge = Math.ceil(Math.min(start2, end)); edge <= Math.max(start2, end); edge++) {
        const share = (edge - start2) / (end - start2);
        if (share > 0 && share < 1) shares.push(share);
      }
    });
    return shares.sort((a, b) => a - b);
  }
  function makeSpace(described2) {
    if (!described2) return FLAT;
    return { ring, globe, unrolled }[described2.chart](described2);
  }

  // src/state.js
  function makeState(values) {
    const listeners = /* @__PURE__ */ new Set();
    const state = {
      ...values,
      set(changes) {
        const names = /* @__PURE__ */ new Set();
        for (const [name, value] of Object.entries(changes)) {
          if (state[name] !== value) names.add(name);
          state[name] = value;
        }
        if (names.size) for (const listener of [...listeners]) listener(names, state);
      },
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      }
    };
    return state;
  }

  // src/explorer.js
  var NONE = new Uint32Array(0);
  var HURRIED = 5e4;
  var PAUSE2 = 200;
  var POINTS_FOLLOW = ["selection", "shown", "colour", "theme", "moved"];
  var Explorer = class {
    constructor(payload, canvases) {
      this.payload = payload;
      this.meta = payload.meta;
      this.positions = positionsOf(payload);
      this.samples = new Samples(payload, columnsOf(payload));
      this.thumbnails = null;
      this.space = makeSpace(this.meta.space);
      this.camera = new Camera(this.positions, this.meta.dimensions);
      this.canvases = canvases;
      this.points = new Points(canvases.points, this.meta.dimensions < 3);
      this.lasso = [];
      this.newSamples = [];
      this.filters = /* @__PURE__ */ new Map();
      this.timings = {};
      const dark = matchMedia("(prefers-color-scheme: dark)").matches;
      this.state = makeState({
        selection: NONE,
        current: -1,
        hovered: -1,
        colour: this.meta.colour,
        theme: this.meta.theme === "auto" ? dark ? "dark" : "light" : this.meta.theme,
        shown: null,
        mode: "move",
        springs: true,
        pictures: false,
        moved: 0
      });
      this.state.subscribe((names) => this.follow(names));
      this.points.setPositions(this.positions);
      this.recolour();
      this.keepContext();
    }
    /** Take over a change of the state. */
    follow(names) {
      if (names.has("colour") || names.has("theme")) this.recolour();
      else if (names.has("selection") || names.has("shown")) this.remark();
      if (POINTS_FOLLOW.some((name) => names.has(name))) this.redraw();
      else this.redrawOverlay();
    }
    /** Number of samples. */
    get n() {
      return this.samples.n;
    }
    recolour() {
      const { state, samples, meta } = this;
      this.colours = pointColours(samples.columns[state.colour], this.n, meta.palette, state.theme);
      this.remark();
    }
    /** Mark points that are hidden or chosen in the fourth bytes of their colours. */
    remark() {
      const { colours, state, n } = this;
      const { shown, selection } = state;
      for (let i = 0; i < n; i++) colours[4 * i + 3] = shown && !shown[i] ? HIDDEN : USUAL;
      for (const i of selection) if (colours[4 * i + 3] === USUAL) colours[4 * i + 3] = CHOSEN;
      this.points.setColours(colours, selection.length > 0);
    }
    /** Return those of some samples that no filter hides. */
    visible(chosen) {
      const { shown } = this.state;
      return shown ? chosen.filter((i) => shown[i]) : chosen;
    }
    /** Choose samples: numbers in any order. */
    select(chosen, current = this.state.current) {
      this.state.set({ selection: Uint32Array.from(new Set(chosen)).sort(), current });
    }
    clear() {
      this.lasso = [];
      this.state.set({ selection: NONE, current: -1, hovered: -1 });
      this.redrawOverlay();
    }
    /** Hide samples by a mask under a name, 0 for those to hide; null takes that filter away. */
    filter(name, mask) {
      if (mask) this.filters.set(name, mask);
      else this.filters.delete(name);
      let shown = null;
      for (const one of this.filters.values()) shown = shown ? shown.map((value, i) => value & one[i]) : one.slice();
      this.state.set({ shown });
    }
    /** Return the place of a sample on the chart of the map, three numbers. */
    onChart(i) {
      return Array.from(this.positions.subarray(3 * i, 3 * i + 3));
    }
    /** Return the place of a sample on the canvas, in pixels. */
    place(i) {
      return this.camera.project(...this.positions.subarray(3 * i, 3 * i + 3)).slice(0, 2);
    }
    /** Return lines on the canvas along the shortest path between two samples: one, or several that end at edges. */
    paths(i, j) {
      return this.onCanvas(this.space.paths(this.onChart(i), this.onChart(j)));
    }
    /** Return the lines at which a curved map is cut open, or which show its shape. */
    edges() {
      const { middle, size } = this.camera;
      const ends = [-1, 1].map((sign) => middle.map((value, axis) => value + sign * 0.52 * size[axis]));
      return this.onCanvas(this.space.edges(...ends));
    }
    onCanvas(lines) {
      return lines.map((line) => line.map((place) => this.camera.project(...place).slice(0, 2)));
    }
    /** Return the sample at a place of the canvas, -1 for none. */
    at(left, top) {
      return nearestPoint(this.positions, this.state.shown, this.camera, left, top, Math.max(10, this.pointSize));
    }
    /** Select the samples within a polygon on the canvas, [x, y, x, y, ...]. */
    selectInside(polygon) {
      this.state.set({ selection: pointsInside(this.positions, this.state.shown, this.camera, polygon), current: -1 });
    }
    /** Diameter of a point in pixels: so that many points cover about a third of the canvas, within bounds. */
    get pointSize() {
      const area = this.camera.width * this.camera.height / Math.max(1, this.n);
      return Math.min(9, Math.max(1.2, 0.5 * Math.sqrt(area) * Math.min(2.5, this.camera.zoom ** 0.4)));
    }
    get opacity() {
      if (this.meta.dimensions === 3 || this.n < 2e3) return 0.95;
      return Math.min(0.95, Math.max(0.35, 1.6 - 0.2 * Math.log10(this.n)));
    }
    resize() {
      const { points, overlay } = this.canvases;
      const { clientWidth: width, clientHeight: height } = points.parentElement;
      const ratio = Math.min(2, window.devicePixelRatio || 1);
      for (const canvas of [points, overlay]) {
        canvas.width = Math.max(1, Math.round(width * ratio));
        canvas.height = Math.max(1, Math.round(height * ratio));
      }
      this.ratio = ratio;
      this.camera.resize(width, height);
      this.draw(true);
    }
    /** Draw with the next frame. */
    redraw() {
      this.pointsWait = true;
      this.redrawOverlay();
    }
    /** Draw with the next frame what is over the points: a million of them take a tenth of a second and more. */
    redrawOverlay() {
      if (this.waiting) return;
      this.waiting = true;
      requestAnimationFrame(() => {
        this.waiting = false;
        if (this.pointsWait) this.draw(true);
        else this.drawOver();
      });
    }
    /**
     * Draw all points at once; in a hurry every k-th of many, and the others part after part once nothing has changed for
     * a moment: a hover or a lasso waits for one part at most.
     */
    draw(hurried = false) {
      this.pointsWait = false;
      clearTimeout(this.later);
      const parts = Math.max(1, Math.round(this.n / HURRIED));
      const drawing = this.drawing = { parts: hurried ? parts : 1 };
      this.drawPart(drawing, 0);
      if (drawing.parts > 1) this.later = setTimeout(() => this.drawRest(drawing), PAUSE2);
      this.drawOver();
    }
    drawPart({ parts: every }, first) {
      const { pointSize: size, opacity, ratio } = this;
      this.points.draw(this.camera, { size, opacity, ratio, every, first, page: THEMES[this.state.theme].page });
    }
    async drawRest(drawing) {
      for (let first = 1; first < drawing.parts; first++) {
        await this.points.drawn();
        if (this.drawing !== drawing) return;
        this.drawPart(drawing, first);
      }
    }
    drawOver() {
      const context = this.canvases.overlay.getContext("2d");
      context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
      drawOverlay(context, this);
    }
    /**
     * Move the samples to other places, n times (x, y, z) or (x, y), over some seconds; at once without.
     *
     * The extent of the map is taken anew, and the view stays, unless the user sees the whole map.
     */
    moveTo(places, seconds = 1.2) {
      const n = this.n;
      const d = places.length / n;
      const to = new Float32Array(3 * n);
      for (let i = 0; i < n; i++) for (let axis = 0; axis < d; axis++) to[3 * i + axis] = places[d * i + axis];
      const from = this.positions.slice();
      const begin = performance.now();
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
      return new Promise((resolve) => {
        const step = () => {
          const share = seconds > 0 && !still ? Math.min(1, (performance.now() - begin) / (1e3 * seconds)) : 1;
          const eased = share * share * (3 - 2 * share);
          for (let place = 0; place < to.length; place++) {
            this.positions[place] = from[place] + eased * (to[place] - from[place]);
          }
          this.points.setPositions(this.positions);
          if (share < 1) {
            this.draw(true);
            requestAnimationFrame(step);
            return;
          }
          this.positions.set(to);
          this.points.setPositions(this.positions);
          this.camera.setExtent(this.positions);
          if (this.camera.zoom === 1) this.camera.reset();
          this.state.set({ moved: this.state.moved + 1 });
          this.draw();
          resolve();
        };
        step();
      });
    }
    /** Draw again where the browser took the context of WebGL away, and gives it back. */
    keepContext() {
      this.canvases.points.addEventListener("webglcontextlost", (event) => event.preventDefault());
      this.canvases.points.addEventListener("webglcontextrestored", () => {
        this.points.prepare();
        this.points.setPositions(this.positions);
        this.recolour();
        this.redraw();
      });
    }
  };

  // src/keyboard.js
  var KEYS = [
    ["arrows", "move the map; turn it if it has three dimensions"],
    ["+ −", "zoom"],
    ["0", "show the whole map"],
    ["n, p", "next and previous sample, of the selection if there is one"],
    ["Enter", "select the sample"],
    ["l", "draw a lasso by dragging, or move again (Shift and drag draws one, too)"],
    ["/", "search"],
    ["s", "show or hide the springs of the sample"],
    ["t", "light or dark"],
    ["Esc", "select nothing"]
  ];
  function listenToKeys(explorer, surface, { search, toggleTheme, announce }) {
    const { camera, state } = explorer;
    const actions = {
      ArrowLeft: () => shift(1, 0),
      ArrowRight: () => shift(-1, 0),
      ArrowUp: () => shift(0, 1),
      ArrowDown: () => shift(0, -1),
      "+": () => camera.zoomBy(1.25),
      "=": () => camera.zoomBy(1.25),
      "-": () => camera.zoomBy(0.8),
      0: () => camera.reset(),
      n: () => step(1),
      p: () => step(-1),
      Enter: () => state.current >= 0 && explorer.select([state.current], state.current),
      l: () => state.set({ mode: state.mode === "lasso" ? "move" : "lasso" }),
      s: () => state.set({ springs: !state.springs }),
      t: toggleTheme,
      "/": () => search(),
      Escape: () => explorer.clear()
    };
    surface.addEventListener("keydown", (event) => {
      const action = actions[event.key];
      if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      action();
      explorer.redraw();
    });
    function shift(right, down) {
      if (camera.turns) camera.turn(0.1 * right, 0.1 * down);
      else camera.pan(40 * right, 40 * down);
    }
    function step(by) {
      const among = state.selection.length > 1 ? explorer.visible(state.selection) : null;
      const count = among ? among.length : explorer.n;
      if (!count) return;
      let place = among ? among.indexOf(state.current) : state.current;
      for (let tried = 0; tried < count; tried++) {
        place = (place + by + (place < 0 && by < 0 ? 1 : 0) + count) % count;
        const i = among ? among[place] : place;
        if (!state.shown || state.shown[i]) {
          state.set({ current: i });
          camera.reveal(...explorer.positions.subarray(3 * i, 3 * i + 3));
          announce(explorer.samples.line(i));
          return;
        }
      }
    }
  }

  // src/legend.js
  var MOST_GROUPS = 60;
  function addLegend(body, explorer) {
    const { state, samples } = explorer;
    const choices = samples.columns.map((column, place) => ({ column, place })).filter(({ column }) => column.kind !== "text");
    const select = element(
      "select",
      {
        id: "colour",
        "aria-label": "Colour by",
        onchange: () => {
          explorer.filter("colour", null);
          state.set({ colour: Number(select.value) });
        }
      },
      element("option", { value: -1 }, "one colour"),
      ...choices.map(({ column, place }) => element("option", { value: place }, column.name))
    );
    const key = element("div", { class: "key" });
    const left = explorer.meta.columns_left_out;
    refill(
      body,
      element("label", { for: "colour" }, "Colour by"),
      select,
      key,
      left ? element("p", { class: "note" }, left) : null
    );
    const counts = /* @__PURE__ */ new Map();
    let hidden = /* @__PURE__ */ new Set();
    const follow = (names) => {
      if (names.has("colour")) hidden = /* @__PURE__ */ new Set();
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
        more > 0 ? element("p", { class: "note" }, `and ${counted(more, "smaller group")}; find them by the search.`) : null
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
        element("span", { class: "count" }, size.toLocaleString("en"))
      );
      made.addEventListener("click", () => {
        if (!hidden.delete(code)) hidden.add(code);
        const mask = hidden.size ? Uint8Array.from(column.values, (value) => hidden.has(value) ? 0 : 1) : null;
        explorer.filter("colour", mask);
        made.setAttribute("aria-pressed", String(!hidden.has(code)));
        made.title = hidden.has(code) ? "Show this group" : "Hide this group";
      });
      return element("li", {}, made);
    }
    function range(column) {
      const [low, high] = rangeOf(column.values);
      const stops = Array.from({ length: 11 }, (_, place) => css(viridis(place / 10))).join(",");
      const bounds = ["from", "to"].map(
        (name) => element("input", { type: "number", step: "any", "aria-label": `show ${name}`, placeholder: name, onchange: cut })
      );
      function cut() {
        const [least, most] = bounds.map((one) => one.value === "" ? null : Number(one.value));
        const all = least === null && most === null;
        const within = (value) => (least === null || value >= least) && (most === null || value <= most);
        explorer.filter("colour", all ? null : Uint8Array.from(column.values, (value) => within(value) ? 1 : 0));
      }
      return [
        element("div", { class: "ramp", style: { background: `linear-gradient(to right, ${stops})` } }),
        element("div", { class: "ends" }, element("span", {}, written(low)), element("span", {}, written(high))),
        element("div", { class: "bounds" }, "Show", ...bounds),
        column.note ? element("p", { class: "note" }, column.note) : null
      ];
    }
    state.subscribe(follow);
    follow(/* @__PURE__ */ new Set(["colour"]));
  }
  function sizesOf(column) {
    const sizes = new Uint32Array(column.categories.length + 1);
    for (const code of column.values) sizes[code]++;
    return sizes;
  }

  // src/encoder.js
  var NEAREST_PLACES = 16;
  var SCALE = 5;
  var SOFTENING = 1e-3;
  var TINY = 1e-300;
  var FUNCTIONS = {
    tanh: Math.tanh,
    relu: (value) => Math.max(0, value),
    silu: (value) => value / (1 + Math.exp(-value))
  };
  function makeEncoder(steps, arrays) {
    const carried = { each, affine, convolve, pool, unit: unit2, apply, surface, places };
    const array = (name) => name === null || name === void 0 ? null : arrays[name];
    function run(some, values) {
      let row = Float64Array.from(values);
      for (const step of some) row = carried[step.kind](step, row);
      return row;
    }
    function each(step, row) {
      const [low, high, offset, factor, addend] = ["low", "high", "offset", "factor", "addend"].map((name) => array(step[name]));
      return row.map((value, place) => {
        const of = (values) => values[Math.floor(place * values.length / row.length)];
        let made = value;
        if (low) made = Math.max(of(low), Math.min(of(high), made));
        if (offset) made -= of(offset);
        if (factor) made *= of(factor);
        if (addend) made += of(addend);
        return made;
      });
    }
    function affine(step, row) {
      const [weight, bias] = [array(step.weight), array(step.bias)];
      const [outputs, inputs] = weight.shape;
      const made = new Float64Array(outputs);
      for (let q = 0; q < outputs; q++) {
        let sum = bias ? bias[q] : 0;
        for (let p = 0; p < inputs; p++) sum += weight[q * inputs + p] * row[p];
        made[q] = sum;
      }
      return made;
    }
    function convolve(step, row) {
      const [weight, bias] = [array(step.weight), array(step.bias)];
      const [maps, channels, size] = weight.shape;
      const { stride, padding, height, width } = step;
      const [high, wide] = [height, width].map((side) => Math.floor((side + 2 * padding - size) / stride) + 1);
      const made = new Float64Array(maps * high * wide);
      for (let map = 0; map < maps; map++) {
        for (let top = 0; top < high; top++) {
          for (let left = 0; left < wide; left++) {
            let sum = bias ? bias[map] : 0;
            for (let channel = 0; channel < channels; channel++) {
              for (let down = 0; down < size; down++) {
                const y = top * stride + down - padding;
                if (y < 0 || y >= height) continue;
                for (let right = 0; right < size; right++) {
                  const x = left * stride + right - padding;
                  if (x < 0 || x >= width) continue;
                  sum += weight[((map * channels + channel) * size + down) * size + right] * row[(channel * height + y) * width + x];
                }
              }
            }
            made[(map * high + top) * wide + left] = sum;
          }
        }
      }
      return made;
    }
    function pool({ size, stride, channels, height, width }, row) {
      const [high, wide] = [height, width].map((side) => Math.floor((side - size) / stride) + 1);
      const made = new Float64Array(channels * high * wide);
      for (let place = 0; place < made.length; place++) {
        const [channel, top, left] = [Math.floor(place / (high * wide)), Math.floor(place / wide) % high, place % wide];
        let sum = 0;
        for (let down = 0; down < size; down++) {
          const start2 = (channel * height + top * stride + down) * width + left * stride;
          for (let right = 0; right < size; right++) sum += row[start2 + right];
        }
        made[place] = sum / (size * size);
      }
      return made;
    }
    function unit2(_, row) {
      const length = lengthOf(row);
      return length > 0 ? row.map((value) => value / length) : row;
    }
    function surface({ factors }, row) {
      let first = 0;
      for (const { size, radius } of factors) {
        const part = row.subarray(first, first + size);
        const length = radius === null ? 1 : lengthOf(part);
        if (length === 0) part[0] = radius;
        else if (radius !== null) part.forEach((value, axis) => part[axis] = value / length * radius);
        first += size;
      }
      return row;
    }
    function apply({ name }, row) {
      return row.map(FUNCTIONS[name]);
    }
    function places(step, row) {
      const features2 = run(step.features, row);
      const own = 1 - step.sources.reduce((sum, source) => sum + source.share, 0);
      const centres = array(step.centres);
      const candidates = probable(run(step.logits, features2), centres).map(([place, share]) => [place, own * share]);
      for (const source of step.sources) {
        const reduced = run(source.reduced, source.of_features ? unit2(null, features2) : row);
        for (const [place, share] of retrieved(reduced, source)) candidates.push([place, source.share * share]);
      }
      return mode(candidates, step.bandwidth, step.n_steps);
    }
    function probable(logits, centres) {
      const d = centres.shape[1];
      const most = logits.reduce((largest, value) => Math.max(largest, value), -Infinity);
      const weights = logits.map((value) => Math.exp(value - most));
      const sum = weights.reduce((total, value) => total + value, 0);
      const order = Array.from(weights.keys()).sort((a, b) => weights[b] - weights[a] || a - b);
      return order.slice(0, NEAREST_PLACES).map((k) => [centres.subarray(k * d, k * d + d), weights[k] / sum]);
    }
    function retrieved(reduced, source) {
      const [stored, positions] = [array(source.stored), array(source.positions)];
      const [n, p] = stored.shape;
      const d = positions.shape[1];
      const squares = new Float64Array(n);
      for (let i = 0; i < n; i++) {
        let sum2 = 0;
        for (let place = 0; place < p; place++) sum2 += (stored[i * p + place] - reduced[place]) ** 2;
        squares[i] = sum2;
      }
      const nearest = smallest(squares, source.n_neighbors);
      const scale = Math.max(squares[nearest[Math.min(SCALE, nearest.length) - 1]], TINY);
      const weights = nearest.map((i) => 1 / (squares[i] / scale + SOFTENING));
      const sum = weights.reduce((total, value) => total + value, 0);
      return nearest.map((i, place) => [positions.subarray(i * d, i * d + d), weights[place] / sum]);
    }
    return (values) => run(steps, values);
  }
  function lengthOf(row) {
    let largest = 0;
    for (const value of row) largest = Math.max(largest, Math.abs(value));
    if (largest === 0) return 0;
    let sum = 0;
    for (const value of row) sum += (value / largest) ** 2;
    return largest * Math.sqrt(sum);
  }
  function smallest(values, k) {
    const found2 = [];
    for (let i = 0; i < values.length; i++) {
      if (found2.length === k && values[i] >= values[found2[k - 1]]) continue;
      let place = found2.length < k ? found2.length : k - 1;
      for (; place > 0 && values[found2[place - 1]] > values[i]; place--) found2[place] = found2[place - 1];
      found2[place] = i;
    }
    return found2;
  }
  function mode(candidates, bandwidth, nSteps) {
    const d = candidates[0][0].length;
    const kernel = (a, b) => {
      let squares = 0;
      for (let axis = 0; axis < d; axis++) squares += (a[axis] - b[axis]) ** 2;
      return 1 / (1 + squares / (bandwidth * bandwidth));
    };
    const height = (at) => candidates.reduce((sum, [place, share]) => sum + share * kernel(at, place), 0);
    let [z, best] = [candidates[0][0], -Infinity];
    for (const [place] of candidates) {
      const found2 = height(place);
      if (found2 > best) [z, best] = [place, found2];
    }
    for (let step = 0; step < nSteps; step++) {
      const next = new Float64Array(d);
      let sum = 0;
      for (const [place, share] of candidates) {
        const weight = share * kernel(z, place) ** 2;
        sum += weight;
        for (let axis = 0; axis < d; axis++) next[axis] += weight * place[axis];
      }
      z = next.map((value) => value / sum);
    }
    return z;
  }

  // src/table.js
  var BLANKS = /* @__PURE__ */ new Set(["", "na", "n/a", "nan", "null", "none", "nat", "<na>"]);
  var DAY = 864e5;
  function parsedCsv(text) {
    const first = text.split("\n", 1)[0];
    const separator = [",", ";", "	"].sort((a, b) => first.split(b).length - first.split(a).length)[0];
    const rows = [];
    let [row, field, quoted] = [[], "", false];
    const source = text.replace(/^\ufeff/, "").replaceAll("\r\n", "\n");
    for (let place = 0; place < source.length; place++) {
      const letter = source[place];
      if (quoted) {
        if (letter !== '"') field += letter;
        else if (source[place + 1] === '"') field += source[++place];
        else quoted = false;
      } else if (letter === '"' && field === "") quoted = true;
      else if (letter === separator) {
        row.push(field);
        field = "";
      } else if (letter === "\n") {
        rows.push([...row, field]);
        [row, field] = [[], ""];
      } else field += letter;
    }
    if (field !== "" || row.length) rows.push([...row, field]);
    return rows.filter((one) => one.some((value) => value.trim() !== ""));
  }
  function isNumber(text) {
    return text.trim() !== "" && Number.isFinite(Number(text));
  }
  function withPoints(texts) {
    if (!texts.some((text) => text.includes(","))) return texts;
    if (texts.every((text) => /^([+-]?[1-9]\d{0,2}(,\d{3})+|[+-]?\d{1,3})$/.test(text))) {
      return texts.map((text) => text.replaceAll(",", ""));
    }
    if (texts.every((text) => /^[+-]?\d+(,\d+)?$/.test(text))) return texts.map((text) => text.replace(",", "."));
    return texts;
  }
  function days(text) {
    const dotted = /^(\d{2})\.(\d{2})\.(\d{4})$/.exec(text);
    if (dotted) return Date.parse(`${dotted[3]}-${dotted[2]}-${dotted[1]}`) / DAY;
    if (!/^\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?)?$/.test(text)) return NaN;
    const zoned = /[T ]/.test(text) && !/(Z|[+-]\d{2}:?\d{2})$/.test(text) ? `${text}Z` : text;
    return Date.parse(zoned.replace(" ", "T")) / DAY;
  }
  function numbersOf(column, texts) {
    const blank = texts.map((text) => BLANKS.has(text.toLowerCase()));
    const known = withPoints(texts.filter((_, row) => !blank[row]));
    let next = 0;
    return texts.map((text, row) => {
      if (blank[row]) return NaN;
      const value = column.kind === "date" ? days(text) : isNumber(known[next]) ? Number(known[next]) : NaN;
      next++;
      if (Number.isNaN(value)) throw new Error(`“${text}” in column ${column.name}, row ${row + 1}, is no ${column.kind}.`);
      return value;
    });
  }
  function applyTable({ columns, refuses_blanks: refuses }, names, rows) {
    const made = rows.map(() => []);
    for (const column of columns) {
      const place = names.indexOf(column.name);
      if (place < 0) throw new Error(`The file has no column ${column.name}, which the map needs.`);
      const texts = rows.map((row) => (row[place] ?? "").trim());
      if (column.kind === "category") {
        texts.forEach((text, row) => made[row].push(...column.levels.map((level) => level === text ? 1 : 0)));
        continue;
      }
      numbersOf(column, texts).forEach((value, row) => {
        if (Number.isNaN(value) && refuses) throw new Error(`Column ${column.name} is blank in row ${row + 1}.`);
        made[row].push(((Number.isNaN(value) ? column.fill : value) - column.center) / column.scale);
      });
    }
    return made;
  }
  function numericRows(rows, wanted, width) {
    const named = !rows[0].every(isNumber);
    const names = named ? rows[0].map((name) => name.trim()) : null;
    const body = named ? rows.slice(1) : rows;
    let places = rows[0].map((_, place) => place);
    if (wanted && names) {
      places = wanted.map((name) => names.indexOf(name));
      const missing = wanted.filter((_, place) => places[place] < 0);
      if (missing.length) throw new Error(`The file has no column ${missing[0]}, which the map needs.`);
    } else if (places.length !== width && names && names.some((name) => /^x\d+$/.test(name))) {
      places = Array.from({ length: width }, (_, place) => names.indexOf(`x${place}`));
    }
    if (places.length !== width || places.includes(-1)) {
      throw new Error(`The map takes ${width} numbers a row, and the file has ${rows[0].length} columns.`);
    }
    return body.map(
      (row, number) => places.map((place) => {
        if (!isNumber(row[place] ?? "")) throw new Error(`“${row[place] ?? ""}” in row ${number + 1} is no number.`);
        return Number(row[place]);
      })
    );
  }

  // src/files.js
  var READERS = {
    f4: (view, at, little) => view.getFloat32(at, little),
    f8: (view, at, little) => view.getFloat64(at, little),
    i1: (view, at) => view.getInt8(at),
    u1: (view, at) => view.getUint8(at),
    b1: (view, at) => view.getUint8(at),
    i2: (view, at, little) => view.getInt16(at, little),
    u2: (view, at, little) => view.getUint16(at, little),
    i4: (view, at, little) => view.getInt32(at, little),
    u4: (view, at, little) => view.getUint32(at, little),
    i8: (view, at, little) => Number(view.getBigInt64(at, little)),
    u8: (view, at, little) => Number(view.getBigUint64(at, little))
  };
  function parsedNpy(buffer) {
    const bytes = new Uint8Array(buffer);
    if (buffer.byteLength < 12 || bytes[0] !== 147 || String.fromCharCode(...bytes.subarray(1, 6)) !== "NUMPY") {
      throw new Error("The file is no .npy array.");
    }
    const view = new DataView(buffer);
    const [start2, length] = bytes[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
    const header = new TextDecoder("latin1").decode(bytes.subarray(start2, start2 + length));
    const [, order, kind] = /'descr': '([<>|=])(\w+)'/.exec(header) ?? [];
    const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? "").split(",").filter((side) => side.trim()).map(Number);
    const read = READERS[kind];
    if (!read) throw new Error("The array is of a type that the page cannot read: save it as float32 or float64.");
    if (/'fortran_order': True/.test(header)) throw new Error("Save the array in C order, by numpy.ascontiguousarray.");
    const count = shape.reduce((product2, side) => product2 * side, 1);
    const size = Number(kind[1]);
    if (buffer.byteLength !== start2 + length + count * size) throw new Error("The array is cut short.");
    const values = new Float64Array(count);
    for (let place = 0; place < count; place++) values[place] = read(view, start2 + length + place * size, order !== ">");
    return { shape, values };
  }
  function samplesOf({ shape, values }, wanted) {
    const size = wanted.reduce((product2, side) => product2 * side, 1);
    const tail = String(shape.slice(-wanted.length));
    const fits = tail === String(wanted) && (shape.length === wanted.length || shape.length === wanted.length + 1);
    if (!fits) throw new Error(`The map takes samples of shape (${wanted.join(", ")}), and the file has (${shape.join(", ")}).`);
    return Array.from({ length: values.length / size }, (_, i) => values.subarray(i * size, (i + 1) * size));
  }
  function coverage(from, to) {
    const scale = from / to;
    const support = Math.max(1, scale);
    return Array.from({ length: to }, (_, place) => {
      const centre = (place + 0.5) * scale;
      const begin = Math.max(0, Math.round(centre - support - 1e-9));
      const end = Math.min(from, Math.round(centre + support - 1e-9));
      const weights = [];
      for (let x = begin; x < end; x++) weights.push(Math.max(0, 1 - Math.abs(x + 0.5 - centre) / support));
      const sum = weights.reduce((total, value) => total + value, 0);
      return { begin, weights: weights.map((value) => value / sum) };
    });
  }
  function resized(pixels, width, height, wide, high) {
    if (width === wide && height === high) return pixels;
    const across = new Float64Array(height * wide);
    coverage(width, wide).forEach(({ begin, weights }, x) => {
      for (let y = 0; y < height; y++) {
        let sum = 0;
        weights.forEach((weight, place) => sum += weight * pixels[y * width + begin + place]);
        across[y * wide + x] = Math.floor(sum + 0.5);
      }
    });
    const made = new Float64Array(high * wide);
    coverage(height, high).forEach(({ begin, weights }, y) => {
      for (let x = 0; x < wide; x++) {
        let sum = 0;
        weights.forEach((weight, place) => sum += weight * across[(begin + place) * wide + x]);
        made[y * wide + x] = Math.floor(sum + 0.5);
      }
    });
    return made;
  }
  async function pictureSample(file, shape, pixel) {
    const [channels, high, wide] = shape.length === 2 ? [1, ...shape] : shape;
    if (![1, 3].includes(channels)) throw new Error(`The map takes images of ${channels} channels, which a picture has not.`);
    const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.fillStyle = "#fff";
    context.fillRect(0, 0, bitmap.width, bitmap.height);
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const planes = Array.from({ length: channels }, () => new Float64Array(bitmap.width * bitmap.height));
    for (let place = 0; place < planes[0].length; place++) {
      const [red, green, blue] = data.subarray(4 * place, 4 * place + 3);
      if (channels === 3) [red, green, blue].forEach((value, channel) => planes[channel][place] = value);
      else planes[0][place] = red * 19595 + green * 38470 + blue * 7471 + 32768 >> 16;
    }
    const values = planes.flatMap((plane) => Array.from(resized(plane, bitmap.width, bitmap.height, wide, high)));
    return { values: values.map((value) => value * pixel), picture: canvas };
  }
  async function samplesIn(file, mapping) {
    const { input_shape: shape, names, table, pixel } = mapping;
    const suffix = file.name.toLowerCase().split(".").pop();
    if (suffix === "npy") {
      if (table) throw new Error("The map takes a table with names: drop a .csv.");
      const rows = samplesOf(parsedNpy(await file.arrayBuffer()), shape);
      return rows.map((values, place) => ({ name: `${file.name}, ${place}`, values }));
    }
    if (["csv", "tsv", "txt"].includes(suffix)) {
      const rows = parsedCsv(await file.text());
      if (rows.length === 0) throw new Error("The file is empty.");
      if (!table && shape.length > 1) throw new Error("The map takes images: drop pictures, or an array as .npy.");
      const made = table ? applyTable(table, rows[0].map((name) => name.trim()), rows.slice(1)) : numericRows(rows, names, shape[0]);
      return made.map((values, place) => ({ name: `${file.name}, row ${place + 1}`, values }));
    }
    if (file.type.startsWith("image/")) {
      if (table || shape.length < 2) throw new Error("The map takes rows of numbers, and no pictures: drop a .csv or .npy.");
      return [{ name: file.name, ...await pictureSample(file, shape, pixel) }];
    }
    throw new Error("The page reads .npy, .csv, .tsv and pictures.");
  }

  // src/newcomers.js
  var MOST = 2e3;
  var MOST_LISTED = 50;
  var N_NEAREST = 5;
  var SIDE = 64;
  function nearestSamples({ positions, space }, at, k) {
    const found2 = [];
    const squares = [];
    for (let i = 0; i < positions.length / 3; i++) {
      const square = space.squared([positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]], at);
      if (found2.length === k && square >= squares[k - 1]) continue;
      let place = found2.length < k ? found2.length : k - 1;
      for (; place > 0 && squares[place - 1] > square; place--) {
        [found2[place], squares[place]] = [found2[place - 1], squares[place - 1]];
      }
      [found2[place], squares[place]] = [i, square];
    }
    return found2;
  }
  function shrunk(picture3) {
    const factor = SIDE / Math.max(picture3.width, picture3.height);
    const [width, height] = [picture3.width, picture3.height].map((side) => Math.max(1, Math.round(side * factor)));
    const canvas = element("canvas", { class: "thumbnail", width, height, role: "img", "aria-label": "the new picture" });
    canvas.getContext("2d").drawImage(picture3, 0, 0, width, height);
    return canvas;
  }
  function addNewcomers(body, explorer, announce, surface) {
    const { mapping } = explorer.meta;
    if (!mapping.steps) {
      refill(body, element("p", { class: "note" }, `The page cannot map new samples: ${mapping.why}`));
      return;
    }
    const encode = makeEncoder(mapping.steps, explorer.payload.arrays);
    const list = element("div", { class: "newcomers" });
    const chooser = element("input", {
      type: "file",
      multiple: true,
      id: "newcomers",
      "aria-label": "Files of new samples",
      onchange: () => take([...chooser.files])
    });
    const what = mapping.table || mapping.input_shape.length < 2 ? "a .csv or .npy" : "pictures or a .npy";
    refill(body, element("p", { class: "note" }, `Drop ${what} on the page, or choose:`), chooser, list);
    surface.addEventListener("dragover", (event) => event.preventDefault());
    surface.addEventListener("drop", (event) => {
      event.preventDefault();
      take([...event.dataTransfer.files]);
    });
    async function take(files) {
      const errors = [];
      let added = 0;
      for (const file of files) {
        try {
          const samples = (await samplesIn(file, mapping)).slice(0, MOST - explorer.newSamples.length);
          for (const sample of samples) explorer.newSamples.push(placed(sample));
          added += samples.length;
        } catch (error) {
          errors.push(`${file.name}: ${error.message}`);
        }
      }
      show();
      announce([added ? `${counted(added, "new sample")} mapped.` : "", ...errors].filter(Boolean).join(" "));
      explorer.redraw();
    }
    function placed({ name, values, picture: picture3 }) {
      if (!Array.from(values).every(Number.isFinite)) throw new Error("it holds values that are no finite numbers.");
      const { found: found2, place: position } = explorer.space.mapped(Array.from(encode(values)));
      if (!found2.every(Number.isFinite)) throw new Error("the map sends it beyond the finite numbers.");
      return { name, position, found: found2, picture: picture3, nearest: nearestSamples(explorer, position, N_NEAREST) };
    }
    function show() {
      const all = explorer.newSamples;
      refill(
        list,
        all.length ? element(
          "div",
          { class: "row" },
          button("Save positions (CSV)", "Save the positions of the new samples as a CSV file", save),
          button("Remove", "Remove the new samples", () => {
            explorer.newSamples = [];
            show();
            explorer.redraw();
          })
        ) : null,
        ...all.slice(-MOST_LISTED).reverse().map(entry),
        all.length > MOST_LISTED ? element("p", { class: "note" }, `and ${all.length - MOST_LISTED} earlier ones`) : null
      );
    }
    function entry(sample) {
      const near = sample.nearest.map(
        (i) => element(
          "button",
          {
            type: "button",
            title: explorer.samples.line(i),
            "aria-label": `Select ${explorer.samples.line(i)}`,
            onclick: () => explorer.select([i], i)
          },
          explorer.thumbnails ? explorer.thumbnails.canvas(i, 32) : explorer.samples.id(i)
        )
      );
      return element(
        "div",
        { class: "newcomer" },
        sample.picture ? shrunk(sample.picture) : null,
        element("strong", {}, sample.name),
        element("span", { class: "note" }, `at ${sample.found.map(written).join(", ")}; nearest on the map:`),
        element("div", { class: "pictures" }, ...near)
      );
    }
    function save() {
      const axes = explorer.newSamples[0].found.map((_, axis) => `z${axis}`);
      const lines = explorer.newSamples.map(({ name, found: found2 }) => [`"${name.replaceAll('"', '""')}"`, ...found2].join(","));
      download("new_positions.csv", new Blob([[`name,${axes.join(",")}`, ...lines].join("\r\n"), "\r\n"], { type: "text/csv" }));
    }
  }

  // src/panels.js
  function addPanel(side, title, { open = true, name = "" } = {}) {
    const body = element("div", { class: "body" });
    const section = element("details", { class: "panel", open, id: name ? `panel-${name}` : false }, element("summary", {}, title), body);
    side.append(section);
    return body;
  }

  // src/pointer.js
  var CLICK = 4;
  function listenToPointer(explorer, surface) {
    const { camera, state } = explorer;
    const held = /* @__PURE__ */ new Map();
    let dragged = false;
    let drawing = false;
    const at = (event) => {
      const box = surface.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    surface.addEventListener("pointerdown", (event) => {
      surface.setPointerCapture(event.pointerId);
      held.set(event.pointerId, at(event));
      dragged = false;
      drawing = held.size === 1 && (state.mode === "lasso" || event.shiftKey);
      explorer.lasso = drawing ? [...at(event)] : [];
    });
    surface.addEventListener("pointermove", (event) => {
      const [left, top] = at(event);
      const before = held.get(event.pointerId);
      if (!before) {
        hover(left, top);
        return;
      }
      if (Math.hypot(left - before[0], top - before[1]) < (dragged ? 0.5 : CLICK)) return;
      dragged = true;
      if (drawing) explorer.lasso.push(left, top);
      else if (held.size === 2) pinch(event, left, top, before);
      else move(event, left - before[0], top - before[1]);
      held.set(event.pointerId, [left, top]);
      state.set({ hovered: -1 });
      if (drawing) explorer.redrawOverlay();
      else explorer.redraw();
    });
    const release = (event) => {
      if (!held.delete(event.pointerId)) return;
      if (drawing && dragged) explorer.selectInside(explorer.lasso);
      else if (!dragged && event.type === "pointerup") click(event);
      drawing = false;
      explorer.lasso = [];
      explorer.redrawOverlay();
    };
    surface.addEventListener("pointerup", release);
    surface.addEventListener("pointercancel", release);
    surface.addEventListener("pointerleave", () => state.set({ hovered: -1 }));
    surface.addEventListener("contextmenu", (event) => event.preventDefault());
    surface.addEventListener("dblclick", () => {
      camera.reset();
      explorer.redraw();
    });
    surface.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const step = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
        camera.zoomBy(Math.exp(-15e-4 * Math.max(-400, Math.min(400, step))), ...at(event));
        explorer.redraw();
      },
      { passive: false }
    );
    function hover(left, top) {
      const found2 = explorer.at(left, top);
      explorer.pointer = [left, top];
      state.set({ hovered: found2 });
    }
    function click(event) {
      const found2 = explorer.at(...at(event));
      if (found2 < 0) explorer.clear();
      else if (event.ctrlKey || event.metaKey) explorer.select(toggled(state.selection, found2), found2);
      else explorer.select([found2], found2);
    }
    function move(event, right, down) {
      if (camera.turns && !(event.buttons & 2) && !event.ctrlKey) camera.turn(8e-3 * right, 8e-3 * down);
      else camera.pan(right, down);
    }
    function pinch(event, left, top, before) {
      const other = [...held].find(([id]) => id !== event.pointerId)[1];
      const was = Math.hypot(before[0] - other[0], before[1] - other[1]);
      const is = Math.hypot(left - other[0], top - other[1]);
      camera.pan((left - before[0]) / 2, (top - before[1]) / 2);
      if (was > 0) camera.zoomBy(is / was, (left + other[0]) / 2, (top + other[1]) / 2);
    }
  }
  function toggled(selection, i) {
    return selection.includes(i) ? [...selection].filter((one) => one !== i) : [...selection, i];
  }

  // src/search.js
  var DELAY = 150;
  function found(samples, text) {
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
  function addSearch(body, explorer, announce) {
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
      }
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
        hidden ? element("span", { class: "note" }, `${counted(hidden, "sample")} hidden`) : null
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

  // src/apart.js
  function moments(values, chosen) {
    const of = [0, 1].map(() => ({ n: 0, sum: 0, squares: 0 }));
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (!Number.isFinite(value)) continue;
      const part = of[chosen[i]];
      part.n++;
      part.sum += value;
      part.squares += value * value;
    }
    return of.map(({ n, sum, squares }) => ({ n, mean: sum / n, variance: Math.max(0, squares / n - (sum / n) ** 2) }));
  }
  function ofNumbers(column, chosen) {
    const [rest, some] = moments(column.values, chosen);
    if (!rest.n || !some.n) return null;
    const within = Math.sqrt((rest.n * rest.variance + some.n * some.variance) / (rest.n + some.n));
    const size = within > 0 ? (some.mean - rest.mean) / within : some.mean === rest.mean ? 0 : Infinity * Math.sign(some.mean - rest.mean);
    return { column, strength: Math.abs(size), kind: "number", inside: some.mean, outside: rest.mean, size };
  }
  function ofGroups(column, chosen, nChosen, nRest) {
    const counts = [0, 1].map(() => new Float64Array(column.categories.length + 1));
    for (let i = 0; i < chosen.length; i++) counts[chosen[i]][column.values[i]]++;
    let best = null;
    for (let code = 1; code <= column.categories.length; code++) {
      const [inside, outside] = [counts[1][code] / nChosen, counts[0][code] / nRest];
      const size = 2 * Math.asin(Math.sqrt(inside)) - 2 * Math.asin(Math.sqrt(outside));
      if (!best || size > best.size) best = { size, inside, outside, group: column.categories[code - 1] };
    }
    return best && { column, strength: Math.abs(best.size), kind: "category", ...best };
  }
  function setApart(columns, selection, n) {
    if (!selection.length || selection.length === n) return [];
    const chosen = new Uint8Array(n);
    for (const i of selection) chosen[i] = 1;
    return columns.map((column) => {
      if (column.kind === "number") return ofNumbers(column, chosen);
      if (column.kind === "category") return ofGroups(column, chosen, selection.length, n - selection.length);
      return null;
    }).filter((found2) => found2 && found2.strength > 0.05).sort((a, b) => b.strength - a.strength);
  }

  // src/selection.js
  var MOST_SHOWN = 8;
  var MOST_PICTURES = 24;
  var DELAY2 = 120;
  function asCsv(samples, selection) {
    const quoted = (text) => /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    const head = ["row", "id", ...samples.columns.map((column) => column.name)];
    const lines = Array.from(selection, (i) => [String(i), samples.id(i), ...samples.columns.map((one) => samples.text(one, i))]);
    return [head, ...lines].map((line) => line.map(quoted).join(",")).join("\r\n") + "\r\n";
  }
  function addSelection(body, explorer, announce) {
    const { state, samples } = explorer;
    let waiting = 0;
    const follow = (names) => {
      if (!names.has("selection") && !names.has("pictures")) return;
      const { selection } = state;
      body.parentElement.hidden = selection.length === 0;
      if (!selection.length) return;
      const share = 100 * selection.length / samples.n;
      const said = `${counted(selection.length, "sample")} selected, ${written(Number(share.toPrecision(3)))} %`;
      announce(said);
      const apart = element("div", {});
      refill(
        body,
        element("p", { class: "said" }, said),
        element(
          "div",
          { class: "row" },
          button(
            "Save ids (CSV)",
            "Save rows, ids and values of the selection as a CSV file",
            () => download("selection.csv", new Blob([asCsv(samples, selection)], { type: "text/csv" }))
          ),
          button("Select nothing", "Select nothing", () => explorer.clear())
        ),
        pictures(explorer, selection),
        apart
      );
      clearTimeout(waiting);
      waiting = setTimeout(() => refill(apart, ...apartRows(explorer, selection)), DELAY2);
    };
    state.subscribe(follow);
    follow(/* @__PURE__ */ new Set(["selection"]));
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
        ...rows.map(
          (row) => element(
            "tr",
            {},
            element("th", { scope: "row" }, row.kind === "category" ? `${row.column.name}: ${row.group}` : row.column.name),
            element("td", {}, row.kind === "category" ? percent(row.inside) : written(row.inside)),
            element("td", {}, row.kind === "category" ? percent(row.outside) : written(row.outside))
          )
        )
      ),
      element("p", { class: "note" }, "Means of numbers, shares of groups; the most different first, in deviations.")
    ];
  }

  // src/sensitivities.js
  var SIDE2 = 168;
  var FORTH = [215, 74, 20];
  var BACK = [33, 113, 200];
  var Slopes = class {
    constructor({ meta, payload }) {
      this.said = meta.sensitivities;
      this.arrays = payload.arrays;
      [, this.count, this.d] = this.arrays.slopes.shape;
    }
    /** Number of the feature or of the block of pixels in a place. */
    feature(i, place) {
      const { slopes_of: numbers } = this.arrays;
      return numbers ? numbers[i * this.count + place] : place;
    }
    /** Return how far each feature or block of pixels moves a sample along a direction; null is any. */
    along(i, direction) {
      const { slopes, slopes_largest: largest } = this.arrays;
      const unit2 = largest[i] / this.said.levels;
      return Float64Array.from({ length: this.count }, (_, place) => {
        const start2 = (i * this.count + place) * this.d;
        const parts = slopes.subarray(start2, start2 + this.d);
        return unit2 * (direction ? direction.sign * parts[direction.axis] : Math.hypot(...parts));
      });
    }
  };
  function waysOf({ directions }) {
    const ways = directions.flatMap(([forth, back], axis) => [
      { name: forth, axis, sign: 1 },
      { name: back, axis, sign: -1 }
    ]);
    return [null, ...ways];
  }
  function addSensitivities(body, explorer) {
    const { state, meta } = explorer;
    const slopes = new Slopes(explorer);
    const ways = waysOf(meta.sensitivities);
    const show = meta.sensitivities.kind === "pixels" ? picture : features;
    const chooser = element(
      "select",
      { id: "way", "aria-label": "Direction on the map", onchange: () => fill() },
      ...ways.map((way, place) => element("option", { value: place }, way ? way.name : "in any direction"))
    );
    const shown = element("div", {});
    const stale = element("p", { class: "note", hidden: true }, "Computed for the map before it was retrained.");
    refill(body, chooser, shown, stale);
    function fill() {
      const section = body.parentElement;
      section.hidden = state.current < 0;
      if (state.current >= 0) refill(shown, ...show(explorer, slopes, state.current, ways[Number(chooser.value)]));
    }
    state.subscribe((names) => {
      if (names.has("moved")) stale.hidden = false;
      if (["current", "pictures", "theme"].some((name) => names.has(name))) fill();
    });
    fill();
  }
  function features(explorer, slopes, i, way) {
    const values = slopes.along(i, way);
    const order = [...values.keys()].sort((a, b) => Math.abs(values[b]) - Math.abs(values[a]) || a - b);
    const most = Math.abs(values[order[0]]) || 1;
    const { names } = slopes.said;
    const rows = order.map((place) => {
      const value = values[place];
      const width = `${50 * Math.abs(value) / most}%`;
      const bar = element("span", {
        class: "bar-of",
        style: { width, background: rgb2(value < 0 ? BACK : FORTH), [value < 0 ? "right" : "left"]: "50%" }
      });
      const name = names[slopes.feature(i, place)];
      return element(
        "tr",
        {},
        element("th", { scope: "row", title: name }, name),
        element("td", { class: "bars" }, bar),
        element("td", { class: "amount" }, written(Number(value.toPrecision(3))))
      );
    });
    const left = slopes.said.n_features - order.length;
    const others = left > 0 ? ` ${left.toLocaleString("en")} others move it less.` : "";
    const sign = way ? ` Where it is negative, more of it moves the sample the other way.` : "";
    return [
      element("table", { class: "moves" }, ...rows),
      element("p", { class: "note" }, `How far the sample moves ${along(way)} for one deviation more of a feature.${sign}${others}`)
    ];
  }
  function picture(explorer, slopes, i, way) {
    const { height, width } = slopes.said;
    const values = slopes.along(i, way);
    const most = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
    const factor = SIDE2 / Math.max(height, width);
    const [wide, high] = [Math.round(width * factor), Math.round(height * factor)];
    const strongest = values.reduce((best, value, place) => Math.abs(value) > Math.abs(values[best]) ? place : best, 0);
    const where = `row ${Math.floor(strongest / width) + 1} and column ${strongest % width + 1} of ${height} x ${width} blocks`;
    const canvas = element("canvas", {
      class: "thumbnail heat",
      width: wide,
      height: high,
      role: "img",
      "aria-label": `What moves the sample ${along(way)}: most in ${where}, by ${written(Number(values[strongest].toPrecision(3)))}`
    });
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, wide, high);
    if (explorer.thumbnails) {
      context.filter = "grayscale(1)";
      context.globalAlpha = 0.45;
      explorer.thumbnails.draw(context, i, 0, 0, wide, high);
      context.filter = "none";
      context.globalAlpha = 1;
    }
    context.imageSmoothingEnabled = true;
    context.drawImage(shades(values, most, width, height), 0, 0, wide, high);
    const sides = way ? `Orange: brighter pixels there move the sample ${way.name}; blue: the other way.` : "The stronger the orange, the farther the sample moves when pixels there change.";
    return [
      canvas,
      element("p", { class: "note" }, `${sides} At most ${written(Number(most.toPrecision(3)))} for one unit of brightness, in ${where}.`)
    ];
  }
  function shades(values, most, width, height) {
    const canvas = element("canvas", { width, height });
    const pixels = new ImageData(width, height);
    values.forEach((value, place) => {
      const colour = value < 0 ? BACK : FORTH;
      pixels.data.set([...colour, Math.round(235 * Math.abs(value) / most)], 4 * place);
    });
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    return canvas;
  }
  var along = (way) => way ? way.name : "in any direction";
  var rgb2 = (colour) => `rgb(${colour.join(",")})`;

  // src/pictures.js
  var MOST_CIRCLES = 5e4;
  function picture2(explorer) {
    const { points, overlay } = explorer.canvases;
    explorer.draw();
    const canvas = document.createElement("canvas");
    canvas.width = points.width;
    canvas.height = points.height;
    const context = canvas.getContext("2d");
    context.drawImage(points, 0, 0);
    context.drawImage(overlay, 0, 0);
    return canvas;
  }
  function savePng(explorer) {
    picture2(explorer).toBlob((blob) => download("map.png", blob), "image/png");
  }
  function saveSvg(explorer) {
    download("map.svg", new Blob([svgOf(explorer)], { type: "image/svg+xml" }));
  }
  function svgOf(explorer) {
    const { camera, state, samples, meta } = explorer;
    const { width, height } = camera;
    const page = css(THEMES[state.theme].page.map((value) => Math.round(255 * value)));
    const parts = [
      `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
      `<rect width="100%" height="100%" fill="${page}"/>`
    ];
    const seen = onScreen(explorer);
    if (seen.length > MOST_CIRCLES) {
      parts.push(`<image width="${width}" height="${height}" href="${picture2(explorer).toDataURL("image/png")}"/>`, "</svg>");
      return parts.join("\n");
    }
    const colours = pointColours(samples.columns[state.colour], samples.n, meta.palette, state.theme);
    const chosen = new Set(state.selection);
    for (const { i, left, top } of seen) {
      const faded = chosen.size && !chosen.has(i) ? 0.22 : 1;
      const fill = css(colours.subarray(4 * i, 4 * i + 3));
      const opacity = (faded * explorer.opacity).toFixed(2);
      const radius = (explorer.pointSize / 2).toFixed(2);
      parts.push(`<circle cx="${left.toFixed(1)}" cy="${top.toFixed(1)}" r="${radius}" fill="${fill}" fill-opacity="${opacity}"/>`);
    }
    const theme = THEMES[state.theme];
    for (const line of explorer.edges()) parts.push(path(line, theme.line, ' stroke-dasharray="2 4"'));
    for (const [from, to, kind] of springsOf(explorer)) {
      const colour = kind === "similar" ? theme.similar : theme.other;
      const dashes = kind === "similar" ? "" : ' stroke-dasharray="4 3"';
      for (const line of explorer.paths(from, to)) parts.push(path(line, colour, dashes));
    }
    return [...parts, "</svg>"].join("\n");
  }
  function path(line, colour, dashes) {
    const places = line.map(([left, top]) => `${left.toFixed(1)} ${top.toFixed(1)}`);
    return `<path d="M${places.join("L")}" stroke="${colour}"${dashes} fill="none"/>`;
  }
  function onScreen({ positions, camera, state, n }) {
    const seen = [];
    for (let i = 0; i < n; i++) {
      if (state.shown && !state.shown[i]) continue;
      const [left, top, depth] = camera.project(positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]);
      if (left >= 0 && top >= 0 && left <= camera.width && top <= camera.height) seen.push({ i, left, top, depth });
    }
    return camera.turns ? seen.sort((a, b) => a.depth - b.depth) : seen;
  }

  // src/toolbar.js
  function addToolbar(bar, explorer, { toggleTheme }) {
    const { camera, state } = explorer;
    const turns = camera.turns;
    const mode2 = (name, text, title) => button(text, title, () => state.set({ mode: name }), { "data-mode": name, "aria-pressed": "false" });
    const zoom = (factor) => () => {
      camera.zoomBy(factor);
      explorer.redraw();
    };
    const help = element("dialog", { class: "help", "aria-label": "Keys and mouse" });
    const buttons = [
      mode2("move", turns ? "Turn" : "Move", turns ? "Drag turns the map" : "Drag moves the map"),
      mode2("lasso", "Lasso", "Drag draws a line around samples (Shift and drag does so at any time)"),
      button("+", "Zoom in", zoom(1.4)),
      button("−", "Zoom out", zoom(1 / 1.4)),
      button("Whole map", "Show the whole map", () => {
        camera.reset();
        explorer.redraw();
      }),
      button("Light / dark", "Switch between light and dark", toggleTheme),
      button("PNG", "Save what is seen as a PNG picture", () => savePng(explorer)),
      button("SVG", "Save what is seen as an SVG picture", () => saveSvg(explorer)),
      button("?", "Keys and mouse", () => help.showModal())
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
          ...KEYS
        ].map(([key, what]) => element("tr", {}, element("th", { scope: "row" }, key), element("td", {}, what)))
      ),
      element("p", {}, "Keys work while the map has the focus: click it, or go to it with Tab."),
      button("Close", "Close", () => help.close())
    );
    const follow = () => {
      for (const one of bar.querySelectorAll("[data-mode]")) {
        one.setAttribute("aria-pressed", String(one.dataset.mode === state.mode));
      }
    };
    state.subscribe((names) => names.has("mode") && follow());
    follow();
  }

  // src/main.js
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
      addPanel: (title, options) => addPanel(parts.side, title, options)
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
    explorer.thumbnails = await Thumbnails.of(payload);
    if (explorer.thumbnails) explorer.state.set({ pictures: true });
    document.documentElement.dataset.ready = "yes";
  }
  function skeleton(meta) {
    const points = element("canvas", { class: "layer", role: "img", "aria-label": "Points of the map" });
    const overlay = element("canvas", {
      class: "layer",
      tabindex: 0,
      role: "application",
      "aria-label": `Map of ${meta.n_samples} samples. Press n for the next sample, question mark button for all keys.`
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
})();
