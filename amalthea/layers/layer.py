"""The base of all layers: variables made on the first call, calls in three ways, configuration by signature.

What every layer shares is here, once: dtypes, masks, ``training``, losses, names, freezing. A layer itself says
``__init__``, ``build`` and ``call``, and nothing of files, devices or precision.
"""

# Values of Any are sorted with isinstance(), which leaves their items unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import numpy as np

from amalthea import dtype_policies, initializers, regularizers, tree
from amalthea.configurable import Configurable, Registry, auto_name, serialize, snake_case
from amalthea.engine import dtypes
from amalthea.engine.ir.variable import Variable, at_once, one_version
from amalthea.engine.stateless import call_stateless
from amalthea.errors import ArgumentError, ShapeError, add_place, nearest
from amalthea.layers import arguments, building, calling
from amalthea.operation import Operation, any_remembers, record
from amalthea.random import SeedGenerator

registry = Registry("layers", "layer")
_trainable_as: ContextVar[dict[Any, bool] | None] = ContextVar("trainable_as", default=None)
_BASE = ("name", "trainable", "dtype")
_LEGACY = ("input_shape", "batch_input_shape", "input_dim", "input_length", "batch_size", "weights", "input_dtype")


class Layer(Operation, Configurable, registry=registry):
    """A step of a network with variables of its own.

    Args:
        activity_regularizer: a penalty on the output.
        trainable: whether optimizers may change its variables.
        dtype: a dtype name or policy, such as ``"mixed_bfloat16"``.
        autocast: whether floating inputs are cast to the compute dtype.
        name: its name in summaries and files; made from the class if None.

    Example:
        >>> import numpy as np
        >>> from amalthea import Layer, ops
        >>> class Scale(Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
        ...     def call(self, inputs):
        ...         return ops.multiply(inputs, self.factor)
        >>> Scale()(np.ones((2, 3), "float32")).shape
        (2, 3)
    """

    argument_checks = arguments.CHECKS
    supports_masking = False
    _not_tracked: tuple[str, ...] = ()  # attributes whose contents do not belong to the layer
    _structure_version = (
        0  # counts assignments, in all layers, of attributes that may be or hold sublayers or variables
    )
    computes_in_floats = False  # whether whole numbers and bools given to it are cast to the compute dtype

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = building.marks_built(cls.build)  # type: ignore[method-assign]

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ):
        unknown = [key for key in kwargs if key not in _LEGACY]
        if unknown:
            raise ArgumentError(
                f"{type(self).__name__} has no argument {unknown[0]!r}.",
                got=", ".join(unknown),
                cure=nearest(unknown[0], {*calling.parameters(type(self).__init__), *_BASE} - {"kwargs"}),
            )
        Operation.__init__(self, str(name or auto_name(snake_case(type(self).__name__))))
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.dtype_policy = dtype_policies.get(dtype)
        self.autocast = autocast
        self.built = False
        self.input_spec: Any = None
        self.path = self.name
        self._trainable = trainable
        self._own: list[Variable] = []
        self._build_shapes: dict[str, Any] | None = None
        self._first_input = building.legacy_input(kwargs)
        self._weights_to_set = kwargs.get("weights")

    # ---------------------------------------------------------------------------------- variables

    def __getattr__(self, name: str) -> Any:
        raise building.missing_attribute(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Variable) and "_own" in self.__dict__ and not any(v is value for v in self._own):
            self._own.append(value)
        if name not in _untracked(type(self)) and (isinstance(value, _HOLDING) or hasattr(value, "update_state")):
            Layer._structure_version += 1
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        value = vars(self).get(name)
        object.__delattr__(self, name)
        if isinstance(value, Variable) and not any(v is value for v in vars(self).values()):
            self._own = [v for v in self._own if v is not value]

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Make a variable of the layer.

        Args:
            shape: ints; ``()`` by default.
            initializer: by default ``glorot_uniform``, or zeros for what is not a float.
            dtype: by default the policy's.
            trainable: whether an optimizer may change it.
            regularizer, constraint: applied to it in training.
            name: its name within the layer.
        """
        from amalthea import constraints

        dtype = dtypes.standardize(dtype or self.variable_dtype)
        if initializer is None:
            initializer = "glorot_uniform" if dtypes.is_float(dtype) else "zeros"
        shape = building.static_shape(shape, self.name)
        make = initializers.get(initializer)
        variable = Variable(make, shape, dtype, trainable, autocast, aggregation, name=name or "variable")
        variable.path = f"{self.path}/{variable.name}"
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._own.append(variable)
        return variable

    add_variable = add_weight

    def _tracked(self, *kinds: type) -> list[Any]:
        """Objects of some classes in the attributes, at any depth of lists, tuples and dicts, each once, in order."""
        hidden = _untracked(type(self))
        values = [value for key, value in vars(self).items() if key not in hidden]
        return list({id(x): x for value in values for x in tree.held(value, kinds)}.values())

    @property
    def _layers(self) -> list[Layer]:
        return self._tracked(Layer)

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True, trained: bool = False) -> list[Layer]:
        """The layer and all within it, each once; without those that are frozen, and all in them, if ``trained``."""
        found: dict[int, Layer] = {}
        waiting: list[Layer] = [self]
        while waiting:
            layer = waiting.pop()
            if id(layer) not in found and (layer.trainable or not trained):
                found[id(layer)] = layer
                waiting += reversed(layer._layers if recursive or layer is self else [])
        return [x for x in found.values() if include_self or x is not self]

    def _own_variables(self) -> list[Variable]:
        """Those that it made itself or holds in attributes, those that are trained first."""
        own = list({id(v): v for v in [*self._own, *self._tracked(Variable)]}.values())
        return [v for v in own if v.trainable] + [v for v in own if not v.trainable]

    @property
    def weights(self) -> list[Variable]:
        """Its variables and those of the layers within, without the states of random seeds."""
        found = [v for layer in self._flatten_layers() for v in layer._own_variables()]
        return list({id(v): v for v in found}.values())

    @property
    def variables(self) -> list[Variable]:
        """The weights, then the states of random seeds."""
        seeds = [x.state for layer in self._flatten_layers() for x in layer._tracked(SeedGenerator)]
        return list({id(v): v for v in [*self.weights, *seeds]}.values())

    @property
    def trainable_weights(self) -> list[Variable]:
        found = [v for layer in self._flatten_layers(trained=True) for v in layer._own_variables() if v.trainable]
        return list({id(v): v for v in found}.values())

    @property
    def trainable_variables(self) -> list[Variable]:
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        trained = {id(v) for v in self.trainable_weights}
        return [v for v in self.weights if id(v) not in trained]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        trained = {id(v) for v in self.trainable_weights}
        return [v for v in self.variables if id(v) not in trained]

    freezings = 0  # counts every change of what is trainable, in any layer

    @property
    def trainable(self) -> bool:
        """Whether optimizers may change its variables; setting it sets it for all layers within."""
        seen = _trainable_as.get()
        return self._trainable if seen is None else seen.get(self, self._trainable)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        seen = _trainable_as.get()
        for layer in self._flatten_layers():
            layer._trainable = bool(value)
            if seen is not None:
                seen[layer] = bool(value)
        Layer.freezings += 1

    def count_params(self) -> int:
        """The number of elements of all weights."""
        building.require_built(self)
        return sum(int(np.prod(v.shape)) for v in self.weights)

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the weights' values."""
        variables = self.weights
        with one_version(variables):
            return [v.numpy() for v in variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assign all weights; nothing is assigned unless everything fits."""
        variables = self.weights
        if len(weights) != len(variables):
            raise ArgumentError(
                f"Layer '{self.name}' has another number of weights.", expected=len(variables), got=len(weights)
            )
        for variable, value in zip(variables, weights):
            if tuple(np.shape(value)) != tuple(variable.shape):
                raise ShapeError(
                    f"The new value does not fit weight '{variable.path}'.",
                    expected=variable.shape,
                    got=np.shape(value),
                )
        with at_once():
            for variable, value in zip(variables, weights):
                variable.assign(value)

    # -------------------------------------------------------------------------------------- dtypes

    @property
    def dtype(self) -> str:
        return self.dtype_policy.variable_dtype

    variable_dtype = dtype

    @property
    def compute_dtype(self) -> str:
        return self.dtype_policy.compute_dtype

    input_dtype = compute_dtype

    # --------------------------------------------------------------------------------------- calls

    def build(self, input_shape: Any) -> None:
        """Make the variables. ``input_shape`` has None for what is not known."""
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer computes."""
        raise NotImplementedError(f"{type(self).__name__} has no call method.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            given, kwargs = calling.prepared(self, args, kwargs)
            args = tuple(given)
            calling.check_inputs(self, args)
            self._build_for(args, kwargs)
            if any_remembers(args, kwargs):
                return record(self, self._prepare_and_run, args, kwargs)
            return calling.run(self, args, kwargs)
        except RecursionError:
            raise ArgumentError(
                f"The call of '{self.name}' ({type(self).__name__}) goes deeper than Python can.",
                expected="a layer that does not call itself, directly or through layers that it holds",
                cure="call another layer in its call(), or fewer layers within layers",
            ) from None
        except Exception as error:
            add_place(error, self.place)
            raise

    @property
    def place(self) -> str:
        """How errors name it."""
        return f"in layer '{self.name}' ({type(self).__name__})"

    def _build_for(self, args: Any, kwargs: Any) -> None:
        if self.built and not building.unfinished:
            return
        with building.by_one_thread(self):
            if self.built:
                return
            shapes = building.build_shapes(self, args, kwargs)
            self.build(**shapes)
            self._build_shapes = shapes
            if self._weights_to_set is not None:
                self.set_weights(self._weights_to_set)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the output: that of the input, where the layer passes masks on."""
        return previous_mask

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Symbolic tensors of the types that the call would give."""
        return record(Operation("spec"), self._prepare_and_run, args, kwargs)

    def _prepare_and_run(self, *args: Any, **kwargs: Any) -> Any:
        return calling.run(self, *calling.prepared(self, args, kwargs))

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape that the call would give for inputs of these shapes."""
        return building.output_shape(self, args, kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        return self.compute_output_spec(*args, **kwargs)

    def stateless_call(
        self,
        trainable_variables: Any,
        non_trainable_variables: Any,
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The call as a pure function: values of the variables in, output and new non-trainable values out."""
        trained, others = self.trainable_variables, self.non_trainable_variables
        values = [*trainable_variables, *non_trainable_variables]
        outputs, after = call_stateless(lambda: self(*args, **kwargs), [*trained, *others], values)
        result = (outputs, after[len(trained) :])
        return (*result, self.losses) if return_losses else result

    # -------------------------------------------------------------------------------------- losses

    def add_loss(self, loss: Any) -> None:
        """Add a scalar, computed in ``call``, to what training minimises."""
        calling.added.add(self, list(loss) if isinstance(loss, (list, tuple)) else [loss])

    @property
    def losses(self) -> list[Any]:
        """Losses added in the last call, and the penalties of the weights' regularizers."""
        added = [loss for layer in self._flatten_layers() for loss in calling.added.of(layer)]
        penalties = [v.regularizer(v) for v in self.trainable_weights if v.regularizer is not None]
        return added + penalties

    # ------------------------------------------------------------------------------- configuration

    def get_config(self) -> dict[str, Any]:
        """Name, ``trainable``, dtype, and the constructor's own arguments."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": serialize(self.dtype_policy)}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = serialize(self.activity_regularizer)
        for key, value in (self._given or {}).items():
            own = key in calling.parameters(type(self).__init__) or key not in _LEGACY
            if own and key not in (*_BASE, "autocast", *self.not_in_config):
                config[key] = serialize(self.config_value(key, value))
        return config

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes that ``build`` was called with."""
        if self._build_shapes is None:
            return None
        if len(self._build_shapes) == 1:
            return {"input_shape": next(iter(self._build_shapes.values()))}
        return {"shapes_dict": self._build_shapes}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Call ``build`` with the shapes of a file."""
        if self.built or not config:
            return
        shapes = config.get("shapes_dict")
        if shapes is None:
            first = next(iter(calling.parameters(type(self).build)), "input_shape")
            shapes = {first: building.as_shape(config.get("input_shape"))}
        else:
            shapes = {key: building.as_shape(value) for key, value in shapes.items()}
        self.build(**shapes)
        self._build_shapes, self.built = shapes, True
        building.build_within(self, shapes)

    def save_own_variables(self, store: Any) -> None:
        """Put the layer's own values into a store, under ``"0"``, ``"1"``, ..."""
        for i, variable in enumerate(self._own_variables()):
            store[str(i)] = variable

    def load_own_variables(self, store: Any) -> None:
        """Take the layer's own values from a store; nothing is assigned unless everything fits."""
        building.load_variables(self, self._own_variables(), store)

    # ------------------------------------------------------------------------------ symbolic calls

    @property
    def input(self) -> Any:
        """The symbolic input of the only call."""
        return building.only_call(self).args[0]

    @property
    def output(self) -> Any:
        """The symbolic output of the only call."""
        return building.only_call(self).outputs

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


_HOLDING = (Layer, Variable, SeedGenerator, *tree.CONTAINERS)


@cache
def _untracked(kind: type) -> frozenset[str]:
    """The attributes that a class, and those above it, keep for themselves."""
    named = [name for above in kind.__mro__ for name in vars(above).get("_not_tracked", ())]
    return frozenset({"calls", "_given", "_losses", "_own", *named})


@contextmanager
def trainable_as(flags: dict[Any, bool]) -> Generator[None]:
    """Let the layers in ``flags`` be trainable or not as it says, while this is open."""
    token = _trainable_as.set(flags)
    try:
        yield
    finally:
        _trainable_as.reset(token)
