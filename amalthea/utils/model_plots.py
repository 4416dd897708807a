"""Models as graphs in the language DOT, and as pictures that Graphviz draws of them."""

from __future__ import annotations

import html
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from amalthea import docstrings, tree, writing
from amalthea.checks import one_of, positive_int
from amalthea.engine.ir.tensor import Tensor
from amalthea.errors import ArgumentError, MissingLibraryError, brief
from amalthea.layers.layer import Layer

docstrings.share(
    "what a plot shows",
    """
    show_shapes: bool; whether shapes of inputs and outputs are shown. Defaults to False.
    show_dtype: bool; whether dtypes of outputs are shown. Defaults to False.
    """,
)
docstrings.share(
    "how a plot looks",
    """
    rankdir: str; ``"TB"`` goes from top to bottom, ``"LR"`` from left to right, ``"BT"`` and ``"RL"`` back. Defaults to
        ``"TB"``.
    expand_nested: bool; whether the layers of models within the model are shown. Defaults to False.
    dpi: int; dots per inch of the picture. Defaults to 200.
    """,
)
docstrings.share(
    "more that a plot shows",
    """
    show_layer_activations: bool; whether activations are shown. Defaults to False.
    show_trainable: bool; whether it is shown that layers are trained. Defaults to False.
    splines: str; form of the lines, as Graphviz names it. Defaults to ``"ortho"``.
    **kwargs: ``layer_range``: pair of str; names of the first and the last layer to show.
    """,
)


class Dot:
    """A graph in the language DOT.

    Args:
        lines: list of str; the statements inside the graph.
        name: str; name of the graph. Defaults to ``"model"``.
        is_part: bool; whether it is a cluster within another graph. Defaults to False.

    Example:
        >>> from amalthea import Sequential, layers, utils
        >>> model = Sequential([layers.Input((3,)), layers.Dense(2, name="head")])
        >>> "head" in utils.model_to_dot(model).to_string()
        True
    """

    def __init__(self, lines: Sequence[str], name: str = "model", is_part: bool = False):
        self.lines, self.name, self.is_part = list(lines), name, is_part

    def to_string(self) -> str:
        """Returns the graph as text.

        Example:
            >>> from amalthea import Sequential, layers, utils
            >>> text = utils.model_to_dot(Sequential([layers.Input((3,)), layers.Dense(2)])).to_string()
            >>> text.splitlines()[0]
            'digraph "model" {'
        """
        head = f"subgraph {_quoted(f'cluster_{self.name}')} {{" if self.is_part else f"digraph {_quoted(self.name)} {{"
        return "\n".join([head, *(f"  {line}" for line in self.lines), "}"])

    __str__ = to_string

    def create(self, format: str = "png") -> bytes:
        """Returns the picture of the graph, drawn by the program ``dot``.

        Args:
            format: str; such as ``"png"``, ``"svg"`` or ``"pdf"``. Defaults to ``"png"``.

        Raises:
            MissingLibraryError: Graphviz is not installed.
            ArgumentError: Graphviz cannot draw in this format.

        Example:
            >>> from amalthea import Sequential, layers, utils
            >>> model = Sequential([layers.Input((3,)), layers.Dense(2)])
            >>> utils.model_to_dot(model).create("svg")[:5]  # doctest: +SKIP
            b'<?xml'
        """
        program = shutil.which("dot")
        if program is None:
            raise MissingLibraryError(
                "Pictures of models are drawn by Graphviz, whose program `dot` is not installed.",
                cure="apt install graphviz, brew install graphviz, or to_file='model.dot' for the graph as text",
            )
        run = subprocess.run(
            [program, f"-T{format}"], input=self.to_string().encode(), capture_output=True, check=False
        )
        if run.returncode:
            raise ArgumentError(
                "Graphviz cannot draw this.",
                expected="a format of Graphviz",
                got=brief(run.stderr.decode(errors="replace")),
            )
        return run.stdout


@docstrings.fill
def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Dot:
    """Describes a model as a graph in the language DOT: a node for each layer, an edge for each tensor.

    Args:
        model: built Model.
        |what a plot shows|
        show_layer_names: bool; whether names of layers are shown. Defaults to True.
        |how a plot looks|
        subgraph: bool; whether the graph is to be part of another one. Defaults to False.
        |more that a plot shows|

    Returns:
        A :class:`Dot`.

    Raises:
        ArgumentError: the model is not built, or an option does not exist.

    Example:
        >>> from amalthea import Sequential, layers, utils
        >>> model = Sequential([layers.Input((3,)), layers.Dense(2, name="head")])
        >>> print(utils.model_to_dot(model, show_shapes=True).to_string())  # doctest: +ELLIPSIS
        digraph "model" {
        ...
    """
    _check(model, rankdir, dpi)
    layer_range = kwargs.pop("layer_range", None)
    if kwargs:
        raise ArgumentError(f"model_to_dot has no argument {next(iter(kwargs))!r}.", got=", ".join(kwargs))
    shown = {
        "shapes": show_shapes, "dtype": show_dtype, "names": show_layer_names, "activations": show_layer_activations,
        "trainable": show_trainable,
    }  # fmt: skip
    head = [
        f"graph [rankdir={rankdir}, dpi={int(dpi)}, splines={_quoted(splines)}];",
        "node [shape=plaintext];",
    ]
    body = list(_statements(model, "", expand_nested, shown, layer_range))
    return Dot(body if subgraph else head + body, model.name if subgraph else "model", subgraph)


@docstrings.fill
def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Dot:
    """Draws a model, as :func:`model_to_dot` describes it, into a file.

    Args:
        model: built Model.
        to_file: str or path; its ending is the format: png, svg, pdf, ..., which Graphviz draws, or dot, the graph as
            text, which needs no Graphviz. Defaults to ``"model.png"``.
        |what a plot shows|
        show_layer_names: bool; whether names of layers are shown. Defaults to False.
        |how a plot looks|
        |more that a plot shows|

    Returns:
        The :class:`Dot`.

    Raises:
        ArgumentError: the model is not built, an option does not exist, or the format is not known.
        MissingLibraryError: Graphviz is not installed.

    Example:
        >>> import pathlib, tempfile
        >>> from amalthea import Sequential, layers, utils
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.dot"
        >>> _ = utils.plot_model(Sequential([layers.Input((3,)), layers.Dense(2)]), path)
        >>> path.read_text()[:7]
        'digraph'
    """
    dot = model_to_dot(
        model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi,
        show_layer_activations=show_layer_activations, show_trainable=show_trainable, splines=splines, **kwargs,
    )  # fmt: skip
    format = os.path.splitext(os.fspath(to_file))[1].removeprefix(".").lower()
    if not format:
        raise ArgumentError("The ending of the file is the format.", got=str(to_file), cure=f"'{to_file}.png'")
    writing.write(Path(to_file), dot.to_string() if format in ("dot", "gv") else dot.create(format))
    return dot


def _check(model: Any, rankdir: Any, dpi: Any) -> None:
    one_of("TB", "BT", "LR", "RL")(rankdir, "rankdir", "model_to_dot")
    positive_int(dpi, "dpi", "model_to_dot")
    if not hasattr(model, "layers"):
        raise ArgumentError("Only a model can be drawn.", expected="a Model", got=brief(model))
    if not model.built:
        raise ArgumentError(f"Model '{model.name}' is not built yet.", cure="model.build(input_shape), or call it once")


def _statements(model: Any, path: str, expands: bool, shown: dict[str, bool], layer_range: Any) -> Iterator[str]:
    """The nodes and edges of a model; ``path`` keeps nodes of models within models apart."""
    network = getattr(model, "_network", None)
    operations = list(network.operations) if network is not None else list(model.layers)
    operations = _between(operations, layer_range)
    chosen = set(map(id, operations))
    for operation in operations:
        if expands and _is_nested(operation):
            key = _key(path, operation)
            lines = [f"label={_quoted(operation.name)};", *_statements(operation, key, True, shown, None)]
            inner = Dot(lines, key, is_part=True)
            yield from inner.to_string().splitlines()
        else:
            yield f"{_quoted(_key(path, operation))} [label=<{_label(operation, shown)}>];"
    for call in network.calls if network is not None else ():
        for x in call.inputs:
            source = x.history.call.operation
            if source is not call.operation and {id(source), id(call.operation)} <= chosen:
                yield f"{_quoted(_end(path, source, expands))} -> {_quoted(_start(path, call.operation, expands))};"


def _between(operations: list[Any], layer_range: Any) -> list[Any]:
    if layer_range is None:
        return operations
    names = [o.name for o in operations]
    if not isinstance(layer_range, (list, tuple)) or len(layer_range) != 2 or any(n not in names for n in layer_range):
        raise ArgumentError("`layer_range` names two layers.", expected=", ".join(names[:12]), got=brief(layer_range))
    first, last = sorted(names.index(name) for name in layer_range)
    return operations[first : last + 1]


def _is_nested(operation: Any) -> bool:
    return getattr(operation, "_network", None) is not None


def _key(path: str, operation: Any) -> str:
    return f"{path}/{operation.name} {id(operation)}"


def _start(path: str, operation: Any, expands: bool) -> str:
    """The node at which a model within the model begins."""
    if not expands or not _is_nested(operation):
        return _key(path, operation)
    first = operation._network.flat_inputs[0].history.call.operation
    return _start(_key(path, operation), first, expands)


def _end(path: str, operation: Any, expands: bool) -> str:
    if not expands or not _is_nested(operation):
        return _key(path, operation)
    last = tree.flatten(operation._network.outputs)[0].history.call.operation
    return _end(_key(path, operation), last, expands)


def _label(operation: Any, shown: dict[str, bool]) -> str:
    kind = html.escape(type(operation).__name__ if isinstance(operation, Layer) else operation.name)
    title = f"<b>{html.escape(operation.name)}</b> ({kind})" if shown["names"] else f"<b>{kind}</b>"
    rows = [title]
    activation = getattr(operation, "activation", None)
    if shown["activations"] and activation is not None:
        rows.append(f"Activation: {html.escape(getattr(activation, '__name__', type(activation).__name__))}")
    if shown["trainable"] and isinstance(operation, Layer) and operation.weights:
        rows.append("trainable" if operation.trainable else "not trainable")
    call = operation._calls[-1] if getattr(operation, "_calls", None) else None
    if call is not None and shown["shapes"]:
        before = [str(x.shape) for x in call.inputs]
        rows += [f"Input: {html.escape(', '.join(before))}"] if before else []
        rows.append(f"Output: {html.escape(', '.join(str(x.shape) for x in _tensors(call)))}")
    if call is not None and shown["dtype"]:
        rows.append(f"dtype: {html.escape(', '.join(str(x.dtype) for x in _tensors(call)))}")
    cells = "".join(f"<tr><td>{row}</td></tr>" for row in rows)
    return f'<table border="0" cellborder="1" cellspacing="0" cellpadding="6">{cells}</table>'


def _tensors(call: Any) -> list[Tensor]:
    return [x for x in tree.flatten(call.outputs) if isinstance(x, Tensor)]


def _quoted(text: str) -> str:
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
