"""A model of Triton's Python backend: this file is ``digits/1/model.py``, and ``digits.keras`` lies beside it.

The file ``digits/config.pbtxt``::

    backend: "python"
    max_batch_size: 64
    input [{name: "pixels", data_type: TYPE_FP32, dims: [28, 28, 1]}]
    output [{name: "probabilities", data_type: TYPE_FP32, dims: [10]}]
    parameters: {key: "file", value: {string_value: "digits.keras"}}
    dynamic_batching {}

Triton's Python needs ``pip install amalthea``; ``tritonserver --model-repository .`` starts it.
"""

import json
import os

import numpy as np
import triton_python_backend_utils as triton

import amalthea


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        name = config["parameters"]["file"]["string_value"]
        path = os.path.join(args["model_repository"], args["model_version"], name)
        self.model = amalthea.load_model(path, compile=False)

    def execute(self, requests):
        """Answer the requests that Triton joined, by one run of the model; a bad request fails by itself."""
        arrays = [triton.get_input_tensor_by_name(request, "pixels").as_numpy() for request in requests]
        fits = [x.ndim == 4 and x.shape[1:] == (28, 28, 1) and len(x) > 0 for x in arrays]
        good = [x for x, fit in zip(arrays, fits) if fit]
        found = self.model.predict(np.concatenate(good), verbose=0) if good else None
        responses, end = [], 0
        for x, fit in zip(arrays, fits):
            if not fit:
                error = triton.TritonError(f"'pixels' is (rows, 28, 28, 1), not {x.shape}.")
                responses.append(triton.InferenceResponse(error=error))
                continue
            end += len(x)
            output = triton.Tensor("probabilities", found[end - len(x) : end])
            responses.append(triton.InferenceResponse(output_tensors=[output]))
        return responses
