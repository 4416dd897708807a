"""An ONNX file in MLServer, as its documentation writes a runtime of one's own. Runs without Amalthea."""

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class OnnxRuntime(MLModel):
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.settings.parameters.uri, options)
        self.input, self.output = self.session.get_inputs()[0].name, self.session.get_outputs()[0].name
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        array = NumpyCodec.decode_input(payload.inputs[0])
        (found,) = self.session.run([self.output], {self.input: array})
        output = NumpyCodec.encode_output(self.output, found)
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=[output])
