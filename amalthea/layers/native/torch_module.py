"""A PyTorch module as a layer."""

# The library is imported when a layer is made, and need not be there; so its types are not known here.
# pyright: standard, reportMissingImports=false

from __future__ import annotations

import base64
import io
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np

from amalthea import tree
from amalthea.engine.ir.tensor import Tensor, Type
from amalthea.engine.ir.variable import Variable
from amalthea.errors import ModelFileError
from amalthea.layers import building
from amalthea.layers.native.native_layer import NativeLayer, refuse_unless_trusted, training_now
from amalthea.ops.base import shape_of
from amalthea.random import SeedGenerator


class TorchModuleWrapper(NativeLayer):
    """A ``torch.nn.Module`` as a layer: its parameters are trainable variables, its buffers non-trainable ones.

    It runs on the backend ``torch`` alone. In training the module is in its mode ``train()``, otherwise in ``eval()``.
    Random numbers in training come from a seed variable of the layer. A lazy module gets its parameters when the layer
    is built.

    Args:
        module: ``torch.nn.Module``; ``layer.module`` returns it with the current values of the variables.
        name: str; name of the layer. Defaults to None, which makes one from the class name.
        output_shape: tuple of int and None; shape of the output. Defaults to None, which finds it by a run on zeros.
        |layer options|

    Shapes: those of the module, such as ``(batch, features) -> (batch, units)``.

    Raises:
        MissingLibraryError: PyTorch is not installed.
        BackendError: another backend is in use when the layer is called.

    Example:
        >>> import torch  # doctest: +SKIP
        >>> from amalthea import layers
        >>> layer = layers.TorchModuleWrapper(torch.nn.Linear(3, 2))  # doctest: +SKIP
        >>> tuple(layer(torch.ones(4, 3)).shape)  # doctest: +SKIP
        (4, 2)

    Source: Keras 3 leaves the module in ``train()`` when it is called without ``training``.
    """

    _library = "torch"
    _not_in_config = ("module", "output_shape")

    def __init__(self, module: Any, name: str | None = None, output_shape: Any = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self._module = module
        self._output_shape = output_shape
        self._seed_generator = SeedGenerator(name=f"{self.name}_seed")
        self._parameters: dict[str, Variable] = {}
        self._buffers: dict[str, Variable] = {}
        if not _is_lazy(module):
            self._adopt_all()
            self.built = True

    def build(self, input_shape: Any) -> None:
        if _is_lazy(self._module):
            _try_once(self._module, *self._example(input_shape))
        self._adopt_all()

    def _adopt_all(self) -> None:
        for name, tensor in self._module.named_parameters():
            self._parameters[name] = self._adopt(_numbers(tensor), name, _dtype(tensor), tensor.requires_grad)
        for name, tensor in self._module.named_buffers():
            self._buffers[name] = self._adopt(_numbers(tensor), name, _dtype(tensor), False)

    @property
    def module(self) -> Any:
        """The module, with its parameters and buffers set to the values of the variables."""
        import torch

        known = {**self._parameters, **self._buffers}
        with torch.no_grad():
            for name, tensor in (*self._module.named_parameters(), *self._module.named_buffers()):
                if name in known:
                    tensor.copy_(torch.from_numpy(known[name].numpy().astype(_numbers(tensor).dtype)))
        return self._module

    def parameters(self, recurse: bool = True) -> Any:
        """Returns the module's own parameters."""
        return self.module.parameters(recurse=recurse)

    def call(self, inputs: Any, *args: Any, training: Any = None, **kwargs: Any) -> Any:
        training = training_now(training)

        def function(parameters: Any, buffers: Any, arguments: Any, key: Any) -> Any:
            given = dict(zip(self._parameters, parameters)), dict(zip(self._buffers, buffers))
            return _call(self._module.train(training), *given, arguments, key)

        key = self._seed_generator.next() if training else None
        parameters, buffers = [*self._parameters.values()], [*self._buffers.values()]
        outputs = self._known_output(inputs)
        return self._run(function, parameters, buffers, ((inputs, *args), kwargs), key, outputs)

    def _known_output(self, inputs: Any) -> Any:
        """Returns a symbolic output if the input is symbolic and the shape of the output was given, else None."""
        if self._output_shape is None or not isinstance(inputs, Tensor) or None not in inputs.shape:
            return None
        first, *rest = self._output_shape
        if None in rest:
            return None
        batch = shape_of(inputs)[0] if first is None else first
        return Tensor(Type((batch, *rest), self.compute_dtype))

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        if self._output_shape is None:
            return super().compute_output_shape(*args, **kwargs)
        return self._output_shape

    # ----------------------------------------------------------------------------------------- files

    def _by_key(self) -> dict[str, Variable]:
        """Returns the variables by the keys of the module's ``state_dict``; two keys may share one."""
        named = {id(t): self._parameters[name] for name, t in self._module.named_parameters()}
        named.update((id(t), self._buffers[name]) for name, t in self._module.named_buffers())
        found = self._module.state_dict(keep_vars=True)
        return {key: named[id(t)] for key, t in found.items() if id(t) in named}

    def save_own_variables(self, store: Any) -> None:
        store.update(self._by_key())

    def load_own_variables(self, store: Any) -> None:
        building.require_built(self)
        wanted = self._by_key()
        if {*wanted} != {*store.keys()}:
            raise ModelFileError(
                f"Layer '{self.name}' has other variables than the file.", expected=[*wanted], got=[*store.keys()]
            )
        arrays = {key: store[key] for key in wanted}
        for key, variable in wanted.items():
            if tuple(arrays[key].shape) != tuple(variable.shape):
                raise ModelFileError(
                    f"The file's value does not fit '{key}'.", expected=variable.shape, got=arrays[key].shape
                )
        for key, variable in wanted.items():
            variable.assign(arrays[key])

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration as in Keras, with the module pickled: a reader must trust the file."""
        import torch

        buffer = io.BytesIO()
        torch.save(self.module, buffer)
        module = base64.b64encode(buffer.getvalue()).decode("ascii")
        return {**super().get_config(), "module": module, "output_shape": self._output_shape}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Makes the layer again. The config runs code, so it raises :class:`UnsafeFileError` unless that is allowed."""
        if not isinstance(config["module"], str):
            return super().from_config(config, custom_objects)
        refuse_unless_trusted("a pickled PyTorch module")
        import torch

        data = io.BytesIO(base64.b64decode(config["module"]))
        module = torch.load(data, weights_only=False)
        return super().from_config({**config, "module": module})


def _is_lazy(module: Any) -> bool:
    import torch

    return any(torch.nn.parameter.is_lazy(x) for x in (*module.parameters(), *module.buffers()))


def _try_once(module: Any, args: Any, kwargs: Any) -> None:
    """Calls a lazy module once, so that it finds its shapes."""
    import torch

    args, kwargs = tree.map_structure(lambda x: torch.from_numpy(x) if isinstance(x, np.ndarray) else x, (args, kwargs))
    with torch.no_grad():
        module.eval()(*args, **kwargs)


def _dtype(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _numbers(tensor: Any) -> np.ndarray:
    """Returns a copy on the host; bfloat16, which NumPy does not have, becomes float32."""
    tensor = tensor.detach().cpu()
    return np.array((tensor.float() if _dtype(tensor) == "bfloat16" else tensor).numpy())


def _call(module: Any, parameters: dict[str, Any], buffers: dict[str, Any], arguments: Any, key: Any) -> Any:
    """Returns the module's output and its buffers afterwards; unchanged buffers are the same arrays as before."""
    import torch

    copies = {name: x.detach().clone() for name, x in buffers.items()}  # a module changes its buffers in place
    known = {**parameters, **copies}
    args, kwargs = arguments
    with _seeded(key, parameters):
        outputs = torch.func.functional_call(module, known, args, kwargs)
    # Batch normalization moves its averages without telling their version counters: in training, all count as changed.
    changed = {name for name, x in copies.items() if module.training or known[name] is not x or x._version}
    return outputs, [known[name] if name in changed else x for name, x in buffers.items()]


@contextmanager
def _seeded(key: Any, parameters: dict[str, Any]) -> Generator[None, None, None]:
    """Lets PyTorch draw from the key while the context is open, and restores its generators afterwards."""
    import torch

    if key is None:
        yield
        return
    devices = {x.device.index for x in parameters.values() if x.is_cuda}
    first, count = key.tolist()
    with torch.random.fork_rng([*devices]):
        torch.manual_seed((first + count * 0x9E3779B1) % 2**32 + (count << 32))  # a CPU reads the low half only
        yield
