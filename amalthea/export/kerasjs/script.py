"""The script that executes a ``.bin`` in Node: one row a call, arrays as JSON."""

SCRIPT = r"""
const readline = require("readline"), KerasJS = require("keras-js");
let told = "";
console.log = (x) => { told = String((x && x.message) || x); };
let opened = { file: null };

async function open(file) {
  if (opened.file !== file) {
    const model = new KerasJS.Model({ filepath: file, filesystem: true, gpu: false });
    await model.ready();
    opened = { file, model };
  }
  return opened.model;
}

async function run({ file, inputs, outputs }) {
  const model = await open(file);
  const feeds = {};
  for (const [name, { data }] of Object.entries(inputs)) {
    const bytes = Uint8Array.from(Buffer.from(data, "base64"));
    feeds[name] = new Float32Array(bytes.buffer);
  }
  const found = await model.predict(feeds);
  return { outputs: outputs.map((name) => packed(model, name, found[name])) };
}

function packed(model, name, values) {
  const layer = model.modelLayersMap.get(name === "output" && !model.modelLayersMap.has(name)
    ? model.outputLayerNames[0] : name);
  const { shape } = layer.output.tensor, flat = new Float32Array(layer.output.tensor.size);
  let at = 0;
  const walk = (axis, index) => {
    if (axis === shape.length) { flat[at++] = layer.output.tensor.get(...index); return; }
    for (let i = 0; i < shape[axis]; i++) walk(axis + 1, [...index, i]);
  };
  walk(0, []);
  return { dtype: "float32", shape, data: Buffer.from(flat.buffer).toString("base64") };
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      told = "";
      answer = await run(JSON.parse(line));
    } catch (error) {
      opened = { file: null };
      answer = { error: String((error && error.message) || error) + (told && `; ${told}`) };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
})();
"""
