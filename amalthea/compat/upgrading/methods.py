"""Methods of models, their keys and ``merge`` in a script, in today's words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import libcst as cst

from amalthea.compat import eras
from amalthea.compat.merging import MODES
from amalthea.compat.upgrading.imports import Imports, code
from amalthea.spellings import modern_name

RENAMED = {"nb_epoch": "epochs", "nb_val_samples": "validation_steps", "val_samples": "steps"}
DROPPED = ("show_accuracy", "class_mode", "pickle_safe", "nb_worker", "workers", "max_q_size", "max_queue_size",
           "use_multiprocessing")  # fmt: skip
_OF_MODELS = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "compile", "fit_generator",
              "evaluate_generator", "predict_generator", "predict_proba", "predict_classes")  # fmt: skip
_TODAY = {"fit_generator": "fit", "evaluate_generator": "evaluate", "predict_generator": "predict",
          "predict_proba": "predict"}  # fmt: skip
_COUNTS = ("samples_per_epoch", "nb_val_samples", "val_samples")
FUNCTIONS = {
    "Model": {"input": "inputs", "output": "outputs"},
    "to_categorical": {"nb_classes": "num_classes"},
    "load_data": {"nb_words": "num_words"},
    "Tokenizer": {"nb_words": "num_words"},
    "ReduceLROnPlateau": {"epsilon": "min_delta"},
}
_KEYS = {"acc": "accuracy", "val_acc": "val_accuracy"}


class Notes(Protocol):
    """The pass over a script, as far as methods need it."""

    imports: Imports

    def note(self, node: cst.CSTNode, text: str) -> None:
        """Keeps a line on what was left as it is."""
        ...

    def optimizer(self, node: cst.SimpleString) -> cst.BaseExpression:
        """An optimizer by its name, with the defaults of the era."""
        ...


def todays_method(rewriter: Notes, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
    """A call of a method of a model, by today's arguments; any other call as it is.

    Args:
        rewriter: the pass, which takes notes.
        original: the call before its inside was rewritten.
        updated: the call.
    """
    func = updated.func
    if not isinstance(func, cst.Attribute) or func.attr.value not in _OF_MODELS:
        return updated
    name = func.attr.value
    given = {a.keyword.value for a in updated.args if a.keyword is not None}
    if name == "compile":
        return updated if "loss" not in given and len(updated.args) < 2 else _compiled(rewriter, updated)
    if name == "predict_classes":
        return _classes(rewriter, original, updated)
    counts = given & set(_COUNTS)
    if counts or name.endswith("_generator") and eras.era() == 1:
        rewriter.note(original, f"{name} counts samples, and today's fit counts batches: divide by the size of a batch")
        return updated
    arguments = _named(name, updated.args)
    kept = [_renamed(a) for a in arguments if a.keyword is None or a.keyword.value not in DROPPED]
    today = cst.Name(_TODAY.get(name, name))
    return updated.with_changes(
        func=func.with_changes(attr=today), args=_last_without_comma(kept, _ends_with_comma(updated))
    )


def _classes(rewriter: Notes, original: cst.Call, updated: cst.Call) -> cst.BaseExpression:
    """``predict_classes``: above a half where the script trains by a binary crossentropy, else the largest output."""
    assert isinstance(updated.func, cst.Attribute)
    func = updated.func.with_changes(attr=cst.Name("predict"))
    kept = [_renamed(a) for a in _named("predict_proba", updated.args)]
    found = code(updated.with_changes(func=func, args=_last_without_comma(kept, _ends_with_comma(updated))))
    text = f'({found} > 0.5).astype("int32")' if rewriter.imports.is_binary else f"{found}.argmax(-1)"
    rewriter.note(original, f"predict_classes is taken to mean {text}")
    return cst.parse_expression(text)


def _named(name: str, arguments: Sequence[cst.Arg]) -> list[cst.Arg]:
    """Arguments that stand at another position today, by their names."""
    order = {"fit_generator": ("steps_per_epoch", "epochs"), "evaluate_generator": ("steps",),
             "predict_generator": ("steps",), "predict_proba": ("batch_size",)}  # fmt: skip
    names = (None, *order.get(name, ()))
    return [with_keyword(a, names[i]) if a.keyword is None and i < len(names) else a for i, a in enumerate(arguments)]


def _renamed(argument: cst.Arg) -> cst.Arg:
    old = argument.keyword.value if argument.keyword is not None else ""
    return argument.with_changes(keyword=cst.Name(RENAMED[old])) if old in RENAMED else argument


def with_keyword(argument: cst.Arg, name: str | None) -> cst.Arg:
    """An argument by its name; as it is for None."""
    if name is None:
        return argument
    none = cst.SimpleWhitespace("")
    equal = cst.AssignEqual(whitespace_before=none, whitespace_after=none)
    return argument.with_changes(keyword=cst.Name(name), equal=equal)


def _last_without_comma(arguments: list[cst.Arg], had_comma: bool) -> list[cst.Arg]:
    """The arguments without a comma after the last, unless there was one."""
    last = arguments[-1].comma if arguments else None
    if isinstance(last, cst.Comma) and isinstance(last.whitespace_after, cst.SimpleWhitespace) and not had_comma:
        arguments[-1] = arguments[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    return arguments


def _ends_with_comma(call: cst.Call) -> bool:
    return bool(call.args) and isinstance(call.args[-1].comma, cst.Comma)


def todays_function(name: str, call: cst.Call) -> cst.Call:
    """A call of a function or of a model's class, by today's names of arguments.

    Args:
        name: str; what is called.
        call: the call.
    """
    renamed = FUNCTIONS.get(name, {})
    made = [
        with_keyword(a, renamed[a.keyword.value]) if a.keyword is not None and a.keyword.value in renamed else a
        for a in call.args
    ]
    return call.with_changes(args=made)


def _compiled(rewriter: Notes, call: cst.Call) -> cst.Call:
    """``compile`` with names of today; the third argument by position is ``metrics``."""
    made = []
    for i, argument in enumerate(call.args):
        name = argument.keyword.value if argument.keyword is not None else ("optimizer", "loss", "metrics")[min(i, 2)]
        if name in (*DROPPED, "sample_weight_mode"):
            continue
        if argument.keyword is None and i == 2 and eras.era() < 3:
            argument = with_keyword(argument, "metrics")
        change = {"optimizer": rewriter.optimizer, "loss": _loss, "metrics": _metric}.get(name)
        value = argument.value if change is None else _each(argument.value, change)
        made.append(argument.with_changes(value=value))
    return call.with_changes(args=_last_without_comma(made, _ends_with_comma(call)))


def _each(node: cst.BaseExpression, change: Callable[[cst.SimpleString], cst.BaseExpression]) -> cst.BaseExpression:
    """A text, or the texts in a list or the values of a dict."""
    if isinstance(node, cst.SimpleString):
        return change(node)
    if isinstance(node, (cst.List, cst.Tuple)):
        return node.with_changes(elements=[e.with_changes(value=_each(e.value, change)) for e in node.elements])
    if isinstance(node, cst.Dict):
        return node.with_changes(elements=[e.with_changes(value=_each(e.value, change)) for e in node.elements])
    return node


def _text(node: cst.SimpleString, text: str) -> cst.SimpleString:
    quote = node.value[0] if node.value[0] in "'\"" else '"'
    return node if node.evaluated_value == text else node.with_changes(value=f"{quote}{text}{quote}")


def _loss(node: cst.SimpleString) -> cst.SimpleString:
    name = str(node.evaluated_value)
    return node if name.isupper() or len(name) < 5 else _text(node, modern_name("loss", name))


def _metric(node: cst.SimpleString) -> cst.SimpleString:
    return _text(node, "accuracy") if node.evaluated_value == "acc" else _loss(node)


def todays_key(node: cst.Subscript) -> cst.Subscript:
    """``history["acc"]`` as ``history["accuracy"]``."""
    if len(node.slice) != 1 or not isinstance(node.slice[0].slice, cst.Index):
        return node
    key = node.slice[0].slice.value
    if not isinstance(key, cst.SimpleString) or key.evaluated_value not in _KEYS:
        return node
    made = node.slice[0].with_changes(slice=cst.Index(_text(key, _KEYS[str(key.evaluated_value)])))
    return node.with_changes(slice=[made])


def merged(call: cst.Call) -> tuple[str, list[cst.Arg], cst.BaseExpression] | None:
    """The layer of today for ``merge(inputs, mode=...)``: its name, arguments and inputs; None for other modes."""
    names = ("inputs", "mode", "concat_axis", "dot_axes", "output_shape", "output_mask", "arguments", "name")
    given = {a.keyword.value if a.keyword is not None else names[i]: a.value for i, a in enumerate(call.args)}
    mode = given.get("mode", cst.SimpleString("'sum'"))
    inputs = given.get("inputs")
    if inputs is None or not isinstance(mode, cst.SimpleString) or mode.evaluated_value not in MODES:
        return None
    name = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum", "concat": "Concatenate", "dot": "Dot",
            "cos": "Dot"}[str(mode.evaluated_value)]  # fmt: skip
    if mode.evaluated_value == "cos":
        return None
    source, today = {"Concatenate": ("concat_axis", "axis"), "Dot": ("dot_axes", "axes")}.get(name, ("", ""))
    arguments = [with_keyword(cst.Arg(given[source]), today)] if source in given else []
    if name == "Dot" and not arguments:
        arguments = [with_keyword(cst.Arg(cst.parse_expression("-1")), "axes")]
    if "name" in given:
        arguments.append(with_keyword(cst.Arg(given["name"]), "name"))
    return name, arguments, inputs
