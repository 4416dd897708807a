"""Small functions of ``K`` that came with Keras 2.3 and 2.15, and names that its modules happened to have."""

from __future__ import annotations

import builtins
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from amalthea import ops
from amalthea.compat.backend import phases
from amalthea.compat.backend.symbols import as_symbol, recorded
from amalthea.engine import dtypes
from amalthea.engine.ir.variable import Variable

_uids: dict[tuple[str, str], int] = defaultdict(int)
_legacy_order: list[bool] = [False]


@recorded
def size(x: Any, name: str | None = None) -> Any:
    """Returns the number of elements of a tensor, as a scalar tensor of int32.

    Args:
        x: tensor.
        name: str; accepted as in Keras and not used.

    Shapes: any shape -> ()

    Example:
        >>> from amalthea.compat import backend as K
        >>> int(K.eval(K.size(K.ones((2, 3)))))
        6
    """
    return ops.sum(ops.ones_like(x, dtype="int32"))  # its sizes may be unknown


def is_variable(x: Any) -> bool:
    """Returns whether a value is a variable.

    Args:
        x: any value.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.is_variable(K.variable(1.0)), K.is_variable(K.placeholder((2,)))
        (True, False)
    """
    return isinstance(x, Variable) or type(x).__name__ == "BackendVariable"


def symbolic(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function itself: tensors are symbolic by their arguments here.

    Args:
        function: function.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.symbolic(len)([1])
        1
    """
    return function


eager = symbolic


def dtype_numpy(x: Any) -> Any:
    """Returns the dtype of a tensor as NumPy's class.

    Args:
        x: tensor.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.dtype_numpy(K.ones((2,)))
        <class 'numpy.float32'>
    """
    return np.dtype(dtypes.to_numpy(ops.dtype(as_symbol(x)))).type


def unique_object_name(
    name: str, name_uid_map: dict[Any, int] | None = None, avoid_names: Iterable[str] | None = None,
    namespace: str = "", zero_based: bool = False, avoid_observed_names: bool = False,
) -> str:  # fmt: skip
    """Returns a name with a number that was not returned before.

    Args:
        name: str.
        name_uid_map: dict of the numbers so far. Defaults to None, one of the process.
        avoid_names: names that are not returned. Defaults to None.
        namespace: str; names are counted for each. Defaults to ``""``.
        zero_based: bool; whether the first name has no number. Defaults to False.
        avoid_observed_names: accepted as in Keras and not used.

    Example:
        >>> from amalthea.compat import backend as K
        >>> numbers = {}
        >>> K.unique_object_name("dense", numbers), K.unique_object_name("dense", numbers)
        ('dense_1', 'dense_2')
    """
    uids = _uids if name_uid_map is None else name_uid_map
    avoided, key = set(avoid_names or ()), (namespace, name)
    while True:
        number = uids.get(key, 0)
        uids[key] = number + 1
        found = (f"{name}_{number}" if number else name) if zero_based else f"{name}_{number + 1}"
        if found not in avoided:
            return found


def convert_inputs_if_ragged(inputs: Any) -> tuple[Any, None]:
    """Returns the inputs and None: there are no ragged tensors here.

    Args:
        inputs: tensor.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.convert_inputs_if_ragged(3)
        (3, None)
    """
    return inputs, None


def maybe_convert_to_ragged(
    is_ragged_input: Any, output: Any, nested_row_lengths: Any, go_backwards: Any = False
) -> Any:
    """Returns the output: there are no ragged tensors here.

    Args:
        is_ragged_input: not used.
        output: tensor.
        nested_row_lengths: not used.
        go_backwards: not used.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.maybe_convert_to_ragged(None, 5, None)
        5
    """
    return output


def legacy_weight_ordering() -> bool:
    """Returns what :func:`set_legacy_weight_ordering` was given, which changes nothing.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.legacy_weight_ordering()
        False
    """
    return _legacy_order[0]


def set_legacy_weight_ordering(value: bool) -> None:
    """Keeps the flag: files of Keras before 1.1 are told by their contents.

    Args:
        value: bool.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.set_legacy_weight_ordering(False)
    """
    _legacy_order[0] = bool(value)


FUNCTIONS = {
    "eager_learning_phase_scope": phases.learning_phase_scope,
    "deprecated_internal_learning_phase_scope": phases.learning_phase_scope,
    "deprecated_internal_set_learning_phase": phases.set_learning_phase,
    "is_symbolic": lambda x: not is_variable(x) and hasattr(x, "history"),
    "eager": eager,
    **{f"py_{name}": getattr(builtins, name) for name in ("all", "any", "sum", "slice")},
}
