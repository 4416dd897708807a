"""``tensorflow`` in a script of Keras: its ``keras`` is ours; without TensorFlow, a stand-in for a handful of names."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import types
from typing import Any

from amalthea import ops, random, utils
from amalthea.engine import dtypes

_ABSENT = (
    "TensorFlow is not installed, and this name of it is none of those that scripts of Keras are given instead: {name}. "
    "pip install amalthea[tensorflow]"
)


def _set_random_seed(seed: int) -> None:
    utils.set_random_seed(seed)


def _contents() -> dict[str, Any]:
    """The names of ``tf`` that scripts of Keras use beside ``tf.keras``."""
    names = ("abs", "add", "argmax", "cast", "clip_by_value", "concat", "equal", "exp", "expand_dims", "matmul",
             "maximum", "minimum", "multiply", "ones", "ones_like", "reduce_max", "reduce_mean", "reduce_min",
             "reduce_sum", "reshape", "shape", "sigmoid", "sqrt", "square", "squeeze", "stack", "subtract", "tanh",
             "tile", "transpose", "where", "zeros", "zeros_like")  # fmt: skip
    renamed = {"clip_by_value": "clip", "concat": "concatenate", "reduce_max": "max", "reduce_mean": "mean",
               "reduce_min": "min", "reduce_sum": "sum"}  # fmt: skip
    found = {name: getattr(ops, renamed.get(name, name)) for name in names}
    found.update({name: name for name in dtypes.NAMES if not name.startswith("complex")})
    found["constant"] = found["convert_to_tensor"] = ops.convert_to_tensor
    found["set_random_seed"] = _set_random_seed
    found["random"] = types.SimpleNamespace(
        set_seed=_set_random_seed, normal=random.normal, uniform=random.uniform, set_random_seed=_set_random_seed
    )
    found["__version__"] = "2.15.0"
    return found


class StandIn(importlib.abc.Loader):
    """Makes the module ``tensorflow`` where TensorFlow is not installed."""

    def create_module(self, spec: Any) -> types.ModuleType:
        made = types.ModuleType("tensorflow", "A stand-in: TensorFlow is not installed.")
        made.__dict__.update(_contents())
        made.__dict__["__getattr__"] = _missing
        return made

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing is left to run."""


def _missing(name: str) -> Any:
    if name == "keras":
        return importlib.import_module("tensorflow.keras")
    if name.startswith("__"):
        raise AttributeError(name)
    raise AttributeError(_ABSENT.format(name=f"tf.{name}"))


def spec(finder: Any) -> Any:
    """The spec of the stand-in if TensorFlow is not installed, else None."""
    others = [f for f in sys.meta_path if f is not finder]
    if any(f.find_spec("tensorflow", None) is not None for f in others if hasattr(f, "find_spec")):
        return None
    return importlib.machinery.ModuleSpec("tensorflow", StandIn(), is_package=True)


def give_keras() -> None:
    """Puts our ``keras`` into an installed TensorFlow."""
    found = sys.modules.get("tensorflow")
    if found is not None and not isinstance(getattr(found, "__loader__", None), StandIn):
        found.keras = importlib.import_module("tensorflow.keras")  # type: ignore[attr-defined]
