"""Functions of other libraries, called on our tensors and variables: ``torch.exp(x)``, ``tf.exp(x)``, ``jnp.exp(x)``.

Each library asks an unknown object for itself by a method of its protocol. A variable answers with its value. A
symbolic tensor becomes an input of a native call where the protocol lets it, on the backend of that library; elsewhere
the call is an error that names our own function.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from amalthea import tree
from amalthea.engine.ir.computed import ComputedVariable
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.ir.scope import current_trace
from amalthea.engine.ir.tensor import Tensor
from amalthea.engine.ir.variable import Variable
from amalthea.errors import NoArrayError

call_on_arrays: Callable[..., Any]
op_named: Callable[[str], Any]
_WRAPPERS = {"wrapper", "error_handler", "op_dispatch_handler", "reraise_with_filtered_traceback"}  # around functions


def install(call: Callable[..., Any], find: Callable[[str], Any]) -> None:
    """Set the function that makes native calls, and one that finds a public op by name. The room of ops calls this."""
    global call_on_arrays, op_named
    call_on_arrays, op_named = call, find


def refusal(function: str | None, library: str | None) -> NoArrayError:
    """Return the error for a library's function that was called on a symbolic tensor."""
    called = f"{library}.{function}" if function and library else f"A function of {library or 'another library'}"
    own = f"ops.{function}" if function and op_named(function) else "a function of amalthea.ops"
    eagerly = ", or compile(..., run_eagerly=True)" if library in (runtime.name, "numpy") else ""
    its_own = f", or set_backend({library!r})" if library in ("torch", "tensorflow", "jax") and not eagerly else ""
    return NoArrayError(
        f"{called} was called on a symbolic tensor, which has no value yet.",
        expected="a concrete array",
        got=f"a symbolic tensor on the backend '{runtime.name}'",
        cure=own + its_own + eagerly,
    )


def caller() -> tuple[str | None, str | None]:
    """Return the name of the library's function that a person called, and of the library; None if not known."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _package(frame) == "amalthea":
        frame = frame.f_back
    library, names = (_package(frame) if frame is not None else ""), []
    while frame is not None and _package(frame) == library:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    if frame is None or library in ("__main__", ""):
        return None, None
    named = [name for name in reversed(names) if name not in _WRAPPERS and not name.startswith("_")]
    return next((name for name in named if op_named(name)), named[0] if named else None), library


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).split(".")[0]


def called(function: Callable[..., Any], args: Sequence[Any], kwargs: Any, library: str) -> Any:
    """Make a native call of a library's function if the library's backend is in use, else raise the error."""
    if runtime.name != library:
        raise refusal(getattr(function, "__name__", None), library)
    return call_on_arrays(function, args, dict(kwargs))


def without_variables(structure: Any) -> Any:
    return tree.map_structure(lambda x: x.value if isinstance(x, Variable) else x, structure)


def _torch_function(cls: type, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """Answer PyTorch's protocol ``__torch_function__``."""
    if function.__name__ in ("matmul", "__matmul__") and isinstance(args[1], ComputedVariable):
        return args[1].__rmatmul__(args[0])  # a quantized weight multiplies itself
    args, kwargs = without_variables((list(args), dict(kwargs or {})))
    if any(isinstance(x, Tensor) for x in tree.flatten((args, kwargs))):
        return called(function, args, kwargs, "torch")
    return function(*args, **kwargs)


def _ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
    """Answer NumPy's protocol for elementwise functions: the op of that name."""
    op = op_named(ufunc.__name__)
    if op is None or method != "__call__" or options:
        raise refusal(ufunc.__name__, "numpy")
    return op(*inputs)


def _numpy_function(self: Any, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """Answer NumPy's protocol for all other functions: the op of that name; outside a trace NumPy computes."""
    name = function.__name__
    if name in ("shape", "ndim"):
        return getattr(args[0], name)
    if current_trace() is None and not any(isinstance(x, Tensor) for x in tree.flatten((list(args), kwargs))):
        arrays = tree.map_structure(lambda x: x.numpy() if isinstance(x, Variable) else x, (list(args), kwargs))
        return function(*arrays[0], **arrays[1])
    op = op_named(name)
    if op is None:
        raise refusal(name, "numpy")
    return op(*args, **kwargs)


def _no_array(self: Any, *_: Any, **__: Any) -> Any:
    raise refusal(*caller())


def answer(library: str) -> Callable[..., Any]:
    """Return the method by which a library asks for an array: the value of a variable."""

    def own_array(self: Any, *_: Any, **__: Any) -> Any:
        value = self.value if isinstance(self, Variable) else self
        if isinstance(value, Tensor):
            function, from_library = caller()
            raise refusal(function if from_library == library else None, library)
        return value if library == "jax" else sys.modules[library].convert_to_tensor(value)  # from any backend

    return own_array


def _jax_array(self: Variable) -> Callable[[], Any]:
    """Answer JAX with the value; in a trace with nothing, so that JAX leaves ``array * variable`` to us."""
    if isinstance(self.value, Tensor):
        raise AttributeError("a variable in a trace has no array")
    return lambda: self.value


for kind in (Tensor, Variable):
    kind.__torch_function__ = classmethod(_torch_function)  # type: ignore[union-attr]
    kind.__tf_tensor__ = answer("tensorflow")  # type: ignore[union-attr]
    kind.__array_ufunc__ = _ufunc  # type: ignore[assignment]
    kind.__array_function__ = _numpy_function  # type: ignore[union-attr]
Variable.__jax_array__ = property(_jax_array)  # type: ignore[attr-defined]
Tensor.__array__ = _no_array
