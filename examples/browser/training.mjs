// Training by the files of export_training, in any JavaScript that has ONNX Runtime (`ort`).

const KINDS = { F32: Float32Array, I32: Int32Array, U32: Uint32Array, I64: BigInt64Array, BOOL: Uint8Array };
const DTYPES = { F32: "float32", I32: "int32", U32: "uint32", I64: "int64", BOOL: "bool" };

export class Trainer {
  // `read(name)` gives the bytes of a file of the folder as an ArrayBuffer.
  static async open(ort, read) {
    const made = new Trainer();
    made.ort = ort;
    made.about = JSON.parse(new TextDecoder().decode(await read("step.json")));
    made.state = made.values(await read(made.about.values));
    made.step = await ort.InferenceSession.create(new Uint8Array(await read(made.about.step.file)));
    made.predictor = await ort.InferenceSession.create(new Uint8Array(await read(made.about.predict.file)));
    return made;
  }

  // The tensors of a safetensors file: eight bytes of length, a JSON header, the data.
  values(buffer) {
    const size = Number(new DataView(buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size)));
    const found = {};
    for (const [name, row] of Object.entries(header)) {
      if (name === "__metadata__") continue;
      const [begin, end] = row.data_offsets.map((n) => n + 8 + size);
      found[name] = new this.ort.Tensor(DTYPES[row.dtype], new KINDS[row.dtype](buffer.slice(begin, end)), row.shape);
    }
    return found;
  }

  // One step on typed arrays by input name; returns the loss and metrics of the batch.
  async train(batch) {
    const feeds = {};
    for (const x of this.about.step.inputs) feeds[x.name] = new this.ort.Tensor(x.dtype, batch[x.name], x.shape);
    for (const row of this.about.state)
      if (this.step.inputNames.includes(row.input)) feeds[row.input] = this.state[row.input];
    const out = await this.step.run(feeds);
    for (const row of this.about.state) this.state[row.input] = out[row.output];
    return Object.fromEntries(this.about.step.logs.map((name) => [name, out[name].data[0]]));
  }

  // Outputs of the model for one array of rows.
  async predict(data, shape) {
    const { inputs, outputs } = this.about.predict;
    const feeds = { [inputs[0].name]: new this.ort.Tensor(inputs[0].dtype, data, shape) };
    for (const row of this.about.state) if (row.predict) feeds[row.input] = this.state[row.input];
    return (await this.predictor.run(feeds))[outputs[0].name].data;
  }
}
