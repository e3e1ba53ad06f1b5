// Reading the contents of the page: see drlim/explorer/payload.py, which writes them.

const KINDS = {
  f4: Float32Array,
  f8: Float64Array,
  i1: Int8Array,
  i4: Int32Array,
  u1: Uint8Array,
  u2: Uint16Array,
  u4: Uint32Array,
};

/** Return the bytes of a base64 text. */
export function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let place = 0; place < bytes.length; place++) bytes[place] = binary.charCodeAt(place);
  return bytes;
}

/** Undo zlib's compression. */
async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/** Return {meta, arrays} of the payload in base64; arrays are typed arrays with a property `shape`. */
export async function readPayload(text) {
  const buffer = await inflated(fromBase64(text));
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const arrays = {};
  for (const [name, { dtype, shape, begin }] of Object.entries(header.arrays)) {
    const count = shape.reduce((product, side) => product * side, 1);
    arrays[name] = new KINDS[dtype](buffer, 8 + length + begin, count);
    arrays[name].shape = shape;
  }
  return { meta: header.meta, arrays };
}

/** Return positions in float32, three numbers a sample, of a map whose positions may be stored in 16 bits. */
export function positionsOf({ meta, arrays }) {
  const stored = arrays.positions;
  const [n, d] = stored.shape;
  const { low, high } = meta.positions;
  const whole = stored instanceof Uint16Array;
  const positions = new Float32Array(3 * n);
  for (let axis = 0; axis < d; axis++) {
    const unit = whole ? (high[axis] - low[axis]) / 65535 : 1;
    const start = whole ? low[axis] : 0;
    for (let i = 0; i < n; i++) positions[3 * i + axis] = start + unit * stored[i * d + axis];
  }
  return positions;
}

/** Return the columns: {name, kind, values, ...}, numbers in float32 (NaN is missing), categories as codes (0 missing). */
export function columnsOf({ meta, arrays }) {
  return meta.columns.map((column, place) => {
    if (column.kind === "text") return column;
    const stored = arrays[`column${place}`];
    if (column.kind === "category" || !(stored instanceof Uint16Array)) return { ...column, values: stored };
    const values = new Float32Array(stored.length);
    const unit = (column.high - column.low) / 65534;
    for (let i = 0; i < values.length; i++) values[i] = stored[i] === 65535 ? NaN : column.low + unit * stored[i];
    return { ...column, values };
  });
}
