"""The script that executes a ``model.json`` in Node: packages of npm, files of the disk, arrays as JSON."""

SCRIPT = r"""
const fs = require("fs"), path = require("path"), readline = require("readline");
const tf = require("@tensorflow/tfjs");
const wasm = require("@tensorflow/tfjs-backend-wasm");
wasm.setWasmPaths(path.dirname(require.resolve("@tensorflow/tfjs-backend-wasm/package.json")) + "/wasm-out/");
console.warn = console.log = () => {};
const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

function artifacts(folder) {
  const told = JSON.parse(fs.readFileSync(path.join(folder, "model.json"), "utf8"));
  const files = told.weightsManifest.flatMap((group) => group.paths);
  const data = Buffer.concat(files.map((name) => fs.readFileSync(path.join(folder, name))));
  const weightData = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  return { ...told, weightSpecs: told.weightsManifest.flatMap((group) => group.weights), weightData };
}

function tensor({ dtype, shape, data }) {
  const bytes = Uint8Array.from(Buffer.from(data, "base64"));
  return tf.tensor(new ARRAYS[dtype](bytes.buffer), shape, dtype);
}

async function packed(x) {
  const values = ARRAYS[x.dtype].from(await x.data());  // a cast tensor may hold the array that it was cast from
  const data = Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
  return { dtype: x.dtype, shape: x.shape, data };
}

async function run({ folder, backend, inputs, times }) {
  await tf.setBackend(backend);
  const told = artifacts(folder), graph = told.format === "graph-model";
  const model = await (graph ? tf.loadGraphModel : tf.loadLayersModel)({ load: async () => told });
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, x]) => [name, tensor(x)]));
  const once = async () => {
    const found = graph
      ? await model.executeAsync(feeds, Object.values(told.signature.outputs).map((x) => x.name))
      : model.predict(model.inputs.map((x) => feeds[x.originalName]));
    return Array.isArray(found) ? found : [found];
  };
  const outputs = await Promise.all((await once()).map(packed));
  const begin = performance.now();
  for (let i = 0; i < times; i++) await Promise.all((await once()).map((x) => x.data()));
  const milliseconds = times ? (performance.now() - begin) / times : 0;
  model.dispose();
  tf.disposeVariables();
  return { outputs, milliseconds };
}

(async () => {
  await tf.ready();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      answer = await run(JSON.parse(line));
    } catch (error) {
      answer = { error: String((error && error.message) || error) };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
})();
"""
