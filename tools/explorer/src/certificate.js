// The certificate of the map: what it was declared to ignore, how well it does, and the samples where it does worst.

import { button, counted, element, refill } from "./dom.js";

const COVERS = {
  these: "It was measured on the samples of this page.",
  others: "It was measured on other samples than those of this page.",
  unknown: "Whether it was measured on the samples of this page is not known: the page was made without their values.",
};

const two = (value) => (value === null ? "–" : value.toFixed(2));

/** Fill the panel; `meta.certificate` is what drlim/explorer/certified.py writes. */
export function addCertificate(body, explorer) {
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
    element("p", { class: "note" }, `By ${Object.entries(record.versions).map((pair) => pair.join(" ")).join(", ")}.`),
  );
  explorer.state.subscribe((names) => names.has("moved") && (stale.hidden = false)); // the map was retrained
}

const STALE = "The map was trained further since: the certificate is of the map before. Repeat it by drlim certify.";

function measured({ n_samples: n, n_trained_on: trained, settings, data_sha256: digest, unrelated }) {
  const seen = trained ? `, ${trained} of them where training samples lie` : "";
  const draws = `${settings.n_bootstrap} bootstrap draws, ${settings.n_permutations} permutations, seed ${settings.random_state}`;
  const unit = `Two unrelated samples lie ${Number(unrelated.toPrecision(3))} apart (median).`;
  return `${counted(n, "sample")}${seen}, SHA-256 ${digest.slice(0, 16)}…; ${draws}. ${unit}`;
}

/** What is known of one nuisance: copies beside unrelated samples, and what its position tells of it. */
function nuisance(row) {
  const unit = row.kind === "number" ? " of R²" : "";
  const rows = [];
  if (row.ratio !== null) {
    rows.push(["copies / unrelated", `${two(row.ratio)} (95 %: ${two(row.ratio_low)} to ${two(row.ratio_high)})`]);
    rows.push(["pairs of copies", row.n_pairs.toLocaleString("en")]);
  }
  if (row.score !== null) {
    rows.push(["told from the position", `${two(row.score)}${unit}, permuted ${two(row.chance)}`]);
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
      ...rows.map(([name, text]) =>
        element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, text)),
      ),
    ),
  );
}

/** The samples whose copies lie farthest from them; buttons that select both where they are on this page. */
function worst(explorer, record, here) {
  const { samples, meta } = explorer;
  if (!record.worst.length) return [];
  const entry = ({ sample, copy, name, ratio }) => {
    const both = copy === null ? [sample] : [sample, copy];
    const known = here && both.every((i) => i < meta.n_samples);
    const text = both.map((i) => (known ? samples.id(i) : i)).join(" and ");
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
      `How far the farthest copy lies, beside unrelated samples.${here ? "" : " The numbers are rows of the samples that were certified."}`,
    ),
  ];
}
