"""``ExportArchive``: several endpoints, written to one file or folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from amalthea.engine.ir.variable import Variable
from amalthea.errors import ArgumentError, ExportError, NotBuiltError, brief
from amalthea.export import signatures
from amalthea.export.endpoint import Endpoint, traced
from amalthea.export.targets import Options, Target, check_options, check_path, chosen, target


class ExportArchive:
    """Functions of a model as endpoints of one file, for other runtimes.

    Args:
        format: str; a name of ``amalthea targets``. Defaults to ``"saved_model"``, TensorFlow's.

    Raises:
        UnknownNameError: the format is unknown.

    Example:
        >>> import os, tempfile
        >>> from amalthea import InputSpec, Sequential, export, layers
        >>> model = Sequential([layers.Input((4,)), layers.Dense(2)])
        >>> archive = export.ExportArchive(format="onnx")
        >>> archive.track(model)
        >>> _ = archive.add_endpoint("serve", model.call, [InputSpec(shape=(None, 4))])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     archive.write_out(os.path.join(folder, "model.onnx"), verbose=False)
        ...     os.listdir(folder)
        ['model.onnx']
    """

    def __init__(self, format: str = "saved_model"):
        self.format = chosen(format, "")
        self.endpoints: dict[str, Endpoint] = {}
        self._functions: dict[str, Callable[..., Any]] = {}
        self._tracked: list[Any] = []
        self._collections: dict[str, list[Variable]] = {}

    @property
    def variables(self) -> list[Variable]:
        """Variables of the tracked objects."""
        return list({v: None for x in self._tracked for v in getattr(x, "variables", ())})

    def track(self, resource: Any) -> None:
        """Adds the variables of a layer or model to the archive.

        Args:
            resource: Layer or Model, built.

        Raises:
            NotBuiltError: it is not built yet.
        """
        if getattr(resource, "built", True) is False:
            raise NotBuiltError(
                "Only what is built can be exported.", got=brief(resource), cure="call it on data, or build(shape)"
            )
        self._tracked.append(resource)

    def add_endpoint(self, name: str, fn: Callable[..., Any], input_signature: Any = None, **kwargs: Any) -> Any:
        """Adds a function as an endpoint.

        Args:
            name: str; what callers of the file ask for.
            fn: function of tensors, such as a model, or a function over ``amalthea.ops`` that calls layers.
            input_signature: list of InputSpec, symbolic tensors or arrays, one for each argument, in any nesting; None
                in a shape is a size that each call may choose. Defaults to None: that of a model.
            **kwargs: ``output_names``: list of str; names of the outputs. Defaults to numbered names.

        Returns:
            The function.

        Raises:
            ArgumentError: an endpoint has this name, or the signature is missing.
        """
        if name in self.endpoints:
            raise ArgumentError("An endpoint has this name already.", got=repr(name))
        names = kwargs.pop("output_names", ())
        if kwargs:
            raise ArgumentError("add_endpoint has no such argument.", expected="output_names", got=", ".join(kwargs))
        self.endpoints[name] = traced(name, *self._signed(fn, input_signature, names))
        self._functions[name] = fn
        return fn

    def _signed(self, function: Any, signature: Any, names: Sequence[str]) -> tuple[Any, list[Any], Sequence[str]]:
        """The function in inference mode, its signature, and names of its outputs."""
        is_model = hasattr(function, "_is_functional")
        if signature is None and not is_model:
            raise ArgumentError(
                "The shapes of the function's inputs are not known.",
                cure="input_signature=[amalthea.InputSpec(shape=(None, 8))]",
            )
        found = signatures.of_model(function) if signature is None else signatures.given(signature, function)
        if is_model:
            names = names or function._output_names()
            return (lambda *args: function(*args, training=False)), found, names
        return function, found, names

    def track_and_add_endpoint(self, name: str, resource: Any, input_signature: Any = None, **kwargs: Any) -> Any:
        """Tracks a layer or model, and adds its call as an endpoint; see :meth:`track` and :meth:`add_endpoint`."""
        self.track(resource)
        return self.add_endpoint(name, resource, input_signature, **kwargs)

    def add_variable_collection(self, name: str, variables: Sequence[Variable]) -> None:
        """Adds a list of variables under a name, for targets that keep variables.

        Args:
            name: str; name of the list.
            variables: list of Variable.

        Raises:
            ArgumentError: an entry is no Variable.
        """
        wrong = [v for v in variables if not isinstance(v, Variable)]
        if wrong:
            raise ArgumentError("A variable collection holds Variables.", got=brief(wrong[0]))
        self._collections[name] = list(variables)

    def write_out(self, filepath: Any, options: Options | None = None, verbose: bool = True) -> None:
        """Writes the file or folder.

        Args:
            filepath: str or path; where to write. A file or folder that is there is replaced.
            options: Options or None; precision and version of the format. Defaults to None, floats of 32 bits.
            verbose: bool; whether the endpoints are printed. Defaults to True.

        Raises:
            ExportError: there is no endpoint, or the format cannot say one; nothing is written.
        """
        if not self.endpoints:
            raise ExportError("The archive has no endpoint.", cure="add_endpoint('serve', model)")
        check_path(self.format, os.fspath(filepath))
        kept = {"variables": self.variables, **self._collections}
        options, writer = replace(options or Options(), variables=kept), target(self.format)
        endpoints = list(self.endpoints.values())
        check_options(writer, endpoints, options)
        writer.write(endpoints, os.fspath(filepath), options)
        if verbose:
            print(saved(writer, str(filepath), endpoints))


def saved(writer: Target, path: str, endpoints: Sequence[Endpoint]) -> str:
    """Return what a user is told about a file that was written."""
    report = writer.report(path)
    lines = [f"Saved {writer.name} at '{path}'.", *map(line, endpoints), *([f"  {report}"] if report else [])]
    return "\n".join(lines)


def line(endpoint: Endpoint) -> str:
    """Return the endpoint's name with the types of its inputs and outputs."""
    inputs = ", ".join(f"{n}: {x.type}" for n, x in zip(endpoint.inputs, endpoint.graph.inputs))
    outputs = ", ".join(f"{n}: {x.type}" for n, x in zip(endpoint.outputs, endpoint.graph.outputs))
    return f"  {endpoint.name}({inputs}) -> {outputs}"
