"""Layers and an activation that Keras 1 and 2 had, and that model files of theirs name.

New models have better: ``layers.Dense`` for MaxoutDense and Highway, ``layers.PReLU`` for SReLU, ``layers.Conv2D`` for
LocallyConnected2D. These are not exported from ``amalthea.layers``.
"""

from amalthea.layers.legacy.activations import ParametricSoftplus, SReLU, keras2_hard_sigmoid
from amalthea.layers.legacy.dense import Highway, MaxoutDense
from amalthea.layers.legacy.local import LocallyConnected1D, LocallyConnected2D
from amalthea.layers.legacy.merging import Cosine
from amalthea.layers.legacy.normalization import BatchStatisticsNormalization, SampleNormalization

__all__ = [
    "BatchStatisticsNormalization",
    "Cosine",
    "Highway",
    "LocallyConnected1D",
    "LocallyConnected2D",
    "MaxoutDense",
    "ParametricSoftplus",
    "SReLU",
    "SampleNormalization",
    "keras2_hard_sigmoid",
]
