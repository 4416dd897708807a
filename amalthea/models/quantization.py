"""``Model.quantize``: the layers whose kernels are quantized, found by type or by filters."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any, cast

from amalthea.errors import ArgumentError
from amalthea.layers import adaptation, building
from amalthea.layers.embedding import Embedding
from amalthea.models.calibration import quantize_blocks

Filters = str | Sequence[str] | Callable[[Any], bool]


class Quantization:
    """The part of :class:`Model` that quantizes layers."""

    name: str
    _flatten_layers: Any
    _follow_adapted: Any

    def quantize(
        self, mode: str | None = None, config: Any = None, filters: Filters | None = None, **kwargs: Any
    ) -> None:
        """Stores kernels of layers as integers of 2 to 8 bits, or trains them with products in floats of 8 bits.

        Files and memory of the weights shrink to about a quarter or an eighth. With ``"int8"``, products with a kernel
        run in integers: the inputs are quantized too, one scale for each row, and the bytes are summed in int32. That
        holds for ``ops.matmul``, ``ops.einsum``, ``ops.tensordot`` and convolutions by a window of one element,
        whatever layer calls them with its kernel; larger windows and ``"int4"`` widen the kernel to floats in every
        step. Outside of compiled calls, ``x @ self.kernel`` of a TensorFlow or JAX array is that library's product of
        floats.

        ``"gptq"`` and ``"awq"`` choose the integers of 4 bits so that the outputs change little for the inputs that a
        kernel meets in calibration, where ``"int4"`` rounds each weight by itself. They go through the blocks of the
        model (see :class:`GPTQConfig`); layers outside of blocks stay as they are. ``"float8"`` keeps the weights, and
        rounds inputs, weights and cotangents of each product; it is for training.

        A compiled model can be trained on: the optimizer keeps the slots of the variables that remain.

        Without filters, the kernels of ``Dense``, ``EinsumDense``, ``Embedding`` and ``ReversibleEmbedding`` layers are
        quantized, also inside other layers; without the two embeddings for the three other modes. With filters, those
        of every layer that they choose, of whatever class.

        Args:
            mode: str; ``"int8"``, ``"int4"``, ``"gptq"``, ``"awq"`` or ``"float8"``. Defaults to None, which takes the
                mode of ``config``.
            config: QuantizationConfig; options of the mode. Defaults to None, which takes the default of the mode;
                gptq and awq need theirs, with a data set.
            filters: str, list of str, or function; regular expressions that are searched for in the names of layers, or
                a function from layer to bool. Defaults to None.
            **kwargs: ``type_check``; accepted as in Keras, and without effect.

        Raises:
            NotBuiltError: the model is not built yet.
            ArgumentError: an argument is not offered, a chosen layer is quantized or has adapters already, or the data
                set does not fit. Nothing was quantized then.

        Example:
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((4,)), layers.Dense(8, name="first"), layers.Dense(2, name="last")])
            >>> model.quantize("int8", filters="first")
            >>> [layer.quantization_mode for layer in model.layers]
            ['int8', None]
        """
        kwargs.pop("type_check", None)
        if kwargs:
            raise ArgumentError(
                "Model.quantize has no such argument.", got=", ".join(kwargs), cure="mode, config, filters"
            )
        config = adaptation.resolved_config(mode, config)
        chosen = _chooser(filters, config.mode)
        building.require_built(self)
        found = [layer for layer in self._flatten_layers() if layer.built and layer._kernels() and chosen(layer)]
        adapted = [x for x in self._flatten_layers() if x._is_adapted and chosen(x)]
        if adapted:
            raise ArgumentError(
                f"Layer '{adapted[0].name}' is quantized or has adapters already.",
                expected="layers with kernels of floats",
                cure=f"filters=lambda layer: layer.name != {adapted[0].name!r}",
            )
        if found and config.mode in ("gptq", "awq"):
            quantize_blocks(self, config, chosen)
        elif not found:
            warnings.warn(
                f"Model '{self.name}' has no layer to quantize among those that were asked for.", stacklevel=2
            )
        else:
            for layer in found:
                layer._quantize(config)
        self._follow_adapted()

    def get_quantization_layer_structure(self, mode: str | None = None) -> dict[str, Any] | None:
        """Returns the blocks of the model for methods that quantize block by block; a subclass may override it.

        Args:
            mode: str; the method, such as ``"gptq"``. Defaults to None.

        Returns: dict with ``pre_block_layers`` and ``sequential_blocks``, or None, as here.

        Example:
            >>> from amalthea import Sequential
            >>> print(Sequential().get_quantization_layer_structure())
            None
        """
        return None

    def _calibrated_blocks(self) -> list[Any]:
        """The blocks of a model without a structure of its own: one, or the layers of a ``Sequential``."""
        return [self]


def _chooser(filters: Any, mode: str) -> Callable[[Any], bool]:
    """Returns the function that tells whether a layer is quantized."""
    if filters is None:
        takes_tables = mode in ("int8", "int4")
        return lambda layer: layer._quantized_by_default and (takes_tables or not isinstance(layer, Embedding))
    if callable(filters):
        return lambda layer: bool(cast("Callable[[Any], bool]", filters)(layer))
    patterns = [filters] if isinstance(filters, str) else filters
    if not isinstance(patterns, (list, tuple)) or not all(isinstance(pattern, str) for pattern in patterns):
        raise ArgumentError(
            "`filters` of Model.quantize are regular expressions, or a function of a layer.",
            expected="str, list of str, or callable",
            got=repr(filters),
            cure='filters="dense"',
        )
    try:
        compiled = [re.compile(pattern) for pattern in patterns]
    except re.error as error:
        raise ArgumentError(
            "A filter of Model.quantize is not a regular expression.", got=f"{error.pattern!r}: {error}"
        ) from None
    return lambda layer: any(pattern.search(layer.name) for pattern in compiled)
