"""Initial values of weights.

An initializer is a callable ``(shape, dtype=None)`` that gives a NumPy array. It draws on the host from one
counter-based generator, so a seed gives the same weights on every backend:

    Dense(10, kernel_initializer="he_normal"), Dense(10, kernel_initializer=initializers.HeNormal(seed=1))

With ``seed=None`` every call draws anew from the stream that ``amalthea.random.set_random_seed`` starts. (In Keras
such an initializer repeats itself, so two layers that share one begin equal.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from amalthea.configurable import renamed
from amalthea.initializers.constant import STFT, Constant, Identity, Initializer, Ones, Zeros, registry
from amalthea.initializers.drawn import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    compute_fans,
)
from amalthea.names import missing_in as _missing_in


def get(identifier: Any) -> Any:
    """Returns the initializer for a name, config, class, callable or array.

    Args:
        identifier: str, config dict, class, callable, NumPy array or None. A name may be spelt as the class
            (``"HeNormal"``) or in lower case (``"he_normal"``); an array gives :class:`Constant`.

    Returns:
        The initializer; a callable is returned unchanged, and None gives None.

    Raises:
        UnknownNameError: no initializer has this name.
        ArgumentError: the identifier is none of these kinds.

    Example:
        >>> import numpy as np
        >>> from amalthea import initializers
        >>> initializers.get(np.array([1.0, 2.0]))((2, 2))
        array([[1., 2.],
               [1., 2.]], dtype=float32)
    """
    if isinstance(identifier, (np.ndarray, np.generic)):
        return Constant(identifier)
    return registry.get(identifier)


serialize, deserialize = renamed(registry.serialize, "initializer"), registry.deserialize

IdentityInitializer, OrthogonalInitializer, STFTInitializer = Identity, Orthogonal, STFT
constant, zeros, ones, identity, orthogonal, stft = Constant, Zeros, Ones, Identity, Orthogonal, STFT
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling, glorot_normal, glorot_uniform = VarianceScaling, GlorotNormal, GlorotUniform
he_normal, he_uniform, lecun_normal, lecun_uniform = HeNormal, HeUniform, LecunNormal, LecunUniform

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "STFT",
    "STFTInitializer",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

__getattr__ = _missing_in("initializers")
