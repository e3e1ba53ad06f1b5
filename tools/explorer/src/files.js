// Samples in files that are dropped on the page: .npy, .csv, .tsv and pictures.

import { applyTable, numericRows, parsedCsv } from "./table.js";

const READERS = {
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
  u8: (view, at, little) => Number(view.getBigUint64(at, little)),
};

/** Return {shape, values} of an array that NumPy saved. */
export function parsedNpy(buffer) {
  const bytes = new Uint8Array(buffer);
  if (buffer.byteLength < 12 || bytes[0] !== 0x93 || String.fromCharCode(...bytes.subarray(1, 6)) !== "NUMPY") {
    throw new Error("The file is no .npy array.");
  }
  const view = new DataView(buffer);
  const [start, length] = bytes[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  const header = new TextDecoder("latin1").decode(bytes.subarray(start, start + length));
  const [, order, kind] = /'descr': '([<>|=])(\w+)'/.exec(header) ?? [];
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? "").split(",").filter((side) => side.trim()).map(Number);
  const read = READERS[kind];
  if (!read) throw new Error("The array is of a type that the page cannot read: save it as float32 or float64.");
  if (/'fortran_order': True/.test(header)) throw new Error("Save the array in C order, by numpy.ascontiguousarray.");
  const count = shape.reduce((product, side) => product * side, 1);
  const size = Number(kind[1]);
  if (buffer.byteLength !== start + length + count * size) throw new Error("The array is cut short.");
  const values = new Float64Array(count);
  for (let place = 0; place < count; place++) values[place] = read(view, start + length + place * size, order !== ">");
  return { shape, values };
}

/** Cut an array into samples of a shape, or refuse it. */
function samplesOf({ shape, values }, wanted) {
  const size = wanted.reduce((product, side) => product * side, 1);
  const tail = String(shape.slice(-wanted.length));
  const fits = tail === String(wanted) && (shape.length === wanted.length || shape.length === wanted.length + 1);
  if (!fits) throw new Error(`The map takes samples of shape (${wanted.join(", ")}), and the file has (${shape.join(", ")}).`);
  return Array.from({ length: values.length / size }, (_, i) => values.subarray(i * size, (i + 1) * size));
}

/** Return the weights of the pixels that each pixel of a resized side covers: a triangle, as Pillow's BILINEAR. */
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

/** Resize one channel of bytes, first across, then down, rounded in between. */
export function resized(pixels, width, height, wide, high) {
  if (width === wide && height === high) return pixels;
  const across = new Float64Array(height * wide);
  coverage(width, wide).forEach(({ begin, weights }, x) => {
    for (let y = 0; y < height; y++) {
      let sum = 0;
      weights.forEach((weight, place) => (sum += weight * pixels[y * width + begin + place]));
      across[y * wide + x] = Math.floor(sum + 0.5);
    }
  });
  const made = new Float64Array(high * wide);
  coverage(height, high).forEach(({ begin, weights }, y) => {
    for (let x = 0; x < wide; x++) {
      let sum = 0;
      weights.forEach((weight, place) => (sum += weight * across[(begin + place) * wide + x]));
      made[y * wide + x] = Math.floor(sum + 0.5);
    }
  });
  return made;
}

/** Return the pixels of a picture as the map takes them, grey or three channels, times `pixel`; and the picture. */
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
    if (channels === 3) [red, green, blue].forEach((value, channel) => (planes[channel][place] = value));
    else planes[0][place] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16; // as Pillow makes grey
  }
  const values = planes.flatMap((plane) => Array.from(resized(plane, bitmap.width, bitmap.height, wide, high)));
  return { values: values.map((value) => value * pixel), picture: canvas };
}

/** Return the samples in a file, [{name, values, picture}]. */
export async function samplesIn(file, mapping) {
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
    return [{ name: file.name, ...(await pictureSample(file, shape, pixel)) }];
  }
  throw new Error("The page reads .npy, .csv, .tsv and pictures.");
}
