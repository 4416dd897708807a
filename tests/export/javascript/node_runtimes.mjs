// node node_runtimes.mjs FOLDER: runs the models of cases.json in ONNX Runtime for Node; prints a line of JSON each.
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { measured } from "./measure.mjs";

const folder = process.argv[2];
const open = async (name) => {
  const model = await ort.InferenceSession.create(`${folder}/${name}.onnx`, { intraOpNumThreads: 1 });
  return async (inputs) => {
    const found = await model.run(Object.fromEntries(inputs.map((x) => [x.name, new ort.Tensor(x.dtype, x.data, x.shape)])));
    return model.outputNames.map((key) => ({ shape: found[key].dims, data: found[key].data }));
  };
};
for (const model of JSON.parse(readFileSync(`${folder}/cases.json`)).models) {
  console.log(JSON.stringify({ runtime: "onnxruntime-node", model: model.name, ...(await measured(open, model)) }));
}
