"""A Flax module as a layer."""

# The library is imported when a layer is made, and need not be there; so its types are not known here.
# pyright: standard, reportMissingImports=false

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from amalthea import loading
from amalthea.configurable import serialize
from amalthea.errors import MissingLibraryError
from amalthea.layers.native.jax_layer import JaxLayer, new_key

_PASSING = "intermediates"  # what a call writes down for whoever looks on, and no call reads


class FlaxLayer(JaxLayer):
    """A ``flax.linen.Module`` as a layer. It runs on the backend ``jax`` alone.

    The collection ``params`` is trained, the other collections are state. In training the module gets a new rng
    ``dropout`` at each call.

    Args:
        module: ``flax.linen.Module`` that takes ``inputs``, and ``training`` if it has such a parameter.
        method: method of the module, its name, or a function of the module; called in place of ``__call__``. Defaults
            to None.
        variables: dict of collections, as ``module.init`` returns it; values to start from. Defaults to None, which
            lets the module make them.
        **kwargs: ``seed``; and options of every layer, see :class:`Layer`.

    Shapes: those of the module, such as ``(batch, features) -> (batch, units)``.

    Raises:
        MissingLibraryError: JAX or Flax is not installed.
        BackendError: another backend is in use when the layer is built or called.

    Example:
        >>> import flax  # doctest: +SKIP
        >>> import numpy as np
        >>> from amalthea import layers
        >>> tuple(layers.FlaxLayer(flax.linen.Dense(2))(np.ones((4, 3), "float32")).shape)  # doctest: +SKIP
        (4, 2)
    """

    _not_in_config = ("variables", "seed", "method")
    _config_slots: Mapping[str, tuple[str, ...]] = MappingProxyType(
        {"module": (loading.OWN,), "method": (loading.OWN,)}
    )

    def __init__(self, module: Any, method: Any = None, variables: Any = None, **kwargs: Any):
        self.module = module
        self.method = getattr(module, method) if isinstance(method, str) else method
        call_fn, init_fn = _functions(self.module, self.method)
        params, state = (None, None) if variables is None else _divided(variables)
        super().__init__(call_fn, init_fn, params, state, **kwargs)

    def _init_rng(self) -> Any:
        return {"params": new_key(), "dropout": new_key()}

    def _call_rng(self, key: Any) -> Any:
        return {} if key is None else {"dropout": key}

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration as in Keras: the module by its own ``get_config``, the method by name."""
        is_own = getattr(self.method, "__self__", None) is self.module
        return {**super().get_config(), "method": self.method.__name__ if is_own else serialize(self.method)}


def _divided(variables: Any) -> tuple[Any, Any]:
    """Splits variables into the trained collection and the others."""
    params = {k: v for k, v in variables.items() if k == "params"}
    return params, {k: v for k, v in variables.items() if k not in ("params", _PASSING)}


def _functions(module: Any, method: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Returns ``call_fn`` and ``init_fn`` of a module."""
    try:
        from flax.linen import DenyList
    except ModuleNotFoundError:
        raise MissingLibraryError("A FlaxLayer needs flax, which is not installed.", cure="pip install flax") from None

    def apply(params: Any, state: Any, rng: Any, inputs: Any, **options: Any) -> Any:
        variables, mutable = {**params, **state}, DenyList(["params"])
        outputs, new = module.apply(variables, inputs, rngs=rng, method=method, mutable=mutable, **options)
        return outputs, {k: new.get(k, v) for k, v in state.items()}

    def init(rng: Any, inputs: Any, **options: Any) -> Any:
        return _divided(module.init(rng, inputs, method=method, **options))

    def apply_training(params: Any, state: Any, rng: Any, inputs: Any, training: Any) -> Any:
        return apply(params, state, rng, inputs, training=training)

    def init_training(rng: Any, inputs: Any, training: Any) -> Any:
        return init(rng, inputs, training=training)

    def apply_plain(params: Any, state: Any, rng: Any, inputs: Any) -> Any:
        return apply(params, state, rng, inputs)

    def init_plain(rng: Any, inputs: Any) -> Any:
        return init(rng, inputs)

    takes_training = "training" in inspect.signature(method or module.__call__).parameters
    return (apply_training, init_training) if takes_training else (apply_plain, init_plain)
