"""An ONNX file in KServe's server, as its documentation writes a model of one's own. Runs without Amalthea."""

import sys

import onnxruntime
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer


class OnnxModel(Model):
    def __init__(self, name: str, path: str):
        super().__init__(name)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options)
        self.input, self.output = self.session.get_inputs()[0].name, self.session.get_outputs()[0].name
        self.ready = True

    def predict(self, payload: InferRequest, headers=None, response_headers=None) -> InferResponse:
        (found,) = self.session.run([self.output], {self.input: payload.inputs[0].as_numpy()})
        output = InferOutput(name=self.output, shape=list(found.shape), datatype="FP32")
        output.set_data_from_numpy(found, binary_data=False)
        return InferResponse(response_id=payload.id, model_name=self.name, infer_outputs=[output])


if __name__ == "__main__":
    path, port, grpc_port = sys.argv[1:]
    ModelServer(http_port=int(port), grpc_port=int(grpc_port), access_log_format=None).start(
        [OnnxModel("digits", path)]
    )
