// Runtimes of browsers: each is a function that makes it ready, and gives a function from the name of a model to
// a function from a list of inputs {name, dtype, shape, data} to a list of outputs {shape, data}.

const MODULES = new URL("./node_modules/", location.href).href;

function tfjs(backend) {
  return async () => {
    if (backend === "webgpu" && !(await navigator.gpu?.requestAdapter())) throw new Error("no adapter for WebGPU");
    tf.wasm.setWasmPaths(`${MODULES}@tensorflow/tfjs-backend-wasm/dist/`);
    if (!(await tf.setBackend(backend))) throw new Error(`the backend ${backend} is not available`);
    await tf.ready();
    return async (name) => {
      const url = `${name}/model.json`, told = await (await fetch(url)).json(), graph = told.format === "graph-model";
      const model = await (graph ? tf.loadGraphModel(url) : tf.loadLayersModel(url));
      return async (inputs) => {
        const feeds = inputs.map((x) => tf.tensor(x.data, x.shape, x.dtype));
        const named = Object.fromEntries(inputs.map((x, i) => [x.name, feeds[i]]));
        const found = [graph ? await model.executeAsync(named) : model.predict(feeds)].flat();
        return Promise.all(found.map(async (x) => ({ shape: x.shape, data: await x.data() })));
      };
    };
  };
}

async function tfliteOfTfjs() {
  tflite.setWasmPath(`${MODULES}@tensorflow/tfjs-tflite/wasm/`);
  await tf.setBackend("cpu");
  return async (name) => {
    const model = await tflite.loadTFLiteModel(`${name}.tflite`);
    return async (inputs) => {
      const found = model.predict(inputs.map((x) => tf.tensor(x.data, x.shape, x.dtype)));
      const tensors = found instanceof tf.Tensor ? [found] : Object.values(found);
      return Promise.all(tensors.map(async (x) => ({ shape: x.shape, data: await x.data() })));
    };
  };
}

function litert(accelerator) {
  return async () => {
    if (accelerator === "webgpu" && !(await navigator.gpu?.requestAdapter())) throw new Error("no adapter for WebGPU");
    const { loadLiteRt, loadAndCompile, Tensor } = await import("@litertjs/core");
    await loadLiteRt(`${MODULES}@litertjs/core/wasm/`, { jspi: accelerator === "webgpu" });
    return async (name) => {
      const model = await loadAndCompile(`${name}.tflite`, { accelerator });
      return async (inputs) => {
        const found = await model.run(inputs.map((x) => new Tensor(x.data, x.shape)));
        const tensors = await Promise.all(found.map((x) => (accelerator === "wasm" ? x : x.moveTo("wasm"))));
        return tensors.map((x) => ({ shape: Array.from(x.type.layout.dimensions), data: x.toTypedArray() }));
      };
    };
  };
}

function onnx(provider, threads) {
  return async () => {
    if (provider === "webgpu" && !(await navigator.gpu?.requestAdapter())) throw new Error("no adapter for WebGPU");
    const ort = await import("onnxruntime-web");
    ort.env.wasm.wasmPaths = `${MODULES}onnxruntime-web/dist/`;
    ort.env.wasm.numThreads = threads;
    return async (name) => {
      const model = await ort.InferenceSession.create(`${name}.onnx`, { executionProviders: [provider] });
      return async (inputs) => {
        const feeds = Object.fromEntries(inputs.map((x) => [x.name, new ort.Tensor(x.dtype, x.data, x.shape)]));
        const found = await model.run(feeds);
        return model.outputNames.map((key) => ({ shape: found[key].dims, data: found[key].data }));
      };
    };
  };
}

export const RUNTIMES = {
  "tfjs cpu": tfjs("cpu"),
  "tfjs wasm": tfjs("wasm"),
  "tfjs webgl": tfjs("webgl"),
  "tfjs webgpu": tfjs("webgpu"),
  "tfjs-tflite": tfliteOfTfjs,
  "litert wasm": litert("wasm"),
  "litert webgpu": litert("webgpu"),
  "onnx wasm": onnx("wasm", 1),
  "onnx wasm, 2 threads": onnx("wasm", 2),
  "onnx webgpu": onnx("webgpu", 1),
};
