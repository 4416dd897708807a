"""Configurations of ``quantize``: the quantizers of weights and activations, and the options of a method."""

from __future__ import annotations

from typing import Any

from amalthea import checks, docstrings
from amalthea.configurable import Configurable
from amalthea.errors import ArgumentError
from amalthea.quantizers.absolute_maximum import AbsMaxQuantizer, Quantizer, registry


class QuantizationConfig(Configurable, registry=registry):
    """Base class of configurations of ``quantize``.

    Args:
        weight_quantizer: Quantizer; quantizes the weights. Defaults to None, which takes the default of the mode.
        activation_quantizer: Quantizer; quantizes inputs of layers. Defaults to None, which leaves them as they are.

    Example:
        >>> from amalthea import quantizers
        >>> quantizers.Int8QuantizationConfig().mode
        'int8'
    """

    def __init__(self, weight_quantizer: Quantizer | None = None, activation_quantizer: Quantizer | None = None):
        self.weight_quantizer, self.activation_quantizer = weight_quantizer, activation_quantizer
        for name in ("weight_quantizer", "activation_quantizer"):
            value = getattr(self, name)
            if value is not None and not callable(value):
                raise ArgumentError(
                    f"`{name}` of {type(self).__name__} is a Quantizer.",
                    expected="AbsMaxQuantizer(...) or None",
                    got=repr(value),
                    cure=f"{name}=AbsMaxQuantizer()",
                )

    @property
    def mode(self) -> str:
        """The name of the quantization, such as ``"int8"``."""
        raise NotImplementedError(f"{type(self).__name__} has no mode: use a class such as Int8QuantizationConfig.")


def _activation_quantizer(value: Any, default: Quantizer | None) -> Any:
    return default if isinstance(value, str) and value == "default" else value


def _check_weight_quantizer(config: Any, value_range: tuple[int, int] | None) -> None:
    """Raises :class:`ArgumentError` for a quantizer of weights whose integers the mode cannot store."""
    quantizer = config.weight_quantizer
    kind = type(config).__name__
    if quantizer is None:
        return
    if getattr(quantizer, "output_dtype", None) != "int8":
        raise ArgumentError(
            f"`weight_quantizer` of {kind} gives int8.",
            expected="output_dtype='int8'",
            got=repr(getattr(quantizer, "output_dtype", None)),
        )
    if value_range is not None and tuple(quantizer.value_range) != value_range:
        raise ArgumentError(
            f"`weight_quantizer` of {kind} has another range than its integers.",
            expected=f"value_range={value_range}",
            got=quantizer.value_range,
        )


class Int8QuantizationConfig(QuantizationConfig):
    """Configuration of ``quantize`` for weights of 8 bits.

    Args:
        weight_quantizer: Quantizer with ``output_dtype="int8"``. Defaults to None, an :class:`AbsMaxQuantizer` over the
            input axes of the kernel.
        activation_quantizer: AbsMaxQuantizer or None; quantizes the inputs of a product with the kernel, which then
            runs in integers. With None, or a quantizer of your own, the product takes floats. Defaults to
            ``"default"``, an :class:`AbsMaxQuantizer` over the summed axes.

    Raises:
        ArgumentError: the quantizer of weights gives another dtype.

    Example:
        >>> from amalthea import quantizers
        >>> quantizers.Int8QuantizationConfig().activation_quantizer.value_range
        (-127, 127)
    """

    def __init__(self, weight_quantizer: Quantizer | None = None, activation_quantizer: Any = "default"):
        super().__init__(weight_quantizer, _activation_quantizer(activation_quantizer, AbsMaxQuantizer()))
        _check_weight_quantizer(self, None)

    mode = property(lambda self: "int8", doc="``int8``.")


class Int4QuantizationConfig(QuantizationConfig):
    """Configuration of ``quantize`` for weights of 4 bits, two in a byte.

    Args:
        weight_quantizer: Quantizer with ``value_range=(-8, 7)`` and ``output_dtype="int8"``; only without groups.
            Defaults to None, an :class:`AbsMaxQuantizer` over the input axes of the kernel.
        activation_quantizer: Quantizer or None; only without groups, and kept for files. Defaults to ``"default"``,
            which is None.
        block_size: int; rows of the kernel that share a scale and a zero point. None or -1 give one scale to each
            output. Defaults to 128.

    Raises:
        ArgumentError: the block size is not positive, a quantizer is given with groups, or one for weights does not
            fit.

    Example:
        >>> from amalthea import quantizers
        >>> quantizers.Int4QuantizationConfig(block_size=None).block_size is None
        True
    """

    def __init__(
        self,
        weight_quantizer: Quantizer | None = None,
        activation_quantizer: Any = "default",
        block_size: int | None = 128,
    ):
        super().__init__(weight_quantizer, _activation_quantizer(activation_quantizer, None))
        if block_size is not None and block_size != -1:
            checks.positive_int(block_size, "block_size", "Int4QuantizationConfig")
            if self.weight_quantizer is not None or self.activation_quantizer is not None:
                raise ArgumentError(
                    "Groups of rows do not take quantizers of your own.",
                    expected="block_size=None beside a quantizer",
                    got=f"block_size={block_size}",
                    cure="block_size=None",
                )
        self.block_size = block_size
        _check_weight_quantizer(self, (-8, 7))

    mode = property(lambda self: "int4", doc="``int4``.")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Int4QuantizationConfig:
        """Creates the configuration from what ``get_config`` returned.

        Args:
            config: dict; files from before groups existed have no ``block_size``, which then is None.

        Example:
            >>> from amalthea import quantizers
            >>> quantizers.Int4QuantizationConfig.from_config({}).block_size is None
            True
        """
        return super().from_config({"block_size": None, **config})


class Float8QuantizationConfig(QuantizationConfig):
    """Configuration of ``quantize`` for training with products in floats of 8 bits.

    Inputs and weights of a product are rounded to ``float8_e4m3fn``, and cotangents of its outputs to ``float8_e5m2``,
    each with a scale that follows the largest magnitudes of the last steps. The weights stay in their dtype. In loops
    that use a library's own gradients (``loss.backward()``, ``tf.GradientTape``, ``jax.grad``), scales do not change.

    Example:
        >>> from amalthea import Sequential, layers, quantizers
        >>> model = Sequential([layers.Input((4,)), layers.Dense(2)])
        >>> model.quantize(config=quantizers.Float8QuantizationConfig())
        >>> [v.name for v in model.trainable_weights][1:4]
        ['bias', 'inputs_scale', 'inputs_amax_history']

    Source: Micikevicius and others, "FP8 formats for deep learning", 2022; NVIDIA, Transformer Engine.
    """

    def __init__(self) -> None:
        super().__init__(None, None)

    mode = property(lambda self: "float8", doc="``float8``.")


docstrings.share(
    "calibration",
    """
    dataset: iterable of texts, of arrays of tokens (integers), or of arrays of floats, for calibration. Texts and
        tokens are joined, and cut into ``num_samples`` windows of ``sequence_length``; of floats, each array is an
        example of a batch. It is not part of the configuration's data.
    tokenizer: callable from text to tokens, or an object whose ``tokenize`` is; None if there are no texts. It is not
        part of the configuration's data.
    """,
)
docstrings.share(
    "calibration lengths",
    """
    num_samples: int, at least 1; examples of the calibration. Defaults to 128.
    sequence_length: int, at least 1; tokens of an example. Defaults to 512.
    group_size: int, at least 1; inputs that share a scale. -1 makes one group. Defaults to 128.
    """,
)
docstrings.share(
    "blocks of a model",
    """
    quantization_layer_structure: dict of lists of layers; ``"sequential_blocks"`` are quantized in turn, each with the
        outputs of the one before as its inputs, and ``"pre_block_layers"`` make the inputs of the first. It is not
        part of the configuration's data. Defaults to None, which takes ``Model.get_quantization_layer_structure``;
        without that, the layers of a Sequential are the blocks, and any other model is one block.
    """,
)

_SIZES = {"num_samples": checks.positive_int, "sequence_length": checks.positive_int}


def _check_method(config: Any, bits: tuple[int, ...]) -> None:
    kind = type(config).__name__
    if config.weight_bits not in bits:
        raise ArgumentError(
            f"`weight_bits` of {kind} is not supported.",
            expected=" or ".join(map(str, bits)),
            got=config.weight_bits,
            cure="weight_bits=4",
        )
    if config.group_size != -1:
        checks.either(checks.positive_int, -1)(config.group_size, "group_size", kind)


class _Calibrated(QuantizationConfig):
    """The base of methods that look at examples to quantize."""

    _not_in_config = ("dataset", "tokenizer", "quantization_layer_structure")

    def get_config(self) -> dict[str, Any]:
        """Returns the options as plain data, without the data set, the tokenizer and the layers of the structure."""
        return {"dataset": None, "tokenizer": None, **super().get_config(), "quantization_layer_structure": None}

    def dtype_policy_string(self) -> str:
        """Returns the beginning of the name of the dtype policy, such as ``"gptq/4/128"``."""
        return f"{self.mode}/{getattr(self, 'weight_bits', 4)}/{getattr(self, 'group_size', -1)}"


class GPTQConfig(_Calibrated):
    """Configuration of GPTQ, which quantizes a layer's weights one by one and corrects those that remain.

    Each column of weights is rounded, and the columns that remain are changed so that the outputs of the layer change
    least, for the inputs of the calibration.

    Args:
        |calibration|
        weight_bits: int; 2, 3, 4 or 8; files have two integers of 4 bits in a byte, and one of the others. Defaults
            to 4.
        per_channel: bool; whether each output has its own scale. Defaults to True.
        |calibration lengths|
        hessian_damping: float, 0 to 1; share of the mean added to the diagonal of the Hessian. Defaults to 0.01.
        symmetric: bool; whether the range lies evenly around 0. Defaults to False.
        activation_order: bool; whether weights of large inputs come first. Defaults to False.
        |blocks of a model|

    Raises:
        ArgumentError: an option is out of its range.

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, layers, quantizers
        >>> model = Sequential([layers.Input((4,)), layers.Dense(2)])
        >>> model.quantize(config=quantizers.GPTQConfig(np.eye(4, dtype="float32"), None, weight_bits=8))
        >>> model.layers[0].dtype_policy.name
        'gptq/8/128_from_float32'

    Source: Frantar and others, "GPTQ: accurate post-training quantization for generative pre-trained transformers",
        2022.
    """

    _argument_checks = {**_SIZES, "hessian_damping": checks.share}

    def __init__(
        self,
        dataset: Any,
        tokenizer: Any,
        *,
        weight_bits: int = 4,
        num_samples: int = 128,
        per_channel: bool = True,
        sequence_length: int = 512,
        hessian_damping: float = 0.01,
        group_size: int = 128,
        symmetric: bool = False,
        activation_order: bool = False,
        quantization_layer_structure: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.dataset, self.tokenizer = dataset, tokenizer
        self.weight_bits, self.num_samples, self.per_channel = weight_bits, num_samples, per_channel
        self.sequence_length, self.hessian_damping, self.group_size = sequence_length, hessian_damping, group_size
        self.symmetric, self.activation_order = symmetric, activation_order
        self.quantization_layer_structure = quantization_layer_structure
        _check_method(self, (2, 3, 4, 8))

    mode = property(lambda self: "gptq", doc="``gptq``.")


class AWQConfig(_Calibrated):
    """Configuration of AWQ, which scales the weights of large inputs before it quantizes them to 4 bits.

    The scale of an input is a power of its mean magnitude; of several powers the one is taken whose rounded weights
    change the outputs of the layer least, for the inputs of the calibration.

    Args:
        |calibration|
        weight_bits: int; 4, the only number of bits. Defaults to 4.
        |calibration lengths|
        num_grid_points: int, at least 1; scales that are tried. Defaults to 20.
        |blocks of a model|

    Raises:
        ArgumentError: an option is out of its range.

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, layers, quantizers
        >>> model = Sequential([layers.Input((4,)), layers.Dense(2)])
        >>> model.quantize(config=quantizers.AWQConfig(np.eye(4, dtype="float32"), None, group_size=2))
        >>> [(v.name, v.shape) for v in model.weights][-2:]
        [('awq_scales', (4,)), ('g_idx', (4,))]

    Source: Lin and others, "AWQ: activation-aware weight quantization", 2023.
    """

    _argument_checks = {**_SIZES, "num_grid_points": checks.positive_int}

    def __init__(
        self,
        dataset: Any,
        tokenizer: Any,
        *,
        weight_bits: int = 4,
        num_samples: int = 128,
        sequence_length: int = 512,
        group_size: int = 128,
        num_grid_points: int = 20,
        quantization_layer_structure: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.dataset, self.tokenizer = dataset, tokenizer
        self.weight_bits, self.num_samples, self.sequence_length = weight_bits, num_samples, sequence_length
        self.group_size, self.num_grid_points = group_size, num_grid_points
        self.quantization_layer_structure = quantization_layer_structure
        _check_method(self, (4,))

    mode = property(lambda self: "awq", doc="``awq``.")
