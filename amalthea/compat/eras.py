"""The Keras version in whose manner a script runs: 1, 2 or 3."""

from __future__ import annotations

import ast
import os

from amalthea.errors import ArgumentError

ERAS = (1, 2, 3)
VARIABLE = "AMALTHEA_KERAS"
_era = 3

# What only an old version had: names that are imported, and arguments.
_MODULES = {
    "keras.objectives": 1, "keras.layers.recurrent": 1, "keras.layers.convolutional": 1, "keras.layers.core": 1,
    "keras.layers.embeddings": 1, "keras.layers.normalization": 1, "keras.layers.advanced_activations": 1,
    "keras.layers.noise": 1, "keras.utils.np_utils": 1, "keras.utils.visualize_util": 1, "keras.engine.topology": 1,
    "keras.engine.training": 1, "keras.layers.merge": 2, "keras.engine.base_layer": 2, "keras.engine": 1,
    "keras.wrappers": 2,
}  # fmt: skip
_ARGUMENTS = {
    **dict.fromkeys(
        "nb_epoch border_mode nb_filter nb_row nb_col filter_length subsample subsample_length dim_ordering init "
        "inner_init inner_activation output_dim W_regularizer U_regularizer b_regularizer W_constraint dropout_W "
        "dropout_U samples_per_epoch nb_val_samples max_q_size pool_length p bias consume_less show_accuracy "
        "class_mode nb_worker".split(),
        1,
    ),
    **dict.fromkeys("lr steps_per_epoch use_multiprocessing padding recurrent_activation kernel_initializer".split(), 2),
}
_CALLS = {"fit_generator": 2, "predict_classes": 2, "evaluate_generator": 2, "CuDNNLSTM": 2, "CuDNNGRU": 2, "merge": 1,
          "Convolution2D": 1, "Convolution1D": 1, "Merge": 1, "MaxoutDense": 1, "Highway": 1}  # fmt: skip


def era() -> int:
    """The era in which calls are read.

    Example:
        >>> era()
        3
    """
    return _era


def set_era(number: int) -> None:
    """Reads calls in the manner of a version from now on.

    Args:
        number: int; 1, 2 or 3.

    Raises:
        ArgumentError: another number.
    """
    global _era
    if number not in ERAS:
        raise ArgumentError("This version of Keras does not exist.", expected="1, 2 or 3", got=repr(number))
    _era = int(number)


def in_environment() -> int | None:
    """The era that the environment asks for, or None."""
    value = os.environ.get(VARIABLE)
    if not value:
        return None
    if value not in ("1", "2", "3"):
        raise ArgumentError(f"{VARIABLE} names no version of Keras.", expected="1, 2 or 3", got=value)
    return int(value)


def detected(source: str) -> tuple[int, str]:
    """The era of a script by what only an old version had, and the first sign of it.

    Args:
        source: str; the script. A script that cannot be parsed has no sign.

    Example:
        >>> detected("from keras.layers import Dense\\nDense(3, init='uniform')")
        (1, 'the argument init (line 2)')
        >>> detected("import keras")
        (3, 'nothing older in it')
    """
    try:
        parsed = ast.parse(source)
    except SyntaxError:
        return 3, "it cannot be parsed"
    signs = sorted(sign for node in ast.walk(parsed) for sign in _signs(node))
    if not signs:
        return 3, "nothing older in it"
    number, line, what = signs[0]
    return number, f"{what} (line {line})"


def _signs(node: ast.AST) -> list[tuple[int, int, str]]:
    if isinstance(node, ast.ImportFrom) and node.module:
        found = _MODULES.get(node.module.removeprefix("tensorflow."))
        names = [(node.lineno, alias.name) for alias in node.names if node.module.startswith("keras")]
        signs = [(found, node.lineno, f"the module {node.module}")] if found else []
        return signs + [(_CALLS[name], line, f"the name {name}") for line, name in names if name in _CALLS]
    if isinstance(node, ast.Import):
        found_in = [(_MODULES.get(a.name), node.lineno, f"the module {a.name}") for a in node.names]
        return [(n, line, what) for n, line, what in found_in if n]
    if isinstance(node, ast.Call):
        signs = [(_ARGUMENTS[k.arg], node.lineno, f"the argument {k.arg}") for k in node.keywords if k.arg in _ARGUMENTS]
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        return signs + ([(_CALLS[name], node.lineno, f"the method {name}")] if name in _CALLS else [])
    return []
