"""Dtype policies: the dtype of a layer's computations, and the dtype of its weights.

Dense(10, dtype="bfloat16"), Dense(10, dtype="mixed_float16"), dtype_policies.set_dtype_policy("mixed_bfloat16")
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, Union

from amalthea import checks, config, docstrings, ops
from amalthea.configurable import Configurable, Registry, auto_name, renamed
from amalthea.engine import dtypes
from amalthea.engine.types import DTypeLike, TensorLike
from amalthea.errors import ArgumentError, DtypeError, nearest

__all__ = [
    "AWQDTypePolicy",
    "DTypePolicy",
    "DTypePolicyMap",
    "FloatDTypePolicy",
    "GPTQDTypePolicy",
    "Int4DTypePolicy",
    "QuantizedDTypePolicy",
    "QuantizedFloat8DTypePolicy",
    "deserialize",
    "dtype_policy",
    "get",
    "serialize",
    "set_dtype_policy",
]

registry = Registry("dtype_policies", "dtype policy")

PolicyLike: TypeAlias = Union[DTypeLike, "DTypePolicy", "DTypePolicyMap", Mapping[str, Any]]

_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


class DTypePolicy(Configurable, registry=registry):
    """Dtype of a layer's computations and dtype of its weights, under one name.

    Args:
        name: str or None; name of a dtype, which serves computations and weights; or ``"mixed_float16"`` or
            ``"mixed_bfloat16"``, which compute in half precision and keep the weights in float32. Defaults to None,
            which takes the name of the current default policy (see :func:`set_dtype_policy`).

    Raises:
        ArgumentError: no dtype or mixed policy has this name.

    Example:
        >>> from amalthea.dtype_policies import DTypePolicy
        >>> policy = DTypePolicy("mixed_bfloat16")
        >>> policy.compute_dtype, policy.variable_dtype
        ('bfloat16', 'float32')
    """

    name: str = docstrings.attribute("The name of the policy.")
    compute_dtype: str = docstrings.attribute("The dtype of a layer's computation; floating inputs are cast to it.")
    variable_dtype: str = docstrings.attribute("The dtype of a layer's weights.")
    quantization_mode: str | None = docstrings.attribute("The name of the quantization of weights; None without one.")

    def __init__(self, name: str | None = None):
        self.quantization_mode = None
        self.name = dtype_policy().name if name is None else _standard_name(name)
        self.compute_dtype = _MIXED.get(self.name, self.name)
        self.variable_dtype = "float32" if self.name in _MIXED else self.name

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.get_config() == self.get_config()

    def __hash__(self) -> int:
        return hash((type(self), self.name))

    def __repr__(self) -> str:
        return f'<{type(self).__name__} "{self.name}">'

    def convert_input(self, x: TensorLike, autocast: bool, dtype: DTypeLike) -> Any:
        """Converts an input of a layer to a tensor, and floats to the dtype that the layer computes in.

        Args:
            x: tensor or array; an object without a dtype is returned unchanged.
            autocast: bool; whether floats are cast. Whole numbers and bools keep their dtype.
            dtype: str; dtype of floats.

        Shapes: any shape, which stays the same.

        Returns: the tensor.

        Example:
            >>> import numpy as np
            >>> from amalthea import dtype_policies
            >>> policy = dtype_policies.get("mixed_float16")
            >>> str(policy.convert_input(np.ones(2, "float32"), True, policy.compute_dtype).dtype)
            'float16'
        """
        to = dtypes.standardize(dtype)
        if not hasattr(x, "dtype") or not hasattr(x, "shape"):
            return x
        x = ops.convert_to_tensor(x)
        name = dtypes.name_of(x)
        return ops.cast(x, to) if autocast and dtypes.is_float(name) and name != to else x


FloatDTypePolicy = DTypePolicy
registry.names["FloatDTypePolicy"] = DTypePolicy
registry.modules[DTypePolicy] = "keras"


def _standard_name(name: Any) -> str:
    if name in _MIXED:
        return name
    try:
        return dtypes.standardize(name)
    except DtypeError:
        known = (*_MIXED, *dtypes.NAMES)
        is_quantized = "_from_" in str(name)
        raise ArgumentError(
            f"There is no dtype policy {name!r}.",
            expected="a dtype or mixed policy; dtype_policies.get finds quantized ones too" if is_quantized else None,
            got=repr(name),
            cure=f"dtype_policies.get({name!r})" if is_quantized else nearest(str(name), known),
        ) from None


MODES = ("int8", "float8", "int4", "gptq", "awq")

docstrings.share(
    "source of a policy",
    """
    source_name: str; name of the policy of the computation, such as ``"float32"`` or ``"mixed_bfloat16"``. Defaults to
        None, which takes the current default policy (see :func:`set_dtype_policy`).
    """,
)


class QuantizedDTypePolicy(DTypePolicy):
    """Dtype policy of a layer whose weights are quantized; its name is such as ``"int8_from_float32"``.

    Args:
        mode: str; ``"int8"``, ``"int4"``, ``"float8"``, ``"gptq"`` or ``"awq"``.
        |source of a policy|

    Raises:
        ArgumentError: the mode or source does not exist, or the mode is int8 and the source computes in float16.

    Example:
        >>> from amalthea import dtype_policies
        >>> policy = dtype_policies.QuantizedDTypePolicy("int8", "mixed_bfloat16")
        >>> policy.name, policy.quantization_mode, policy.compute_dtype
        ('int8_from_mixed_bfloat16', 'int8', 'bfloat16')
    """

    _parts: tuple[str, ...] = ()  # names of the whole numbers that follow the mode, as in "int4/128"
    _word = ""  # the mode before them; any of MODES where it is empty

    def __init__(self, mode: str, source_name: str | None = None):
        super().__init__(source_name)
        word, *numbers = str(mode).split("/")
        kind = type(self).__name__
        if word not in ((self._word,) if self._word else MODES) or len(numbers) != len(self._parts):
            form = "/".join([self._word, *(f"<{part}>" for part in self._parts)])
            raise ArgumentError(
                f"`mode` of {kind} names a quantization.",
                expected=repr(form) if self._word else ", ".join(map(repr, MODES)),
                got=repr(mode),
            )
        for part, text in zip(self._parts, numbers):
            setattr(self, part, self._number(part, text, mode))
        if word == "int8" and self.compute_dtype == "float16":
            raise ArgumentError(
                "int8 does not go with computation in float16.",
                expected="a source such as float32 or mixed_bfloat16",
                got=self.name,
                cure=f"{kind}('int8', 'mixed_bfloat16')",
            )
        self.mode, self.quantization_mode = word, word
        self.source_name = self.name
        self.name = f"{mode}_from_{self.name}"

    def _number(self, part: str, text: str, mode: str) -> int:
        """Returns a number of the mode, once it is in range."""
        number = int(text) if text.removeprefix("-").isdecimal() else 0
        allowed = {"weight_bits": (4,) if self._word == "awq" else (2, 3, 4, 8)}.get(part)
        if number not in allowed if allowed else number < -1 or number == 0:
            raise ArgumentError(
                f"`mode` of {type(self).__name__} has a {part} out of its range.",
                expected=" or ".join(map(str, allowed)) if allowed else "1, 2, ..., or -1 for one group",
                got=repr(mode),
            )
        return number

    def get_config(self) -> dict[str, Any]:
        """Returns ``mode`` and ``source_name``, from which ``from_config`` makes an equal policy."""
        mode = "/".join([str(self.mode), *(str(getattr(self, part)) for part in self._parts)])
        return {"mode": mode, "source_name": self.source_name}


class QuantizedFloat8DTypePolicy(QuantizedDTypePolicy):
    """Dtype policy of a layer that is trained with products in floats of 8 bits.

    Args:
        mode: str; ``"float8"``.
        |source of a policy|
        amax_history_length: int, at least 1; steps whose largest magnitudes are remembered. Defaults to 1024.

    Raises:
        ArgumentError: the mode or source does not exist, or the length is not a positive int.

    Example:
        >>> from amalthea import dtype_policies
        >>> dtype_policies.QuantizedFloat8DTypePolicy("float8", "float32").amax_history_length
        1024
    """

    default_amax_history_length = 1024
    _argument_checks = {"amax_history_length": checks.positive_int}

    def __init__(self, mode: str, source_name: str | None = None, amax_history_length: int = 1024):
        super().__init__(mode, source_name)
        self.amax_history_length = amax_history_length

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor, from which ``from_config`` makes an equal policy."""
        return {**super().get_config(), "amax_history_length": self.amax_history_length}


class Int4DTypePolicy(QuantizedDTypePolicy):
    """Dtype policy of a layer with weights of 4 bits in groups.

    Args:
        mode: str; ``"int4/<block_size>"``, such as ``"int4/128"``: rows that share a scale, or -1 for one scale an
            output.
        |source of a policy|

    Raises:
        ArgumentError: the mode has another form, or the source does not exist.

    Example:
        >>> from amalthea import dtype_policies
        >>> dtype_policies.Int4DTypePolicy("int4/64", "float32").block_size
        64
    """

    block_size: int
    _word, _parts = "int4", ("block_size",)


class GPTQDTypePolicy(QuantizedDTypePolicy):
    """Dtype policy of a layer that GPTQ quantized.

    Args:
        mode: str; ``"gptq/<weight_bits>/<group_size>"``, such as ``"gptq/4/128"``. Weights have 2, 3, 4 or 8 bits.
        |source of a policy|

    Raises:
        ArgumentError: the mode has another form, or the source does not exist.

    Example:
        >>> from amalthea import dtype_policies
        >>> dtype_policies.GPTQDTypePolicy("gptq/8/-1", "float32").weight_bits
        8
    """

    weight_bits: int
    group_size: int
    _word, _parts = "gptq", ("weight_bits", "group_size")


class AWQDTypePolicy(QuantizedDTypePolicy):
    """Dtype policy of a layer that AWQ quantized.

    Args:
        mode: str; ``"awq/4/<group_size>"``, such as ``"awq/4/128"``. Weights have 4 bits.
        |source of a policy|

    Raises:
        ArgumentError: the mode has another form, or the source does not exist.

    Example:
        >>> from amalthea import dtype_policies
        >>> dtype_policies.AWQDTypePolicy("awq/4/128", "float32").group_size
        128
    """

    weight_bits: int
    group_size: int
    _word, _parts = "awq", ("weight_bits", "group_size")


_BY_MODE = {
    "int4": Int4DTypePolicy, "gptq": GPTQDTypePolicy, "awq": AWQDTypePolicy, "float8": QuantizedFloat8DTypePolicy,
}  # fmt: skip


def _from_name(name: str) -> DTypePolicy:
    """Returns the policy for a name such as ``"int4/128_from_float32"`` or ``"float32"``."""
    mode, quantized, source = name.partition("_from_")
    if not quantized:
        return DTypePolicy(name)
    word = mode.split("/")[0]
    kind = QuantizedDTypePolicy if mode in ("int4", "int8") else _BY_MODE.get(word, QuantizedDTypePolicy)
    return kind(mode, source)


class DTypePolicyMap(Configurable, registry=registry):
    """Table of dtype policies by layer path, for one model.

    Args:
        default_policy: str, dtype, dtype policy or None; policy of every path that is not in the table. Defaults to
            None, which takes the current default policy (see :func:`set_dtype_policy`).
        policy_map: dict of policies by path, such as ``{"encoder/dense": "mixed_bfloat16"}``. Defaults to None, an
            empty table.

    Raises:
        ArgumentError: a policy does not exist, or a path is assigned that has a policy already.

    Example:
        >>> from amalthea.dtype_policies import DTypePolicyMap
        >>> policies = DTypePolicyMap("float32", {"encoder/dense": "mixed_bfloat16"})
        >>> policies["encoder/dense"].compute_dtype, policies["decoder"].compute_dtype
        ('bfloat16', 'float32')
    """

    def __init__(self, default_policy: PolicyLike | None = None, policy_map: Mapping[str, PolicyLike] | None = None):
        self.name = auto_name("dtype_policy_map")
        self.default_policy = get(default_policy)
        self.policy_map = {path: get(policy) for path, policy in (policy_map or {}).items()}
        self.compute_dtype = self.default_policy.compute_dtype
        self.variable_dtype = self.default_policy.variable_dtype
        self.quantization_mode = self.default_policy.quantization_mode

    def __getitem__(self, path: str) -> DTypePolicy:
        return self.policy_map.get(path, self.default_policy)

    def __setitem__(self, path: str, policy: Any) -> None:
        if path in self.policy_map:
            raise ArgumentError(f"The path {path!r} has a policy already.", got=repr(self.policy_map[path]))
        self.policy_map[path] = get(policy)


_default: dict[str, DTypePolicy] = {}


def dtype_policy() -> DTypePolicy:
    """Returns the default policy, used by layers that get no ``dtype``.

    Returns:
        The policy of :func:`set_dtype_policy`; before it was called, the policy of ``amalthea.config.floatx()``.

    Example:
        >>> from amalthea import dtype_policies
        >>> dtype_policies.dtype_policy()
        <DTypePolicy "float32">
    """
    if "policy" not in _default:
        return DTypePolicy(config.floatx())
    return _default["policy"]


def set_dtype_policy(policy: PolicyLike | None) -> None:
    """Sets the default policy, used by layers that get no ``dtype``.

    Layers that exist already keep their policy.

    Args:
        policy: str, dtype or dtype policy; new default. None leaves the default as it is.

    Raises:
        ArgumentError: no policy has this name.

    Example:
        >>> from amalthea import dtype_policies, layers
        >>> dtype_policies.set_dtype_policy("mixed_bfloat16")
        >>> layers.Dense(2).compute_dtype
        'bfloat16'
        >>> dtype_policies.set_dtype_policy("float32")
    """
    _default["policy"] = get(policy)


def get(identifier: Any) -> Any:
    """Returns the dtype policy for a name, dtype, config or policy.

    Args:
        identifier: str, dtype, config dict, dtype policy or None; None gives the default policy.

    Returns:
        A :class:`DTypePolicy` or :class:`DTypePolicyMap`; a policy is returned unchanged.

    Raises:
        ArgumentError: no policy has this name.

    Example:
        >>> from amalthea import dtype_policies
        >>> dtype_policies.get("mixed_float16").variable_dtype
        'float32'
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, (DTypePolicy, DTypePolicyMap)):
        return identifier
    if isinstance(identifier, dict):
        return registry.get(identifier)
    return _from_name(identifier) if isinstance(identifier, str) else DTypePolicy(identifier)


serialize, deserialize = renamed(registry.serialize, "dtype_policy"), registry.deserialize
