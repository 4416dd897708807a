"""Dtype policies: the dtype of a layer's computations, and the dtype of its weights.

Dense(10, dtype="bfloat16"), Dense(10, dtype="mixed_float16"), dtype_policies.set_dtype_policy("mixed_bfloat16")
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, Union

from amalthea import config
from amalthea.configurable import Configurable, Registry, auto_name, renamed
from amalthea.engine import dtypes
from amalthea.engine.types import DTypeLike
from amalthea.errors import ArgumentError, DtypeError, nearest

__all__ = [
    "DTypePolicy",
    "DTypePolicyMap",
    "FloatDTypePolicy",
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

    quantization_mode: str | None = None

    def __init__(self, name: str | None = None):
        self.name = dtype_policy().name if name is None else _standard_name(name)
        self.compute_dtype = _MIXED.get(self.name, self.name)
        self.variable_dtype = "float32" if self.name in _MIXED else self.name

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.get_config() == self.get_config()

    def __hash__(self) -> int:
        return hash((type(self), self.name))

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


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
        raise ArgumentError(
            f"There is no dtype policy {name!r}.", got=repr(name), cure=nearest(str(name), known)
        ) from None


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
    return DTypePolicy(identifier)


serialize, deserialize = renamed(registry.serialize, "dtype_policy"), registry.deserialize
