// node train.mjs FOLDER: trains one pass over the digits of the folder; prints each step's logs as a line of JSON.
import * as ort from "onnxruntime-web/wasm";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const { Trainer } = await import(pathToFileURL(`${folder}/training.mjs`));
ort.env.wasm.numThreads = 1;
const read = async (name) => {
  const file = readFileSync(`${folder}/${name}`);
  return file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength);
};
const trainer = await Trainer.open(ort, read);
const images = new Uint8Array(await read("images.bin")), labels = new Uint8Array(await read("labels.bin"));
const [rows] = trainer.about.step.inputs[0].shape, size = 28 * 28;
for (let at = 0; at + rows <= 20 * rows; at += rows) {
  const x = Float32Array.from(images.subarray(at * size, (at + rows) * size));
  console.log(JSON.stringify(await trainer.train({ x, y: Int32Array.from(labels.subarray(at, at + rows)) })));
}
const first = await trainer.predict(Float32Array.from(images.subarray(0, size)), [1, 28, 28, 1]);
console.log(JSON.stringify(Array.from(first)));
