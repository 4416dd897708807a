"""The script that executes a folder in Node: WebDNN's runtime, with the parts of a browser that its fallback uses."""

SCRIPT = r"""
const fs = require("fs"), path = require("path"), readline = require("readline"), vm = require("vm");
globalThis.window = globalThis.self = globalThis;
if (!globalThis.navigator) globalThis.navigator = { userAgent: "node" };
globalThis.document = {
  createElement: (name) => (name === "canvas" ? { getContext: () => null } : {}),
  getElementsByTagName: () => [{ appendChild: (script) => {
    vm.runInThisContext(fs.readFileSync(script.src, "utf8"));
    script.onload();
  } }],
};
globalThis.fetch = async (file) => {
  const data = fs.readFileSync(file);
  return new Response(data, { status: 200 });
};
console.log = console.warn = () => {};
const WebDNN = require("webdnn");
const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

async function run({ folder, inputs, shapes }) {
  const options = { backendOrder: ["fallback"], ignoreCache: true, saveCache: false };
  const runner = await WebDNN.load(folder, options);
  inputs.forEach(({ dtype, data }, i) => {
    const bytes = Uint8Array.from(Buffer.from(data, "base64"));
    runner.inputs[i].set(Float32Array.from(new ARRAYS[dtype](bytes.buffer)));
  });
  await runner.run();
  const outputs = runner.outputs.map((view, i) => {
    const values = Float32Array.from(view.toActual());
    return { dtype: "float32", shape: shapes[i], data: Buffer.from(values.buffer).toString("base64") };
  });
  return { outputs };
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      answer = await run(JSON.parse(line));
    } catch (error) {
      answer = { error: String((error && error.stack) || error) };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
})();
"""
