"""Quantized weights and low-rank adapters of layers: their kernels are replaced by variables that are computed.

``call`` of the layer is not changed. It reads ``self.kernel`` as ever, and gets floats: the integers times their scale,
or the frozen kernel plus the product of two small matrices. A kernel of bytes that is handed to ``ops.matmul`` or
``ops.einsum`` multiplies itself, in integers.
"""

from __future__ import annotations

from typing import Any

from amalthea import checks, docstrings, dtype_policies, initializers, loading, quantizers
from amalthea.engine import dtypes
from amalthea.engine.ir.computed import ComputedVariable
from amalthea.engine.ir.variable import Variable
from amalthea.engine.types import ShapeLike
from amalthea.errors import ArgumentError
from amalthea.layers import building
from amalthea.layers.quantized_files import config_for, with_zero_points
from amalthea.quantizers.calibrated_variables import AWQVariable, CalibratedVariable, GPTQVariable
from amalthea.quantizers.float8_variable import Float8Variable
from amalthea.quantizers.variables import Int4Variable, Int8Variable, LowRankVariable, QuantizedVariable

_VARIABLES = {
    "int8": Int8Variable, "int4": Int4Variable, "gptq": GPTQVariable, "awq": AWQVariable, "float8": Float8Variable,
}  # fmt: skip
_CONFIGS = {
    "int8": quantizers.Int8QuantizationConfig,
    "int4": quantizers.Int4QuantizationConfig,
    "float8": quantizers.Float8QuantizationConfig,
}

docstrings.share(
    "adapters",
    """
    lora_rank: int, at least 1; rank of a product that is added to the weights and trained in their place, see
        ``enable_lora``. Defaults to None, which trains the weights themselves.
    lora_alpha: float; the product is multiplied by ``lora_alpha / lora_rank``. Defaults to None, which is the rank.
    quantization_config: QuantizationConfig; how weights are quantized if ``dtype`` is a quantized policy. Defaults to
        None, which takes the default of the mode.
    """,
)


def resolved_config(mode: Any, config: Any) -> Any:
    """Returns the configuration for arguments of ``quantize``; raises :class:`ArgumentError` for other modes."""
    mode, config = (config, None) if isinstance(config, str) else (mode, config)
    if config is not None and not isinstance(config, quantizers.QuantizationConfig):
        raise ArgumentError(
            "`config` of quantize is a QuantizationConfig.",
            got=repr(config),
            cure="config=quantizers.Int8QuantizationConfig()",
        )
    wanted = mode if mode is not None else config.mode if config is not None else None
    if wanted not in dtype_policies.MODES:
        raise ArgumentError(
            "This quantization does not exist.",
            expected=", ".join(map(repr, dtype_policies.MODES)),
            got=repr(wanted),
            cure='mode="int8"',
        )
    if config is not None and config.mode != wanted:
        raise ArgumentError("`mode` and `config` of quantize contradict.", expected=config.mode, got=wanted)
    if config is None and wanted not in _CONFIGS:
        kind = quantizers.GPTQConfig if wanted == "gptq" else quantizers.AWQConfig
        raise ArgumentError(
            f"The quantization {wanted!r} looks at examples, which its configuration holds.",
            expected=f"config=quantizers.{kind.__name__}(dataset, tokenizer)",
            got="no config",
            cure=f"model.quantize(config=quantizers.{kind.__name__}(dataset, tokenizer))",
        )
    return config or _CONFIGS[wanted]()


def _policy(config: Any, policy: Any) -> Any:
    """Returns the dtype policy of a quantized layer."""
    mode, source = config.mode, getattr(policy, "source_name", policy.name)
    if mode == "int4":
        mode = f"int4/{-1 if config.block_size is None else config.block_size}"
    if mode in ("gptq", "awq"):
        mode = config.dtype_policy_string()
    if mode == "float8" and hasattr(policy, "amax_history_length"):
        return policy
    return dtype_policies.get(f"{mode}_from_{source}")


class Adaptation:
    """The part of :class:`Layer` that replaces kernels."""

    name: str
    path: str
    built: bool
    dtype_policy: Any
    build: Any
    call: Any
    add_weight: Any
    _own: list[Variable]
    _tracked: Any
    _own_variables: Any
    _quantized_by_default = False  # whether `Model.quantize` includes it without being asked by filters

    def _input_axes(self, variable: Variable) -> tuple[int, ...]:
        """Returns the axes of a kernel over which a product sums: a scale is shared along them."""
        return tuple(range(len(variable.shape) - 1))

    def _scale_layout(self, variable: Variable) -> tuple[int | None, ...]:
        """Returns for each axis of the stored scale the axis of the kernel, or None for one of size 1."""
        return tuple(axis for axis in range(len(variable.shape)) if axis not in self._input_axes(variable))

    @property
    def _is_adapted(self) -> bool:
        """Whether a kernel is quantized or has an adapter."""
        return bool(self._tracked(ComputedVariable))

    def _kernels(self) -> list[Variable]:
        """Returns the weights that quantization replaces: floats of 2 or more axes that are not biases."""
        own = [v for v in self._tracked(Variable) if not isinstance(v, ComputedVariable)]
        return [v for v in own if len(v.shape) > 1 and dtypes.is_float(v.dtype) and not v.name.endswith("bias")]

    @property
    def quantization_mode(self) -> str | None:
        """The name of the quantization of the weights, such as ``"int8"``; None without one."""
        return self._own_policy.quantization_mode

    @property
    def _own_policy(self) -> Any:
        policy = self.dtype_policy
        return policy[self.path] if isinstance(policy, dtype_policies.DTypePolicyMap) else policy

    def quantize(self, mode: str | None = None, type_check: bool = True, config: Any = None) -> None:
        """Stores the kernels of the layer as integers; :meth:`Model.quantize` says what runs in integers then.

        Kernels are the weights of 2 or more axes that are not biases. They are not trained any more. A file of the
        layer holds the integers and their scale.

        Args:
            mode: str; ``"int8"``, ``"int4"`` or ``"float8"``. Defaults to None, which takes the mode of ``config``.
            type_check: bool; accepted as in Keras, and without effect: subclasses are quantized too.
            config: QuantizationConfig; options of the mode. Defaults to None, which takes the default of the mode.

        Raises:
            NotBuiltError: the layer is not built yet.
            ArgumentError: the mode is not offered, the layer has no kernel, or is quantized or has adapters already.

        Example:
            >>> from amalthea import layers
            >>> dense = layers.Dense(3)
            >>> dense.build((None, 4))
            >>> dense.quantize("int8")
            >>> [(v.name, v.dtype) for v in dense.weights], dense.dtype_policy.name
            ([('bias', 'float32'), ('kernel', 'int8'), ('kernel_scale', 'float32')], 'int8_from_float32')
        """
        config = resolved_config(mode, config)
        building.require_built(self)
        if config.mode in ("gptq", "awq"):
            raise ArgumentError(
                f"The quantization {config.mode!r} looks at the inputs of a layer, so it begins at the model.",
                expected=f"Model.quantize({config.mode!r}, config)",
                got=f"Layer.quantize of '{self.name}'",
                cure="model.quantize(config=config, filters=...)",
            )
        adapted = self._is_adapted
        if adapted or not self._kernels():
            raise ArgumentError(
                f"Layer '{self.name}' "
                + ("is quantized or has adapters already." if adapted else "has no kernel to quantize."),
                expected="quantize before enable_lora, and once" if adapted else "a weight with 2 or more axes",
            )
        self._quantize(config)

    def _quantize(self, config: Any, seen: Any = None) -> None:
        """Quantizes every kernel; ``seen`` maps their ids to the statistics of a calibration."""
        self.dtype_policy = _policy(config, self._own_policy)
        if "quantization_config" in vars(self):  # an argument of the constructor
            setattr(self, "quantization_config", config)  # noqa: B010  # not an attribute of every layer
        for variable in self._kernels():
            arguments = [variable, self._input_axes(variable), self._scale_layout(variable), config, self._make]
            if config.mode == "float8":
                arguments.append(self._own_policy.amax_history_length)
            if seen is not None:
                arguments.append(seen[id(variable)])
            self._replace(variable, _VARIABLES[config.mode](*arguments))

    def _make(self, name: str, shape: Any, dtype: str, initializer: str, is_overwritten: bool = False) -> Variable:
        """Creates a variable behind a kernel, and an attribute for it, under its name unless that is the kernel's."""
        made = self.add_weight(
            shape, initializer, dtype, trainable=is_overwritten, autocast=False, name=name,
            overwrite_with_gradient=is_overwritten,
        )  # fmt: skip
        if dtype == "uint8" and not name.endswith("_zero"):
            setattr(self, f"quantized_{name}", made)
        elif dtype != "int8" or name.endswith("_zero"):
            setattr(self, name, made)
        return made

    def _replace(self, variable: Variable, computed: Any) -> None:
        """Puts a computed variable into the attribute of a variable, and its first source into its place in files."""
        name = next(name for name, value in vars(self).items() if value is variable and name != "_own")
        first = computed._sources[0]
        if not getattr(computed, "_takes_position", True):
            self._own = [v for v in self._own if v is not variable]
        elif any(v is variable for v in self._own) and first is not variable:
            self._own = [first if v is variable else v for v in self._own if v is not first]
        setattr(self, name, computed)

    def _adapt_built(self) -> None:
        """Quantizes the kernels of a layer that was just built with a quantized policy."""
        mode, policy = self.quantization_mode, self._own_policy
        if mode is None or self._tracked(QuantizedVariable, Float8Variable) or not self._kernels():
            return
        config = getattr(self, "quantization_config", None)
        if config is None and mode == "int4":
            config = quantizers.Int4QuantizationConfig(block_size=getattr(policy, "block_size", None))
        if config is None and mode == "gptq":
            config = quantizers.GPTQConfig(None, None, weight_bits=policy.weight_bits, group_size=policy.group_size)
        if config is None and mode == "awq":
            config = quantizers.AWQConfig(None, None, group_size=policy.group_size)
        self._quantize(resolved_config(mode, config))

    def quantized_build(self, input_shape: ShapeLike, mode: str) -> None:
        """Builds the layer with quantized kernels; a layer that is built already is quantized.

        Args:
            input_shape: tuple of int and None; shape of the input with the batch.
            mode: str; ``"int8"``, ``"int4"`` or ``"float8"``.

        Raises:
            ArgumentError: as in :meth:`quantize`.

        Example:
            >>> from amalthea import layers
            >>> dense = layers.Dense(3)
            >>> dense.quantized_build((None, 4), "int8")
            >>> dense.quantization_mode
            'int8'
        """
        resolved_config(mode, None)
        if not self.built:
            self.build(input_shape)
        self.quantize(mode)

    def quantized_call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the output with quantized kernels; the same as ``call``.

        Args:
            *args: arguments of ``call``.
            **kwargs: arguments of ``call`` by name.

        Shapes: those of ``call``, such as ``(batch, features) -> (batch, units)`` for Dense.

        Raises:
            ArgumentError: the layer is not quantized.

        Example:
            >>> import numpy as np
            >>> from amalthea import layers
            >>> dense = layers.Dense(3)
            >>> dense.quantized_build((None, 4), "int8")
            >>> tuple(dense.quantized_call(np.ones((2, 4), "float32")).shape)
            (2, 3)
        """
        if self.quantization_mode is None:
            raise ArgumentError(f"Layer '{self.name}' is not quantized.", cure="layer.quantize('int8')")
        return self.call(*args, **kwargs)

    # ------------------------------------------------------------------------------------------- files

    def _stored_variables(self) -> list[Variable]:
        """Returns the variables that a file of an adapted layer holds, in the order of Keras; others as they are."""
        if not self._is_adapted:
            return self._own_variables()
        adapters = [v for x in self._tracked(LowRankVariable) for v in (x._a, x._b)]
        return [v for v in self._own if not any(v is x for x in adapters)]

    def _stored_values(self) -> list[Any]:
        """Returns their values, with products of low rank added to the kernels."""
        merged = {id(v): value for x in self._tracked(LowRankVariable) for v, value in x._merged().items()}
        return [merged.get(id(v), v) for v in self._stored_variables()]

    def _quantize_like(self, store: Any) -> None:
        """Quantizes a layer inside another one as a model file says; its configuration is that of the outer one."""
        kernels = self._kernels()
        if loading.reading.get() is None or self._is_adapted or not kernels:
            return
        config = config_for(store, self._own_variables(), kernels, self._input_axes(kernels[0]))
        if config is not None:
            self._quantize(config)

    def _complete(self, store: Any) -> Any:
        """Returns a store of the layer's values with zero points that Keras left out."""
        found, stored = self._tracked(CalibratedVariable), self._stored_variables()
        lacks_zeros = len(found) == 1 and len(store.keys()) == len(stored) - 1
        return with_zero_points(store, stored, found[0], self.name) if lacks_zeros else store

    def _restart_adapters(self) -> None:
        """Begins products of low rank at 0 again, since the kernel of a file has them in it."""
        for computed in self._tracked(LowRankVariable):
            computed._a.assign(initializers.get("he_uniform")(computed._a.shape, dtype=computed._a.dtype))
            computed._b.assign(initializers.get("zeros")(computed._b.shape, dtype=computed._b.dtype))


class LowRank:
    """The part of layers with one kernel that offers adapters of low rank."""

    name: str
    built: bool
    add_weight: Any
    get_weights: Any
    _tracked: Any
    _kernels: Any
    _replace: Any
    lora_rank: int | None = None
    lora_alpha: float | None = None

    def _take_rank(self, options: dict[str, Any]) -> None:
        """Takes ``lora_rank`` and ``lora_alpha``, which Keras writes into files of layers that do not name them."""
        for name, check in (("lora_rank", checks.positive_int), ("lora_alpha", checks.finite_number)):
            vars(self)[name] = checks.optional(check)(options.pop(name, None), name, type(self).__name__)

    @property
    def lora_enabled(self) -> bool:
        """Whether an adapter of low rank is trained in place of the kernel."""
        return bool(self._tracked(LowRankVariable))

    def enable_lora(
        self,
        rank: int,
        lora_alpha: float | None = None,
        a_initializer: Any = "he_uniform",
        b_initializer: Any = "zeros",
    ) -> None:
        """Freezes the kernel, and trains two small matrices whose product is added to it.

        ``kernel + lora_alpha / rank * (a @ b)``. Files hold the sum; after loading, training goes on with a new
        product.

        Args:
            rank: int, at least 1; size of the axis between the two.
            lora_alpha: float; factor of the product, divided by the rank. Defaults to None, which is the rank.
            a_initializer: str, Initializer or function; starting values of ``a``. Defaults to ``"he_uniform"``.
            b_initializer: str, Initializer or function; starting values of ``b``. Defaults to ``"zeros"``, with which
                the layer computes as before.

        Shapes: ``a`` is ``(*kernel.shape[:-1], rank)``, ``b`` is ``(rank, kernel.shape[-1])``.

        Raises:
            NotBuiltError: the layer is not built yet.
            ArgumentError: the layer has an adapter already, the kernel has a constraint, or the rank is not positive.

        Example:
            >>> from amalthea import layers
            >>> dense = layers.Dense(3)
            >>> dense.build((None, 4))
            >>> dense.enable_lora(2)
            >>> [(v.name, v.shape) for v in dense.trainable_weights]
            [('bias', (3,)), ('lora_kernel_a', (4, 2)), ('lora_kernel_b', (2, 3))]

        Source: Hu and others, "LoRA: low-rank adaptation of large language models", 2021.
        """
        checks.positive_int(rank, "rank", "enable_lora")
        checks.optional(checks.finite_number)(lora_alpha, "lora_alpha", "enable_lora")
        starts = [initializers.get(a_initializer), initializers.get(b_initializer)]
        building.require_built(self)
        if self.lora_enabled:
            raise ArgumentError(f"Layer '{self.name}' has an adapter already.", expected="one call of enable_lora")
        if self._tracked(Float8Variable):
            raise ArgumentError(
                f"Layer '{self.name}' is trained in floats of 8 bits, which does not go with an adapter.",
                cure="enable_lora on a layer of floats, int8 or int4",
            )
        kernel = (self._tracked(QuantizedVariable) or self._kernels())[0]
        if getattr(self, f"{kernel.name}_constraint", None) is not None:
            raise ArgumentError(
                f"The constraint of the kernel of '{self.name}' does not go with an adapter.",
                cure=f"{kernel.name}_constraint=None",
            )
        shapes = ((*kernel.shape[:-1], rank), (rank, kernel.shape[-1]))
        made = []
        for end, shape, start in zip("ab", shapes, starts):
            name = f"lora_{kernel.name}_{end}"
            made.append(self.add_weight(shape, start, "float32", regularizer=kernel.regularizer, name=name))
            setattr(self, name, made[-1])
        self.lora_rank, self.lora_alpha = rank, rank if lora_alpha is None else lora_alpha
        self._replace(kernel, LowRankVariable(kernel, made[0], made[1], self.lora_alpha / rank))
        for source in kernel._sources:
            source.trainable = False

    def _adapt_built(self) -> None:
        super()._adapt_built()  # type: ignore[misc]
        if self.lora_rank and not self.lora_enabled:
            self.enable_lora(self.lora_rank, self.lora_alpha)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, with the rank of an adapter that was added since."""
        config = super().get_config()  # type: ignore[misc]
        return {**config, "lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha} if self.lora_rank else config
