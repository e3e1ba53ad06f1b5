// A table that is dropped on the page: rows of texts, and what a drlim.Table makes of them.

const BLANKS = new Set(["", "na", "n/a", "nan", "null", "none", "nat", "<na>"]);
const DAY = 86400000;

/** Return the rows of a text with fields between commas, semicolons or tabs, some in quotes. */
export function parsedCsv(text) {
  const first = text.split("\n", 1)[0];
  const separator = [",", ";", "\t"].sort((a, b) => first.split(b).length - first.split(a).length)[0];
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

export function isNumber(text) {
  return text.trim() !== "" && Number.isFinite(Number(text));
}

/** Return texts of numbers with a point for a decimal comma, and without commas between thousands. */
function withPoints(texts) {
  if (!texts.some((text) => text.includes(","))) return texts;
  if (texts.every((text) => /^([+-]?[1-9]\d{0,2}(,\d{3})+|[+-]?\d{1,3})$/.test(text))) {
    return texts.map((text) => text.replaceAll(",", ""));
  }
  if (texts.every((text) => /^[+-]?\d+(,\d+)?$/.test(text))) return texts.map((text) => text.replace(",", "."));
  return texts;
}

/** Return days since 1970 of a date, NaN of what is none; without a zone it is of UTC. */
function days(text) {
  const dotted = /^(\d{2})\.(\d{2})\.(\d{4})$/.exec(text);
  if (dotted) return Date.parse(`${dotted[3]}-${dotted[2]}-${dotted[1]}`) / DAY;
  if (!/^\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?)?$/.test(text)) return NaN;
  const zoned = /[T ]/.test(text) && !/(Z|[+-]\d{2}:?\d{2})$/.test(text) ? `${text}Z` : text;
  return Date.parse(zoned.replace(" ", "T")) / DAY;
}

/** Return numbers of the texts of a column that holds numbers or dates; blank ones are NaN. */
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

/** Return rows of numbers that a drlim.Table makes of rows of texts with names. */
export function applyTable({ columns, refuses_blanks: refuses }, names, rows) {
  const made = rows.map(() => []);
  for (const column of columns) {
    const place = names.indexOf(column.name);
    if (place < 0) throw new Error(`The file has no column ${column.name}, which the map needs.`);
    const texts = rows.map((row) => (row[place] ?? "").trim());
    if (column.kind === "category") {
      texts.forEach((text, row) => made[row].push(...column.levels.map((level) => (level === text ? 1 : 0))));
      continue;
    }
    numbersOf(column, texts).forEach((value, row) => {
      if (Number.isNaN(value) && refuses) throw new Error(`Column ${column.name} is blank in row ${row + 1}.`);
      made[row].push(((Number.isNaN(value) ? column.fill : value) - column.center) / column.scale);
    });
  }
  return made;
}

/** Return rows of numbers of a table without a drlim.Table: columns by name, or all in their order. */
export function numericRows(rows, wanted, width) {
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
  return body.map((row, number) =>
    places.map((place) => {
      if (!isNumber(row[place] ?? "")) throw new Error(`“${row[place] ?? ""}” in row ${number + 1} is no number.`);
      return Number(row[place]);
    }),
  );
}
