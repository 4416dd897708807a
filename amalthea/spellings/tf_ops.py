"""Calls of TensorFlow's functions in functional models of Keras 2 (``TFOpLambda``, ``SlicingOpLambda``), as ops.

The table is closed: a function that is not in it is refused by name. An entry is an op, and the parameters of
TensorFlow's function in the order of the op's: ``tensor`` alone stands in the call, ``shape=newshape`` is the
option ``newshape``.
"""

from __future__ import annotations

from typing import Any

from amalthea.spellings.rows import Config

CLASSES = ("TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty", "TensorFlowOpLayer")
SLICE = "__operators__.getitem"
_IGNORED = ("name",)


def _rows(op: str, parameters: str, *functions: str) -> dict[str, tuple[str, str]]:
    return dict.fromkeys(functions, (op, parameters))


def _alike(parameters: str, names: str, prefix: str = "math.") -> dict[str, tuple[str, str]]:
    """Functions whose op has the same name."""
    return {prefix + name: (name, parameters) for name in names.split()}


OPS: dict[str, tuple[str, str]] = {
    **_alike("x y", "add subtract multiply maximum minimum floormod equal not_equal less less_equal greater"),
    **_alike("x y", "greater_equal logical_and logical_or logical_xor atan2"),
    **_alike("x", "abs exp log log1p expm1 sqrt rsqrt square sin cos tan asin acos atan sinh cosh tanh asinh acosh"),
    **_alike("x", "atanh sign floor ceil erf sigmoid reciprocal logical_not"),
    **_rows("add", "x y", "__operators__.add", "__operators__.__add__"),
    **_rows("subtract", "x y", "__operators__.subtract"),
    **_rows("multiply", "x y", "__operators__.multiply"),
    **_rows("true_divide", "x y", "math.truediv", "math.divide", "realdiv", "RealDiv"),
    **_rows("divide_no_nan", "x y", "math.divide_no_nan"),
    **_rows("floor_divide", "x y", "math.floordiv", "compat.v1.floor_div"),
    **_rows("mod", "x y", "math.floormod", "math.mod"),
    **_rows("power", "x y", "math.pow"),
    **_rows("negative", "x", "math.negative"),
    **_rows("ceil", "x", "math.ceil"),
    **_rows("round", "x", "math.round", "round"),
    **_rows("arctan2", "y x", "math.atan2"),
    **_rows("arcsin", "x", "math.asin"),
    **_rows("arccos", "x", "math.acos"),
    **_rows("arctan", "x", "math.atan"),
    **_rows("arcsinh", "x", "math.asinh"),
    **_rows("arccosh", "x", "math.acosh"),
    **_rows("arctanh", "x", "math.atanh"),
    **_rows("softplus", "features", "math.softplus", "nn.softplus"),
    **_rows("isnan", "x", "math.is_nan"),
    **_rows("isinf", "x", "math.is_inf"),
    **_rows("isfinite", "x", "math.is_finite"),
    **_rows("logical_not", "x", "math.logical_not"),
    **_rows("add", "x y", "math.add"),
    **_rows("sum", "input_tensor axis=axis keepdims=keepdims", "math.reduce_sum", "reduce_sum"),
    **_rows("mean", "input_tensor axis=axis keepdims=keepdims", "math.reduce_mean", "reduce_mean"),
    **_rows("max", "input_tensor axis=axis keepdims=keepdims", "math.reduce_max"),
    **_rows("min", "input_tensor axis=axis keepdims=keepdims", "math.reduce_min"),
    **_rows("prod", "input_tensor axis=axis keepdims=keepdims", "math.reduce_prod"),
    **_rows("any", "input_tensor axis=axis keepdims=keepdims", "math.reduce_any"),
    **_rows("all", "input_tensor axis=axis keepdims=keepdims", "math.reduce_all"),
    **_rows("std", "input_tensor axis=axis keepdims=keepdims", "math.reduce_std"),
    **_rows("var", "input_tensor axis=axis keepdims=keepdims", "math.reduce_variance"),
    **_rows("logsumexp", "input_tensor axis=axis keepdims=keepdims", "math.reduce_logsumexp"),
    **_rows("argmax", "input axis=axis", "math.argmax", "argmax"),
    **_rows("argmin", "input axis=axis", "math.argmin", "argmin"),
    **_rows("cumsum", "x axis=axis", "math.cumsum"),
    **_rows("cumprod", "x axis=axis", "math.cumprod"),
    **_rows("normalize", "x axis=axis epsilon=epsilon", "math.l2_normalize", "nn.l2_normalize", "linalg.l2_normalize"),
    **_rows("matmul", "a b", "linalg.matmul", "matmul"),
    **_rows("tensordot", "a b axes=axes", "tensordot"),
    **_rows("relu", "features", "nn.relu"),
    **_rows("relu6", "features", "nn.relu6"),
    **_rows("elu", "features", "nn.elu"),
    **_rows("selu", "features", "nn.selu"),
    **_rows("gelu", "features approximate=approximate", "nn.gelu"),
    **_rows("silu", "features", "nn.silu", "nn.swish"),
    **_rows("leaky_relu", "features alpha=negative_slope", "nn.leaky_relu"),
    **_rows("softsign", "features", "nn.softsign"),
    **_rows("softmax", "logits axis=axis", "nn.softmax"),
    **_rows("log_softmax", "logits axis=axis", "nn.log_softmax"),
    **_rows("sigmoid", "x", "nn.sigmoid", "sigmoid"),
    **_rows("tanh", "x", "nn.tanh", "tanh"),
    **_rows("concatenate", "values axis=axis", "concat"),
    **_rows("stack", "values axis=axis", "stack"),
    **_rows("unstack", "value num=num axis=axis", "unstack"),
    **_rows("split", "value num_or_size_splits=indices_or_sections axis=axis", "split"),
    **_rows("reshape", "tensor shape=newshape", "reshape"),
    **_rows("transpose", "a perm=axes", "transpose"),
    **_rows("expand_dims", "input axis=axis", "expand_dims"),
    **_rows("squeeze", "input axis=axis", "squeeze", "compat.v1.squeeze"),
    **_rows("tile", "input multiples=repeats", "tile"),
    **_rows("repeat", "input repeats=repeats axis=axis", "repeat"),
    **_rows("pad", "tensor paddings=pad_width", "pad"),
    **_rows("flip", "tensor axis=axis", "reverse"),
    **_rows("roll", "input shift=shift axis=axis", "roll"),
    **_rows("take", "params indices axis=axis", "gather"),
    **_rows("where", "condition x y", "where", "compat.v1.where"),
    **_rows("cast", "x dtype=dtype", "cast"),
    **_rows("clip", "t clip_value_min=x_min clip_value_max=x_max", "clip_by_value"),
    **_rows("zeros_like", "input", "zeros_like"),
    **_rows("ones_like", "input", "ones_like"),
    **_rows("stop_gradient", "input", "stop_gradient"),
    **_rows("one_hot", "indices depth=num_classes axis=axis", "one_hot"),
}


class UnknownOp(Exception):
    """A function of TensorFlow that is not in the table; its text is the function and the reason."""


def modern_op(name: str, config: Config, calls: list[Config]) -> Config:
    """An op in the form of Keras 3, from a layer of one of :data:`CLASSES` and its calls."""
    function = str(config.get("function"))
    if function == SLICE:
        made = [_slice(call) for call in calls]
        return _op(name, "get_item", {}, made)
    if function not in OPS:
        raise UnknownOp(f"tf.{function}")
    op, parameters = OPS[function]
    nodes, options = [], {}
    for call in calls:
        args, options = _bound(function, parameters.split(), call)
        nodes.append({"args": args, "kwargs": {}})
    return _op(name, op, options, nodes)


def _op(name: str, op: str, options: Config, nodes: list[Config]) -> Config:
    class_name = "".join(part.capitalize() for part in op.split("_"))
    return {
        "module": "keras.src.ops.numpy",
        "class_name": class_name,
        "config": {"name": name, **options},
        "registered_name": class_name,
        "name": name,
        "inbound_nodes": nodes,
    }


def _bound(function: str, parameters: list[str], call: Config) -> tuple[list[Any], Config]:
    """The op's operands and options, from the arguments of TensorFlow's function."""
    order = [parameter.split("=")[0] for parameter in parameters]
    given = {**dict(zip(order, call["args"])), **call["kwargs"]}
    args, options = [], {}
    for parameter in parameters:
        old, _, new = parameter.partition("=")
        value = given.pop(old, None)
        if not new:
            args.append(value)
        elif value is not None:
            options[new] = _ends(value) if new == "indices_or_sections" else value
    surplus = [key for key in given if key not in _IGNORED]
    if surplus:
        raise UnknownOp(f"tf.{function} with {', '.join(surplus)}")
    return args, options


def _ends(sizes: Any) -> Any:
    """TensorFlow gives the sizes of the parts, and the op takes the indices where they end."""
    return [sum(sizes[: i + 1]) for i in range(len(sizes) - 1)] if isinstance(sizes, list) else sizes


def _slice(call: Config) -> Config:
    """``x[:, 1:3]``: a list of ints, None, the ellipsis, and dicts of start, stop and step."""
    spec = call["kwargs"].get("slice_spec", call["args"][1] if len(call["args"]) > 1 else [])
    spec = spec.get("items", spec.get("config")) if isinstance(spec, dict) and "class_name" in spec else spec
    return {"args": [call["args"][0], [_part(p) for p in (spec if isinstance(spec, list) else [spec])]], "kwargs": {}}


def _part(part: Any) -> Any:
    if isinstance(part, dict) and "start" in part:
        return {"class_name": "__slice__", "config": {key: part.get(key) for key in ("start", "stop", "step")}}
    if isinstance(part, dict) and part.get("class_name") == "__ellipsis__":
        return {"class_name": "__ellipsis__", "config": {}}
    return part
