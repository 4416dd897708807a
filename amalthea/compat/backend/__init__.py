"""``keras.backend`` of Keras 1 and 2: about 200 functions over ``ops``, symbolic where they were.

    from amalthea.compat import backend as K

| file | contents |
|---|---|
| ``table.py`` | functions that are an op under another name |
| ``symbols.py`` | placeholders, variables, values |
| ``functions.py`` | ``K.function``, ``K.gradients``, updates |
| ``phases.py`` | the learning phase |
| ``sizes.py`` | shapes, zeros and random tensors of a shape |
| ``windows.py`` | convolutions, pooling, padding, resizing |
| ``loops.py`` | ``rnn``, ``map_fn``, ``switch``, ``batch_dot`` |
| ``losses.py`` | cross-entropies, CTC |
| ``later.py`` | small functions of Keras 2.3 and 2.15, and of the modules themselves |
| ``spellings.py`` | names of arguments in Keras 1 |

This module is that of Keras 2; :func:`for_era` gives the one of Keras 1, which differs in the order of arguments of
the cross-entropies and in the axes of kernels with channels first.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np

from amalthea import backend as _shared
from amalthea import config as _config
from amalthea.compat.backend import functions, later, loops, losses, phases, sizes, symbols, table, windows
from amalthea.compat.modules import missing_name as _missing_name
from amalthea.engine import dtypes as _dtypes
from amalthea.errors import ArgumentError as _ArgumentError

ERAS = (1, 2)


def cast_to_floatx(x: Any) -> Any:
    """Returns an array in the dtype ``floatx``.

    Args:
        x: array, number or nested list.

    Shapes: any shape -> the same.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.cast_to_floatx([1, 2]).dtype
        dtype('float32')
    """
    return np.asarray(symbols.evaluate(x), _dtypes.to_numpy(_config.floatx()))


def clear_session() -> None:
    """Begins automatic names and the learning phase anew.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.clear_session()
    """
    _shared.clear_session()
    phases.forget_learning_phase()


def reset_uids() -> None:
    """Begins automatic names anew.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.reset_uids()
        >>> K.get_uid("block")
        1
    """
    _shared.clear_session(free_memory=False)


@contextmanager
def name_scope(name: str) -> Generator[str, None, None]:
    """Opens a scope of names, which has no effect here.

    Args:
        name: str; the name.

    Example:
        >>> from amalthea.compat import backend as K
        >>> with K.name_scope("block") as scope:
        ...     scope
        'block'
    """
    yield name


def is_sparse(tensor: Any) -> bool:
    """Returns False: there are no sparse tensors here.

    Args:
        tensor: any value.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.is_sparse(K.ones((2,)))
        False
    """
    return bool(getattr(tensor, "sparse", False))


def manual_variable_initialization(value: bool) -> None:
    """Does nothing: variables have a value from the start.

    Args:
        value: bool; not used.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.manual_variable_initialization(True)
    """


def get_session(*args: Any) -> Any:
    """Refuses a session of TensorFlow: graphs are compiled and run without one.

    Args:
        *args: not used.

    Raises:
        ArgumentError: always.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.get_session()
        Traceback (most recent call last):
        amalthea.errors.ArgumentError: There is no TensorFlow session here: graphs are compiled and run without one.
          got: K.get_session()
          try: K.function(inputs, outputs)(values), K.eval(tensor) or K.get_value(variable)
    """
    raise _ArgumentError(
        "There is no TensorFlow session here: graphs are compiled and run without one.",
        got="K.get_session()",
        cure="K.function(inputs, outputs)(values), K.eval(tensor) or K.get_value(variable)",
    )


def set_session(session: Any) -> None:
    """Takes a session that only holds options of GPUs, which have no effect; refuses one of TensorFlow itself.

    Args:
        session: ``tf.Session(...)``.

    Raises:
        ArgumentError: it is a session of an installed TensorFlow, or none at all.

    Example:
        >>> from amalthea.compat import backend as K
        >>> K.set_session(None)
        Traceback (most recent call last):
        amalthea.errors.ArgumentError: There is no TensorFlow session here: graphs are compiled and run without one.
          got: K.set_session(...)
          try: the script without this line; options of devices are in amalthea.distribution
    """
    if getattr(session, "holds_options_alone", False):
        return
    raise _ArgumentError(
        "There is no TensorFlow session here: graphs are compiled and run without one.",
        got="K.set_session(...)",
        cure="the script without this line; options of devices are in amalthea.distribution",
    )


def _public(module: Any) -> dict[str, Any]:
    """The functions and classes that a module defines."""
    return {
        name: thing
        for name, thing in vars(module).items()
        if not name.startswith("_") and callable(thing) and getattr(thing, "__module__", "") == module.__name__
    }


_NOT_K = {
    "BackendVariable", "Constant", "Gradients", "LearningPhase", "OptimizerStep", "Size", "Update", "VariableRead",
    "as_symbol", "convolutions", "crossentropies", "current_phase", "evaluate", "forget_learning_phase", "format_of",
    "is_at_top", "is_learning_phase", "recorded", "to_sparse_refused",
}  # fmt: skip


def _functions(era: int) -> dict[str, Any]:
    """All names of ``K`` in an era."""
    found = {name: getattr(_shared, name) for name in _shared.__all__}
    for module in (symbols, phases, functions, sizes, loops, losses, windows, later):
        found.update({name: thing for name, thing in _public(module).items() if name not in _NOT_K})
    found.update(later.FUNCTIONS)
    found.update(table.FUNCTIONS)
    found.update(windows.FUNCTIONS)
    found.update(windows.convolutions(kernels_first=era == 1))
    found.update(losses.crossentropies(output_first=era == 1))
    found.update(
        eval=symbols.evaluate,
        ctc_label_dense_to_sparse=loops.to_sparse_refused,
        symbolic_learning_phase=phases.learning_phase,
        random_bernoulli=sizes.random_binomial,
        get_variable_shape=symbols.int_shape,
        normalize_data_format=windows.format_of,
    )
    return found


_OWN = (
    "cast_to_floatx clear_session reset_uids name_scope is_sparse manual_variable_initialization get_session "
    "set_session"
).split()


@lru_cache(maxsize=len(ERAS))
def for_era(era: int) -> Any:
    """Returns ``K`` as it was in a version of Keras.

    Args:
        era: int; 1 or 2.

    Raises:
        ArgumentError: another version.

    Example:
        >>> from amalthea.compat import backend
        >>> K = backend.for_era(1)
        >>> K.eval(K.binary_crossentropy(K.constant([0.5]), K.constant([1.0]))).round(3).tolist()
        [0.693]
    """
    if era not in ERAS:
        raise _ArgumentError("keras.backend of this version is not here.", expected="1 or 2", got=repr(era))
    if era == 2:
        return sys.modules[__name__]
    module = types.ModuleType(f"{__name__}.keras{era}", __doc__)
    module.__dict__.update(_functions(era), **{name: globals()[name] for name in _OWN}, __getattr__=__getattr__)
    return module


globals().update({name: thing for name, thing in _functions(2).items() if name not in _OWN})


def __getattr__(name: str) -> Any:
    if name == "_BACKEND":
        return _shared.backend()
    known = [x for x in globals() if not x.startswith("_")]
    raise AttributeError(_missing_name("keras.backend", name, known))
