// Place samples on a map: in a browser by the files of onnxruntime-web beside the page, in Node by the package's name.
const isBrowser = typeof window !== "undefined";
const ort = await import(isBrowser ? "./node_modules/onnxruntime-web/dist/ort.wasm.min.mjs" : "onnxruntime-web");
if (isBrowser) ort.env.wasm.wasmPaths = new URL("./node_modules/onnxruntime-web/dist/", import.meta.url).href;

/**
 * @param {string | Uint8Array} model  Address or bytes of the ONNX file.
 * @param {number[][]} samples  One array of numbers a sample.
 * @returns {Promise<number[][]>}  A position for each sample.
 */
export async function place(model, samples) {
  const session = await ort.InferenceSession.create(model);
  const shape = session.inputMetadata[0].shape.slice(1); // of one sample
  const values = Float32Array.from(samples.flat(Infinity));
  const X = new ort.Tensor("float32", values, [samples.length, ...shape]);
  const { Z } = await session.run({ X });
  const [n, d] = Z.dims;
  return Array.from({ length: n }, (_, row) => Array.from(Z.data.slice(row * d, (row + 1) * d)));
}
