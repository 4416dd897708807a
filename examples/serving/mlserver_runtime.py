"""A runtime of MLServer. Beside this file, ``model-settings.json`` names it and the model's file::

{"name": "digits", "implementation": "mlserver_runtime.AmaltheaRuntime", "parameters": {"uri": "digits.keras"}}

pip install amalthea mlserver
amalthea demo --save digits.keras
mlserver start .
"""

from mlserver import MLModel
from mlserver.codecs import NumpyCodec, NumpyRequestCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver.utils import get_model_uri

import amalthea


class AmaltheaRuntime(MLModel):
    async def load(self) -> bool:
        uri = await get_model_uri(self.settings, wellknown_filenames=["model.keras"])
        self.model = amalthea.load_model(uri, compile=False)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        inputs = [self.decode(tensor, default_codec=NumpyCodec) for tensor in payload.inputs]
        try:
            found = self.model.predict(inputs[0] if len(inputs) == 1 else inputs, verbose=0)
        except amalthea.errors.AmaltheaError as error:
            raise InferenceError(str(error)) from error
        return NumpyRequestCodec.encode_response(self.name, found, self.version)
