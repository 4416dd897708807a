"""Signs in a script's source of the Keras version that it was written for.

A sign is a name, module or argument with the eras that had it. What every version had is not one:

    fit(..., nb_epoch=3)            1
    from keras.layers.core import   1, 2
    Dense(3, use_bias=False)        2, 3
    keras.ops                       3

A script with signs of 1 alone is of Keras 1; with signs of 1 and of 2 or later it is of Keras 2, which read the words
of Keras 1 too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from amalthea.compat import tensorflow
from amalthea.spellings import keras1
from amalthea.spellings.signatures import signatures


class Sign(NamedTuple):
    """One sign.

    Args:
        line: int; where it stands.
        eras: the eras that had it.
        what: str; in words.
    """

    line: int
    eras: frozenset[int]
    what: str


def _table(**rows: str) -> dict[str, frozenset[int]]:
    return {word: frozenset(map(int, key[1:])) for key, words in rows.items() for word in words.split()}


MODULES = _table(
    _1="initializations utils.visualize_util layers.containers applications.music_tagger_crnn "
    "applications.audio_conv_utils",
    _12="objectives layers.core layers.convolutional layers.recurrent layers.embeddings layers.normalization "
    "layers.noise layers.advanced_activations layers.wrappers layers.local layers.pooling engine engine.topology "
    "engine.training utils.np_utils utils.generic_utils utils.io_utils utils.layer_utils utils.data_utils wrappers "
    "wrappers.scikit_learn layers.convolutional_recurrent",
    _2="layers.merge layers.cudnn_recurrent legacy legacy.interfaces legacy.layers engine.base_layer "
    "engine.input_layer engine.network engine.sequential engine.saving utils.vis_utils utils.conv_utils "
    "utils.multi_gpu_utils",
    _3="ops random distribution src.ops tree quantizers",
)
# Names that are imported, or taken as an attribute of a module of Keras, and methods of models.
NAMES = _table(
    _1="merge Merge MaxoutDense Highway TimeDistributedDense AtrousConvolution1D AtrousConvolution2D Graph SReLU "
    "ParametricSoftplus WeightRegularizer ActivityRegularizer activity_l1 activity_l2 activity_l1l2 l1l2 "
    "image_dim_ordering set_image_dim_ordering slice_X",
    _12="predict_classes predict_proba fit_generator evaluate_generator predict_generator Convolution1D Convolution2D "
    "Convolution3D Deconvolution2D SeparableConvolution2D learning_phase set_learning_phase in_train_phase "
    "get_session set_session placeholder gradients function batch_set_value",
    _2="CuDNNLSTM CuDNNGRU multi_gpu_model",
    _3="PyDataset KerasTensor RMSNormalization GroupQueryAttention",
)
_METHODS = {
    "fit": _table(_1="nb_epoch show_accuracy", _23="epochs steps_per_epoch"),
    "fit_generator": _table(
        _1="nb_epoch samples_per_epoch nb_val_samples nb_worker max_q_size pickle_safe",
        _2="epochs steps_per_epoch validation_steps use_multiprocessing max_queue_size workers",
    ),
    "evaluate_generator": _table(_1="val_samples max_q_size nb_worker pickle_safe", _2="steps max_queue_size workers"),
    "predict_generator": _table(_1="val_samples max_q_size nb_worker pickle_safe", _2="steps max_queue_size workers"),
    "compile": _table(_1="class_mode", _12="sample_weight_mode"),
    "evaluate": _table(_1="show_accuracy"),
    "Model": _table(_1="input output", _23="inputs outputs"),
    "to_categorical": _table(_1="nb_classes", _23="num_classes"),
    "load_data": _table(_1="nb_words", _23="num_words"),
    "Tokenizer": _table(_1="nb_words", _23="num_words"),
    "LeakyReLU": _table(_12="alpha", _3="negative_slope"),
    "ModelCheckpoint": _table(_12="period", _3="save_freq"),
    **{name: _table(_12="lr decay", _23="learning_rate") for name in (
        "SGD", "RMSprop", "Adam", "Adamax", "Adagrad", "Adadelta", "Nadam")},
}  # fmt: skip
_FIRST_TENSORFLOW = frozenset(
    "Session ConfigProto GPUOptions set_random_seed placeholder contrib global_variables_initializer "
    "get_default_graph InteractiveSession app".split()
)
_CONVOLUTIONS = {"Convolution2D": 3, "Conv2D": 3, "Convolution3D": 4, "AtrousConvolution2D": 3}
_PREFIXES = ("keras", "tensorflow.keras", "tensorflow.python.keras", "tf.keras", "tf_keras")


def detected(source: str) -> tuple[int, str]:
    """The era of a script, and the reason in a line.

    Args:
        source: str; the script. One that cannot be parsed, such as of Python 2, is read by its plain words.

    Example:
        >>> detected("from keras.layers import Dense\\nDense(3, init='uniform')")
        (1, "it has the argument 'init' of Dense in line 2")
        >>> detected("import keras\\nkeras.layers.Dense(3, kernel_initializer='uniform')")
        (3, 'nothing in it is older')
    """
    try:
        parsed = ast.parse(source)
    except SyntaxError:
        return _by_words(source)
    found = sorted(_signs(parsed))
    if _is_of_tensorflow(parsed):
        return _of_tensorflow(parsed)
    return _judged(found)


def is_of_tf_keras(source: str) -> bool:
    """Whether a script takes Keras from TensorFlow, and has no word that came with Keras 3 (TensorFlow 2.16).

    Args:
        source: str; the script.

    Example:
        >>> is_of_tf_keras("from tensorflow.keras import layers"), is_of_tf_keras("from tensorflow.keras import ops")
        (True, False)
    """
    try:
        parsed = ast.parse(source)
    except SyntaxError:
        return "tensorflow.keras" in source or "tf.keras" in source
    return _is_of_tensorflow(parsed) and not any(sign.eras == {3} for sign in _signs(parsed))


def _judged(found: list[Sign]) -> tuple[int, str]:
    def first(*sets: set[int]) -> Sign | None:
        return next((sign for sign in found if sign.eras in sets), None)

    last, later = first({3}), first({2}, {2, 3})
    if last is not None:
        return 3, f"it has {last.what}"
    only_1, old = first({1}), first({2}) or first({1, 2})
    if only_1 is not None:
        also = f", and {later.what}: Keras 2 read both" if later is not None else ""
        return (1 if later is None else 2), f"it has {only_1.what}{also}"
    if old is not None:
        return 2, f"it has {old.what}"
    return 3, "nothing in it is older"


def _by_words(source: str) -> tuple[int, str]:
    """By words that need no grammar, for scripts of Python 2."""
    for word in ("nb_epoch", "border_mode", "nb_filter", "samples_per_epoch", "show_accuracy", "output_dim=", "init="):
        if word in source:
            return 1, f"it cannot be parsed, and has the word '{word}'"
    for word in ("fit_generator", "predict_classes", "keras.layers.core", "np_utils"):
        if word in source:
            return 2, f"it cannot be parsed, and has the word '{word}'"
    return 3, "it cannot be parsed"


# ------------------------------------------------------------------------------------------ tf.keras


def _dotted(node: ast.AST) -> str:
    """``a.b.c`` of an expression; empty for others."""
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""


def _is_of_tensorflow(parsed: ast.AST) -> bool:
    for node in ast.walk(parsed):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [_dotted(node)] if isinstance(node, ast.Attribute) else []
        imports_keras = isinstance(node, ast.ImportFrom) and node.module == tensorflow.NAME and any(
            a.name == "keras" for a in node.names)  # fmt: skip
        if imports_keras or any(name.startswith(_PREFIXES[1:]) for name in names):
            return True
    return False


def _of_tensorflow(parsed: ast.AST) -> tuple[int, str]:
    """``tf.keras`` of TensorFlow 1 was Keras 2; that of TensorFlow 2 had the defaults of Keras 3 already."""
    for node in ast.walk(parsed):
        name = _dotted(node)
        is_first = name.startswith("tf.") and name.split(".")[1] in _FIRST_TENSORFLOW
        imported = [a.name for a in node.names] if isinstance(node, ast.ImportFrom) else []
        if is_first or "CuDNNLSTM" in imported or "CuDNNGRU" in imported:
            what = name if is_first else "CuDNNLSTM or CuDNNGRU"
            return 2, f"it has {what} of TensorFlow 1 in line {node.lineno}"  # type: ignore[attr-defined]
    return 3, "tf.keras of TensorFlow 2 had the defaults of Keras 3"


# --------------------------------------------------------------------------------------------- signs


def _signs(parsed: ast.AST) -> Iterator[Sign]:
    names = _names_of_keras(parsed)
    for node in ast.walk(parsed):
        if isinstance(node, ast.ImportFrom):
            yield from _of_import(node)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield from _of_module(alias.name, node.lineno)
        elif isinstance(node, ast.Call):
            yield from _of_call(node)
        elif isinstance(node, ast.Attribute):
            yield from _of_attribute(node, names)


def _names_of_keras(parsed: ast.AST) -> frozenset[str]:
    """Names that stand for a module of Keras in the script, such as ``keras`` and ``K``."""
    found = {"keras"}
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            found |= {a.asname for a in node.names if a.asname and a.name.startswith("keras")}
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("keras"):
            found |= {
                a.asname or a.name for a in node.names if (a.asname or a.name)[0].islower() or a.name == "backend"
            }
    return frozenset(found)


def _of_module(name: str, line: int) -> Iterator[Sign]:
    address = name.removeprefix("keras.") if name.startswith("keras.") else ""
    if address in MODULES:
        yield Sign(line, MODULES[address], f"the module {name} in line {line}")


def _of_import(node: ast.ImportFrom) -> Iterator[Sign]:
    module = _without_tensorflow(node.module or "")
    yield from _of_module(module, node.lineno)
    if module.split(".")[0] != "keras":
        return
    for alias in node.names:
        if alias.name not in NAMES:
            yield from _of_module(f"{module}.{alias.name}", node.lineno)
        else:
            yield Sign(node.lineno, NAMES[alias.name], f"the name '{alias.name}' in line {node.lineno}")


def _without_tensorflow(name: str) -> str:
    """``keras.ops`` for ``tf.keras.ops``."""
    return next((name.removeprefix(p) for p in ("tensorflow.", "tf.") if name.startswith(f"{p}keras")), name)


def _of_attribute(node: ast.Attribute, names: frozenset[str]) -> Iterator[Sign]:
    dotted = _without_tensorflow(_dotted(node))
    is_method = node.attr.startswith(("predict_", "fit_gen", "evaluate_gen")) and node.attr in NAMES
    if dotted.split(".")[0] in names:
        if dotted.startswith("keras."):
            yield from _of_module(dotted, node.lineno)
        if node.attr in NAMES:
            yield Sign(node.lineno, NAMES[node.attr], f"the name '{node.attr}' in line {node.lineno}")
    elif is_method:
        yield Sign(node.lineno, NAMES[node.attr], f"the method '{node.attr}' in line {node.lineno}")


def _of_call(node: ast.Call) -> Iterator[Sign]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    known = _METHODS.get(name) or _arguments_of(name)
    for keyword in node.keywords:
        if keyword.arg in known:
            yield Sign(node.lineno, known[keyword.arg], f"the argument '{keyword.arg}' of {name} in line {node.lineno}")
    count = _CONVOLUTIONS.get(name)
    if count and len(node.args) >= count and not any(isinstance(a, (ast.Tuple, ast.List)) for a in node.args[:count]):
        eras = frozenset({1} if name.startswith(("Convolution", "Atrous")) else {1, 2})
        yield Sign(node.lineno, eras, f"{name} with the sides of its kernel as single numbers in line {node.lineno}")


@cache
def _arguments_of(name: str) -> dict[str, frozenset[int]]:
    """The arguments of a layer that Keras 1 alone had, and those that it did not have yet."""
    row, own = keras1.LAYERS.get(name), signatures(1).get(name)
    if row is None:
        return {}
    renames = {**keras1.COMMON.arguments, **row.arguments}
    parts = {part for joined in row.joined.values() for part in joined}
    old = parts | {k for k, v in renames.items() if k != v}
    had = set(own.arguments) if own is not None else set()
    new = {*renames.values(), *row.joined} - had - old - {""}
    return {**dict.fromkeys(new, frozenset({2, 3})), **dict.fromkeys(old, frozenset({1}))}
