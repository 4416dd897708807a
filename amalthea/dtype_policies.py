"""Which dtype a layer computes in, and which one keeps its weights.

Dense(10, dtype="bfloat16"), Dense(10, dtype="mixed_float16"), dtype_policies.set_dtype_policy("mixed_bfloat16")
"""

from __future__ import annotations

from typing import Any

from amalthea import config
from amalthea.configurable import Configurable, Registry, auto_name
from amalthea.engine import dtypes
from amalthea.errors import ArgumentError, DtypeError, nearest

registry = Registry("dtype_policies", "dtype policy")

_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


class DTypePolicy(Configurable, registry=registry):
    """A pair of dtypes under one name.

    Args:
        name: a dtype, for both; or ``"mixed_float16"`` or ``"mixed_bfloat16"``, which compute in the half
            precision and keep weights in float32. None takes the default of ``set_dtype_policy``.

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
    """Policies by layer path, for one model; a path that is not in it has the default.

    Args:
        default_policy: for every other layer; None takes that of ``set_dtype_policy``.
        policy_map: policies by path, such as ``{"encoder/dense": "mixed_bfloat16"}``.
    """

    def __init__(self, default_policy: Any = None, policy_map: dict[str, Any] | None = None):
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
    """The policy of layers that are given none: ``floatx()`` unless it was set."""
    if "policy" not in _default:
        return DTypePolicy(config.floatx())
    return _default["policy"]


def set_dtype_policy(policy: Any) -> None:
    """Set the policy of layers that are given none: a name, or a :class:`DTypePolicy`."""
    _default["policy"] = get(policy)


def get(identifier: Any) -> Any:
    """The policy that a name, dtype, config dict or None (the default) means."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, (DTypePolicy, DTypePolicyMap)):
        return identifier
    if isinstance(identifier, dict):
        return registry.get(identifier)
    return DTypePolicy(identifier)


serialize, deserialize = registry.serialize, registry.deserialize
