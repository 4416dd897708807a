const ARRAYS = { float32: Float32Array, int32: Int32Array };

// The outputs of each call, and the milliseconds of one with a single row.
export async function measured(open, { name, calls, times }) {
  const run = await open(name), outputs = [];
  const all = calls.map((inputs) => inputs.map((x) => ({ ...x, data: ARRAYS[x.dtype].from(x.data) })));
  for (const inputs of all) {
    const found = await run(inputs);
    outputs.push(found.map((x) => ({ shape: Array.from(x.shape), data: Array.from(x.data) })));
  }
  const begin = performance.now();
  for (let i = 0; i < times; i++) await run(all[0]);
  return { outputs, milliseconds: (performance.now() - begin) / times };
}
