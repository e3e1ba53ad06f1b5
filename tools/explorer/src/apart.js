// Which columns set a selection apart from the other samples.

/** Mean and deviation of a column's finite values, of the selection and of the rest. */
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

/** How far the means lie apart, in deviations within the two parts; NaN where a part has no value. */
function ofNumbers(column, chosen) {
  const [rest, some] = moments(column.values, chosen);
  if (!rest.n || !some.n) return null;
  const within = Math.sqrt((rest.n * rest.variance + some.n * some.variance) / (rest.n + some.n));
  const size = within > 0 ? (some.mean - rest.mean) / within : some.mean === rest.mean ? 0 : Infinity * Math.sign(some.mean - rest.mean);
  return { column, strength: Math.abs(size), kind: "number", inside: some.mean, outside: rest.mean, size };
}

/** The group whose share differs most, as a difference of angles (Cohen's h), which compares with deviations. */
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

/** Return the columns by how much they set the selection apart, the strongest first. */
export function setApart(columns, selection, n) {
  if (!selection.length || selection.length === n) return [];
  const chosen = new Uint8Array(n);
  for (const i of selection) chosen[i] = 1;
  return columns
    .map((column) => {
      if (column.kind === "number") return ofNumbers(column, chosen);
      if (column.kind === "category") return ofGroups(column, chosen, selection.length, n - selection.length);
      return null;
    })
    .filter((found) => found && found.strength > 0.05)
    .sort((a, b) => b.strength - a.strength);
}
