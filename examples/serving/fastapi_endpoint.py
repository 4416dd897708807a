"""An endpoint that takes the pixels of a digit, beside the server's own addresses.

    pip install amalthea[serve] fastapi
    amalthea demo --save digits.keras
    MODEL=digits=digits.keras uvicorn fastapi_endpoint:app

``POST /digit`` answers in words of its own; ``/serving/v1/...`` and ``/serving/v2/...`` are the addresses of
``amalthea serve``. Requests to both run in the same batches.
"""

import os
from typing import Annotated

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel, Field

from amalthea import serve

Pixel = Annotated[float, Field(ge=0, le=1)]
Row = Annotated[list[Pixel], Field(min_length=28, max_length=28)]

serving = serve.application([os.environ["MODEL"]])
app = FastAPI(title="Digits", lifespan=lambda app: serving.router.lifespan_context(serving))
app.mount("/serving", serving)


class Picture(BaseModel):
    pixels: Annotated[list[Row], Field(min_length=28, max_length=28)]


class Reading(BaseModel):
    digit: int
    probabilities: list[float]


@app.post("/digit")
async def digit(picture: Picture) -> Reading:
    x = np.array(picture.pixels, "float32")[None, ..., None]
    (found,) = await serving.state.registry.find("digits").batcher.answer([x])
    return Reading(digit=found[0].argmax(), probabilities=found[0].tolist())
