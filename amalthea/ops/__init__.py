"""The public functions on tensors, under Keras 3's names.

They work on arrays (at once), on Variables, on tensors of a trace, and on a model's symbolic inputs. Dtypes are
promoted here, by :mod:`amalthea.engine.dtypes`; below, everything has one dtype.
"""

import importlib
from typing import TYPE_CHECKING, Any

from amalthea import names as _names
from amalthea.engine.ir.tensor import Tensor as _Tensor
from amalthea.engine.ir.variable import Variable as _Variable
from amalthea.ops import (
    activations,
    adaptive,
    arranging,
    attention,
    complex_views,
    control,
    core,
    crossentropies,
    ctc,
    derivatives,
    fourier,
    linalg,
    native,
    nn,
    normalization,
    norms,
    numpy,
    patches,
    segments,
    windows,
)
from amalthea.ops import user_functions as _user_functions  # noqa: F401  # installs what libraries' functions call
from amalthea.ops.array_methods import install as _install_methods
from amalthea.ops.base import exported as _exported

if TYPE_CHECKING:  # the same as the lines below, for type checkers and readers
    from amalthea.ops.activations import *  # noqa: F403
    from amalthea.ops.adaptive import *  # noqa: F403
    from amalthea.ops.arranging import *  # noqa: F403
    from amalthea.ops.attention import *  # noqa: F403
    from amalthea.ops.complex_views import *  # noqa: F403
    from amalthea.ops.control import *  # noqa: F403
    from amalthea.ops.core import *  # noqa: F403
    from amalthea.ops.crossentropies import *  # noqa: F403
    from amalthea.ops.ctc import *  # noqa: F403
    from amalthea.ops.derivatives import *  # noqa: F403
    from amalthea.ops.fourier import *  # noqa: F403
    from amalthea.ops.linalg import *  # noqa: F403
    from amalthea.ops.native import *  # noqa: F403
    from amalthea.ops.nn import *  # noqa: F403
    from amalthea.ops.normalization import *  # noqa: F403
    from amalthea.ops.norms import *  # noqa: F403
    from amalthea.ops.numpy import *  # noqa: F403
    from amalthea.ops.patches import *  # noqa: F403
    from amalthea.ops.segments import *  # noqa: F403
    from amalthea.ops.windows import *  # noqa: F403

    cast = core.cast  # not the helper of the same name in ops.base

globals().update({name: thing for name, thing in vars(numpy).items() if callable(thing) and name != "exported"})
_OF_NETWORKS = (activations, normalization, crossentropies, windows, adaptive, attention, patches, ctc)
_OF_ARRAYS = (nn, core, control, native, linalg, norms, fourier, derivatives, complex_views, segments, arranging)
for _module in (*_OF_NETWORKS, *_OF_ARRAYS):
    globals().update(_exported(_module))
for _module in _OF_NETWORKS:  # Keras has them in `ops.nn` too
    nn.__dict__.update(_exported(_module))
linalg.__dict__.update({name: vars(norms)[name] for name in ("det", "matrix_rank", "norm")}, jvp=derivatives.jvp)
numpy.__dict__.update({name: getattr(core, name) for name in ("copy", "ndim", "size")}, slogdet=norms.slogdet)
nn.__dict__.update(polar=complex_views.polar)

for _cls in (_Tensor, _Variable):
    _install_methods(_cls)


def __getattr__(name: str) -> Any:
    if name == "image":  # a room of its own, below `random`: some of its ops draw
        return importlib.import_module("amalthea.ops.image")
    raise AttributeError(_names.message("ops", name))


def __dir__() -> list[str]:
    return sorted({*globals(), "image"})
