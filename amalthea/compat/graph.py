"""``Graph`` of Keras 0.x: a model that is built node by node, and whose data are dicts by name."""

from __future__ import annotations

from typing import Any

from amalthea.compat.merging import layer_of
from amalthea.errors import ArgumentError
from amalthea.layers import Input
from amalthea.models import Model


class Graph:
    """A graph of layers with named inputs, nodes and outputs.

    Example:
        >>> import numpy as np
        >>> from amalthea import layers
        >>> graph = Graph()
        >>> graph.add_input(name="x", input_shape=(4,))
        >>> graph.add_node(layers.Dense(2), name="dense", input="x")
        >>> graph.add_output(name="y", input="dense")
        >>> graph.compile("sgd", {"y": "mse"})
        >>> graph.predict({"x": np.ones((3, 4))})["y"].shape
        (3, 2)
    """

    def __init__(self) -> None:
        self._tensors: dict[str, Any] = {}
        self.nodes: dict[str, Any] = {}
        self.input_order: list[str] = []
        self.output_order: list[str] = []
        self.model: Any = None
        self._shared: dict[str, list[Any]] = {}  # outputs of shared nodes that are not merged

    def add_input(
        self, name: str, input_shape: Any = None, batch_input_shape: Any = None, dtype: str = "float"
    ) -> None:
        """Adds an input.

        Args:
            name: str.
            input_shape: tuple without the batch. Defaults to None.
            batch_input_shape: tuple with the batch. Defaults to None.
            dtype: str; ``"float"`` or ``"int"``. Defaults to ``"float"``.
        """
        self._free(name)
        shape = tuple(batch_input_shape) if batch_input_shape else (None, *input_shape)
        known = {"float": "float32", "int": "int32"}.get(dtype, dtype)
        self._tensors[name] = Input(batch_shape=shape, dtype=known, name=name)
        self.input_order.append(name)

    def add_node(
        self, layer: Any, name: str, input: str | None = None, inputs: Any = (), merge_mode: Any = "concat",
        concat_axis: int = -1, dot_axes: Any = -1, create_output: bool = False,
    ) -> None:  # fmt: skip
        """Adds a layer, called on a node or on several that are merged.

        Args:
            layer: layer or model.
            name: str; name of the node.
            input: str; a node. Defaults to None, where ``inputs`` is given.
            inputs: list of str; several nodes.
            merge_mode: mode of ``merge``. Defaults to ``"concat"``.
            concat_axis: int. Defaults to -1.
            dot_axes: int or tuple. Defaults to -1.
            create_output: bool; whether it is an output too. Defaults to False.

        Raises:
            ArgumentError: a name is taken, or names no node.
        """
        self._free(name)
        self._tensors[name] = layer(self._merged(input, inputs, merge_mode, concat_axis, dot_axes))
        self.nodes[name] = layer
        if create_output:
            self.add_output(name, input=name)

    def add_shared_node(
        self, layer: Any, name: str, inputs: Any = (), merge_mode: Any = None, concat_axis: int = -1,
        dot_axes: Any = -1, outputs: Any = (), create_output: bool = False,
    ) -> None:  # fmt: skip
        """Adds a layer that is called on each of several nodes.

        Args:
            layer: layer or model.
            name: str; name of the node. Without ``merge_mode`` it stands for all its outputs, in ``inputs`` of another
                shared node alone.
            inputs: list of str; the nodes on which it is called.
            merge_mode: mode by which the outputs are merged into the node. Defaults to None, separate ``outputs``.
            concat_axis: int. Defaults to -1.
            dot_axes: int or tuple. Defaults to -1.
            outputs: list of str; names of the outputs, where they are not merged.
            create_output: bool; whether these are outputs too. Defaults to False.

        Raises:
            ArgumentError: a name is taken, or names no node, or there are more names than outputs.
        """
        for new in (name, *outputs):
            self._free(new)
        self._known(inputs)
        calls = [layer(end) for given in inputs for end in self._shared.get(given) or [self._tensors[given]]]
        if len(outputs) > len(calls):
            raise ArgumentError("There are more names than outputs.", expected=len(calls), got=len(outputs))
        self.nodes[name] = layer
        if merge_mode:
            self._tensors[name] = calls[0] if len(calls) == 1 else layer_of(merge_mode, concat_axis, dot_axes)(calls)
        else:
            self._shared[name] = calls
            self._tensors.update(zip(outputs, calls))
        for made in ([name] if merge_mode else outputs) if create_output else ():
            self.add_output(made, input=made)

    def add_output(
        self, name: str, input: str | None = None, inputs: Any = (), merge_mode: Any = "concat",
        concat_axis: int = -1, dot_axes: Any = -1,
    ) -> None:  # fmt: skip
        """Makes a node an output, or several that are merged.

        Args:
            name: str; name of the output in the data.
            input: str; a node. Defaults to None, where ``inputs`` is given.
            inputs: list of str; several nodes.
            merge_mode: mode of ``merge``. Defaults to ``"concat"``.
            concat_axis: int. Defaults to -1.
            dot_axes: int or tuple. Defaults to -1.
        """
        if name in self.output_order:
            raise ArgumentError("The graph has an output of this name.", got=repr(name))
        self._tensors[f"output {name}"] = self._merged(input, inputs, merge_mode, concat_axis, dot_axes)
        self.output_order.append(name)

    def _free(self, name: str) -> None:
        if name in self._tensors or name in self._shared:
            raise ArgumentError("The graph has a node of this name.", got=repr(name))

    def _merged(self, input: str | None, inputs: Any, mode: Any, concat_axis: int, dot_axes: Any) -> Any:
        names = [input] if input else list(inputs)
        self._known(names, self._tensors)
        found = [self._tensors[n] for n in names]
        return found[0] if len(found) == 1 else layer_of(mode, concat_axis, dot_axes)(found)

    def _known(self, names: Any, known: Any = None) -> None:
        known = {**self._tensors, **self._shared} if known is None else known
        unknown = [n for n in names if n not in known]
        if unknown or not names:
            raise ArgumentError(
                "The graph has no such node.", expected=", ".join(known), got=", ".join(unknown) or "no input"
            )

    # ------------------------------------------------------------------------------------ training

    def compile(self, optimizer: Any, loss: dict[str, Any], **kwargs: Any) -> None:
        """Configures the training.

        Args:
            optimizer: optimizer or name.
            loss: dict from output to loss.
            **kwargs: as for ``Model.compile``.
        """
        inputs = [self._tensors[n] for n in self.input_order]
        outputs = [self._tensors[f"output {n}"] for n in self.output_order]
        self.model = Model(inputs, outputs)
        self.model._names_in_config = tuple(layer.name for layer in self.nodes.values())
        self.model.compile(optimizer, [loss[n] for n in self.output_order], **kwargs)

    def _split(self, data: dict[str, Any], with_labels: bool = True) -> tuple[Any, Any]:
        wanted = [*self.input_order, *(self.output_order if with_labels else [])]
        missing = [n for n in wanted if n not in data]
        if missing:
            raise ArgumentError("The data lack an array.", expected=", ".join(wanted), got=", ".join(data))
        x = [data[n] for n in self.input_order]
        y = [data[n] for n in self.output_order] if with_labels else []
        return (x[0] if len(x) == 1 else x), (y[0] if len(y) == 1 else y)

    def _with_weights(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Weights of samples by the names of outputs become a list."""
        given = kwargs.get("sample_weight")
        if isinstance(given, dict):
            found = [given.get(n) for n in self.output_order]
            kwargs["sample_weight"] = found if len(found) > 1 else found[0]
        return kwargs

    def fit(self, data: dict[str, Any], batch_size: int = 128, nb_epoch: int = 100, **kwargs: Any) -> Any:
        """Trains on arrays by the names of inputs and outputs.

        Args:
            data: dict of arrays.
            batch_size: int. Defaults to 128.
            nb_epoch: int. Defaults to 100.
            **kwargs: as for ``Model.fit``.
        """
        validation = kwargs.get("validation_data")
        if isinstance(validation, dict):
            kwargs["validation_data"] = self._split(validation)
        x, y = self._split(data)
        return self.model.fit(x, y, batch_size=batch_size, epochs=nb_epoch, **self._with_weights(kwargs))

    def evaluate(self, data: dict[str, Any], batch_size: int = 128, **kwargs: Any) -> Any:
        """The loss over arrays by name.

        Args:
            data: dict of arrays.
            batch_size: int. Defaults to 128.
            **kwargs: as for ``Model.evaluate``.
        """
        return self.model.evaluate(*self._split(data), batch_size=batch_size, **self._with_weights(kwargs))

    def train_on_batch(self, data: dict[str, Any], **kwargs: Any) -> Any:
        """One update from arrays by name.

        Args:
            data: dict of arrays.
            **kwargs: as for ``Model.train_on_batch``.
        """
        return self.model.train_on_batch(*self._split(data), **self._with_weights(kwargs))

    def predict(self, data: dict[str, Any], batch_size: int = 128, verbose: int = 0) -> dict[str, Any]:
        """The outputs by name.

        Args:
            data: dict of arrays.
            batch_size: int. Defaults to 128.
            verbose: int. Defaults to 0.
        """
        found = self.model.predict(self._split(data, with_labels=False)[0], batch_size=batch_size, verbose=verbose)
        return dict(zip(self.output_order, found if isinstance(found, list) else [found]))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or self.__dict__.get("model") is None:
            raise AttributeError(f"The graph has no {name!r} before it is compiled.")
        return getattr(self.model, name)
