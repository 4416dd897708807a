"""A model in KServe's server: its protocols, its command line, and its place in a Kubernetes cluster.

pip install amalthea kserve
amalthea demo --save digits.keras
python kserve_model.py --model_name digits --model_path digits.keras
"""

import argparse

import numpy as np
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer, model_server
from kserve.errors import InvalidInput

import amalthea


class AmaltheaModel(Model):
    def __init__(self, name, path):
        super().__init__(name)
        self.path = path

    def load(self):
        self.model = amalthea.load_model(self.path, compile=False)
        self.ready = True
        return self.ready

    def predict(self, payload, headers=None, response_headers=None):
        is_v2 = isinstance(payload, InferRequest)
        try:
            found = self.model.predict(payload.inputs[0].as_numpy() if is_v2 else rows(payload), verbose=0)
        except amalthea.errors.AmaltheaError as error:
            raise InvalidInput(str(error)) from error
        if not is_v2:
            return {"predictions": found.tolist()}
        output = InferOutput(name="probabilities", shape=list(found.shape), datatype="FP32")
        output.set_data_from_numpy(found, binary_data=payload.use_binary_outputs)
        return InferResponse(response_id=payload.id or "", model_name=self.name, infer_outputs=[output])


def rows(payload):
    """The rows of a request of TensorFlow Serving's protocol."""
    try:
        return np.array(payload["instances"], "float32")
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"'instances' is a list of 28 x 28 x 1 numbers: {error}") from error


if __name__ == "__main__":
    parser = argparse.ArgumentParser(parents=[model_server.parser])
    parser.add_argument("--model_path", required=True, help="a model file")
    arguments = parser.parse_args()
    model = AmaltheaModel(arguments.model_name, arguments.model_path)
    model.load()
    ModelServer().start([model])
