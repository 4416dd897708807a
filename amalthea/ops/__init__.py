"""The public functions on tensors, under Keras 3's names.

They work on arrays (at once), on Variables, on tensors of a trace, and on a model's symbolic inputs. Dtypes are
promoted here, by :mod:`amalthea.engine.dtypes`; below, everything has one dtype.
"""

from typing import TYPE_CHECKING, Any

from amalthea.engine.ir.tensor import Tensor as _Tensor
from amalthea.engine.ir.variable import Variable as _Variable
from amalthea.ops import activations, control, core, crossentropies, native, nn, normalization, numpy, windows
from amalthea.ops import image as image
from amalthea.ops import user_functions as _user_functions  # noqa: F401  # installs what libraries' functions call
from amalthea.ops.base import exported as _exported

if TYPE_CHECKING:  # the same as the lines below, for type checkers and readers
    from amalthea.ops.activations import *  # noqa: F403
    from amalthea.ops.control import *  # noqa: F403
    from amalthea.ops.core import *  # noqa: F403
    from amalthea.ops.crossentropies import *  # noqa: F403
    from amalthea.ops.native import *  # noqa: F403
    from amalthea.ops.nn import *  # noqa: F403
    from amalthea.ops.normalization import *  # noqa: F403
    from amalthea.ops.numpy import *  # noqa: F403
    from amalthea.ops.windows import *  # noqa: F403

    cast = core.cast  # not the helper of the same name in ops.base

globals().update({name: thing for name, thing in vars(numpy).items() if callable(thing) and name != "exported"})
for _module in (activations, normalization, nn, crossentropies, windows, core, control, native):
    globals().update(_exported(_module))
for _module in (activations, normalization, crossentropies, windows):  # Keras has them in `ops.nn` too
    nn.__dict__.update(_exported(_module))


def _swapped(function: Any) -> Any:
    return lambda x, y: function(y, x)


def _install_operators(cls: type) -> None:
    """Give tensors and variables Python's operators."""
    pairs = {
        "add": numpy.add, "sub": numpy.subtract, "mul": numpy.multiply, "truediv": numpy.divide,
        "floordiv": numpy.floor_divide, "mod": numpy.mod, "pow": numpy.power, "matmul": numpy.matmul,
        "and": numpy.logical_and, "or": numpy.logical_or, "xor": numpy.logical_xor,
    }  # fmt: skip
    for name, function in pairs.items():
        setattr(cls, f"__{name}__", function)
        setattr(cls, f"__r{name}__", _swapped(function))
    comparisons = {
        "lt": numpy.less, "le": numpy.less_equal, "gt": numpy.greater, "ge": numpy.greater_equal,
        "eq": numpy.equal, "ne": numpy.not_equal,
    }  # fmt: skip
    for name, function in comparisons.items():
        setattr(cls, f"__{name}__", function)
    cls.__hash__ = object.__hash__  # type: ignore[method-assign,assignment]
    cls.__neg__, cls.__abs__, cls.__invert__ = numpy.negative, numpy.absolute, numpy.logical_not
    cls.__getitem__ = numpy.get_item


for _cls in (_Tensor, _Variable):
    _install_operators(_cls)
