"""The base of all layers: variables made on the first call, calls on arrays and symbols, configuration by signature.

Everything that all layers share is here: dtypes, masks, ``training``, losses, names and freezing. A layer itself
implements ``__init__``, ``build`` and ``call``, and nothing about files, devices or precision.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from types import MappingProxyType
from typing import Any

from amalthea import config, docstrings, dtype_policies, regularizers, tree
from amalthea.configurable import Registry, auto_name, snake_case
from amalthea.engine.backends import library_graphs
from amalthea.engine.ir.runtime import runtime
from amalthea.engine.ir.scope import named
from amalthea.engine.ir.variable import Variable
from amalthea.engine.stateless import call_stateless, collecting
from amalthea.engine.types import Nested, TensorLike
from amalthea.errors import ArgumentError, add_location, nearest, users_frames
from amalthea.layers import arguments, building, calling, remat_scope
from amalthea.layers.adaptation import Adaptation
from amalthea.layers.configuration import BASE, LEGACY, Configuration
from amalthea.layers.weights import Weights
from amalthea.metrics import Mean, Metric
from amalthea.operation import Operation, Unnamed, any_remembers, outlining, record, remembers
from amalthea.random import SeedGenerator

registry = Registry("layers", "layer")
_trainable_as: ContextVar[dict[Any, bool] | None] = ContextVar("trainable_as", default=None)


docstrings.share(
    "layer options",
    """
    **kwargs: options of every layer, such as ``name``, ``trainable`` and ``dtype``; see :class:`Layer`.
    """,
)
docstrings.share(
    "all layer options",
    """
    activity_regularizer: str, Regularizer or function; penalty on the output, divided by the batch size and added
        to the loss. Defaults to None, which adds no penalty.
    trainable: bool; whether optimizers may update the variables of the layer. Defaults to True.
    dtype: str or DTypePolicy; dtype of the variables and of the computation, or a policy such as
        ``"mixed_bfloat16"``. Defaults to None, which takes the global policy (float32 unless changed).
    autocast: bool; whether floating inputs are cast to the compute dtype. Defaults to True.
    name: str; name in summaries, files and paths of variables. Defaults to None, which makes one from the class
        name.
    **kwargs: arguments of Keras 1 and 2. ``input_shape``, ``batch_input_shape``, ``input_dim``, ``input_length``,
        ``batch_size`` and ``input_dtype`` describe the input of the first layer of a Sequential model; ``weights``
        is a list of arrays to start from.
    """,
)
docstrings.share(
    "data format",
    """
    data_format: str; ``"channels_last"`` puts the channels in the last axis, ``"channels_first"`` in axis 1. Defaults
        to None, which takes ``config.image_data_format()`` (``"channels_last"`` unless changed).
    """,
)
docstrings.share(
    "seed",
    """
    seed: int or SeedGenerator; the same int gives the same random numbers in every new layer. Defaults to None, which
        draws a seed from the stream that ``set_random_seed`` starts.
    """,
)


class Layer(Weights, Adaptation, Configuration, Operation, registry=registry):
    """The base class of all layers: a function of tensors with variables of its own.

    A subclass creates its variables in ``build`` and computes its output in ``call``. Calling the layer builds it once,
    casts floating inputs to the compute dtype, passes masks and ``training`` on, and then runs ``call``.

    Args:
        |all layer options|

    Shapes: those of ``call``; the base class takes and returns tensors of any shape.

    Raises:
        ArgumentError: an argument is unknown, or ``build`` or ``call`` cannot work with the input.
        ShapeError: the input does not fit ``input_spec``.

    Example:
        >>> import numpy as np
        >>> from amalthea import Layer, ops
        >>> class Scale(Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
        ...     def call(self, inputs):
        ...         return ops.multiply(inputs, self.factor)
        >>> layer = Scale()
        >>> tuple(layer(np.ones((2, 3), "float32")).shape), len(layer.weights)
        ((2, 3), 1)
    """

    dtype_policy: Any = docstrings.attribute("The dtype policy: the dtypes of variables and of computation.")
    input_spec: Any = docstrings.attribute("The InputSpec that inputs must fit, nested like them; None for any input.")
    path: str = docstrings.attribute("The names of the layers around the layer, and its own, joined by slashes.")

    _argument_checks = arguments.CHECKS
    supports_masking = False
    _not_tracked: tuple[str, ...] = ()  # attributes whose contents do not belong to the layer
    _structure_version = (
        0  # counts assignments, in all layers, of attributes that may be or hold sublayers or variables
    )
    _losses: tuple[Any, ...] = ()  # symbolic tensors, of `add_loss`
    _added_metrics: Mapping[str, Any] = MappingProxyType({})  # by name, of `add_metric`
    _learned = 0  # counts how often `adapt` changed constants that compiled functions hold
    _computes_in_floats = False  # whether whole numbers and bools given to it are cast to the compute dtype

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = building.marks_built(cls.build)

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
        unknown = [key for key in kwargs if key not in LEGACY]
        if unknown:
            raise ArgumentError(
                f"{type(self).__name__} has no argument {unknown[0]!r}.",
                got=", ".join(unknown),
                cure=nearest(unknown[0], {*calling.parameters(type(self).__init__), *BASE} - {"kwargs"}),
            )
        Operation.__init__(self, str(name or auto_name(snake_case(type(self).__name__))))
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.dtype_policy = dtype_policies.get(dtype)
        self.autocast = autocast
        self.built = False
        self.input_spec: Any = None
        self.path = named(self.name)
        self._trainable = trainable
        self._own: list[Variable] = []
        self._remat_scope = remat_scope.current()
        self._build_shapes: dict[str, Any] | None = None
        self._first_input = building.legacy_input(kwargs)
        self._weights_to_set = kwargs.get("weights")

    # ---------------------------------------------------------------------------------- variables

    def __getattr__(self, name: str) -> Any:
        method = runtime.layer_methods.get(name)
        if method is None:
            raise building.missing_attribute(self, name)
        return partial(method, self)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Variable) and "_own" in self.__dict__:
            self._own += [s for s in value._sources if not any(v is s for v in self._own)]
        if name not in _untracked(type(self)) and (isinstance(value, _HOLDING) or hasattr(value, "update_state")):
            Layer._structure_version += 1
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        value = vars(self).get(name)
        object.__delattr__(self, name)
        if isinstance(value, Variable) and not any(v is value for v in vars(self).values()):
            self._own = [v for v in self._own if v is not value]

    def _tracked(self, *kinds: type) -> list[Any]:
        """Returns the objects of some classes in attributes, and in lists, tuples and dicts there, once each."""
        hidden = _untracked(type(self))
        values = [value for key, value in vars(self).items() if key not in hidden]
        return list({id(x): x for value in values for x in tree.instances_in(value, kinds)}.values())

    @property
    def _layers(self) -> list[Layer]:
        return self._tracked(Layer)

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True, trained: bool = False) -> list[Layer]:
        """Returns the layer and all layers inside it, each once; with ``trained``, without frozen layers and their
        contents.
        """
        found: dict[int, Layer] = {}
        waiting: list[Layer] = [self]
        while waiting:
            layer = waiting.pop()
            if id(layer) not in found and (layer.trainable or not trained):
                found[id(layer)] = layer
                waiting += reversed(layer._layers if recursive or layer is self else [])
        return [x for x in found.values() if include_self or x is not self]

    def _own_variables(self) -> list[Variable]:
        """Returns the variables that the layer made or holds in attributes, trainable ones first."""
        own = list({id(v): v for x in [*self._own, *self._tracked(Variable)] for v in x._sources}.values())
        return [v for v in own if v.trainable] + [v for v in own if not v.trainable]

    _trainable_version = 0  # counts every change of what is trainable, in any layer

    @property
    def trainable(self) -> bool:
        """Whether optimizers may update the variables; setting it also sets it for all layers inside."""
        seen = _trainable_as.get()
        return self._trainable if seen is None else seen.get(self, self._trainable)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        seen = _trainable_as.get()
        for layer in self._flatten_layers():
            layer._trainable = bool(value)
            if seen is not None:
                seen[layer] = bool(value)
        Layer._trainable_version += 1

    # -------------------------------------------------------------------------------------- dtypes

    @property
    def dtype(self) -> str:
        """The dtype of the variables."""
        return self.dtype_policy.variable_dtype

    variable_dtype = dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype of the computation; floating inputs are cast to it."""
        return self.dtype_policy.compute_dtype

    input_dtype = compute_dtype

    # --------------------------------------------------------------------------------------- calls

    def build(self, input_shape: Any) -> None:
        """Creates the variables of the layer; the first call of a layer runs it with the shape of the input.

        Override it in a subclass. It may be called directly, to build a layer before it sees data.

        Args:
            input_shape: tuple of int and None; the shape of the input with the batch, None for sizes that are not
                known. A list or dict of such tuples for several inputs.

        Example:
            >>> from amalthea import layers
            >>> dense = layers.Dense(3)
            >>> dense.build((None, 4))
            >>> dense.built, dense.kernel.shape
            (True, (4, 3))
        """
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the output of the layer; a subclass overrides it.

        Call the layer itself (``layer(x)``), which builds it and prepares the arguments, rather than this method.

        Args:
            *args: inputs of the layer, tensors or nested lists, tuples and dicts of them.
            **kwargs: further inputs; ``training`` and ``mask`` are filled in where the signature names them.

        Shapes: any shape; a subclass decides.

        Raises:
            NotImplementedError: the class does not override the method.

        Example:
            >>> import numpy as np
            >>> from amalthea import Layer
            >>> class Double(Layer):
            ...     def call(self, inputs):
            ...         return inputs * 2
            >>> np.asarray(Double()(np.array([1.0, 2.0], "float32"))).tolist()
            [2.0, 4.0]
        """
        raise NotImplementedError(f"{type(self).__name__} has no call method.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if library_graphs.in_graph((*args, *kwargs.values())):
            return library_graphs.call_in_graph(self._call, args, kwargs)
        try:
            return self._call(*args, **kwargs)
        except Exception as error:
            if calling.is_outermost() and config.is_traceback_filtering_enabled():
                raise error.with_traceback(users_frames(error))  # noqa: B904  # the same error
            raise

    def _call(self, *args: Any, **kwargs: Any) -> Any:
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
            add_location(error, self._location)
            raise

    @property
    def _location(self) -> str:
        """The description of the layer in errors."""
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

    def compute_mask(self, inputs: Nested[TensorLike], previous_mask: Nested[TensorLike | None]) -> Any:
        """Returns the mask of the output; this base method passes the mask of the input on.

        It is used only if ``supports_masking`` is True.

        Args:
            inputs: tensor, or nested tensors; the first argument of the call.
            previous_mask: bool tensor, None, or nested like the inputs; True for time steps that count.

        Shapes: a mask is ``(batch, time)``.

        Returns: the mask of the output, or None.

        Example:
            >>> import numpy as np
            >>> from amalthea import layers
            >>> words = layers.Embedding(10, 4, mask_zero=True)
            >>> np.asarray(words.compute_mask(np.array([[5, 0]]))).tolist()
            [[True, False]]
        """
        return previous_mask

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Returns symbolic tensors with the shapes and dtypes that a call would give, without computing values.

        The layer must be built.

        Args:
            *args: arguments of the call; symbolic tensors or arrays.
            **kwargs: arguments of the call by name.

        Shapes: inputs and outputs of the call, such as ``(batch, features) -> (batch, units)`` for Dense.

        Example:
            >>> from amalthea import Input, layers
            >>> dense = layers.Dense(3)
            >>> dense.build((None, 4))
            >>> spec = dense.compute_output_spec(Input((4,)))
            >>> spec.shape, spec.dtype
            ((None, 3), 'float32')
        """
        return record(Unnamed("spec"), self._prepare_and_run, args, kwargs)

    def _prepare_and_run(self, *args: Any, **kwargs: Any) -> Any:
        return calling.run(self, *calling.prepared(self, args, kwargs))

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """Returns the shape of the output for inputs of given shapes; the layer is built if it is not yet.

        Args:
            *args: tuples of int and None, shapes of the inputs with the batch; nested for nested inputs.
            **kwargs: shapes by name, such as ``query_shape``, for the parameters of ``call`` without ``_shape``.

        Returns: tuple of int and None, or nested tuples for several outputs.

        Example:
            >>> from amalthea import layers
            >>> layers.Dense(3).compute_output_shape((None, 4))
            (None, 3)
        """
        return building.output_shape(self, args, kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Does the same as :meth:`compute_output_spec`, under Keras's name.

        Args:
            *args: arguments of the call; symbolic tensors or arrays.
            **kwargs: arguments of the call by name.

        Shapes: inputs and outputs of the call, such as ``(batch, features) -> (batch, units)`` for Dense.

        Example:
            >>> from amalthea import Input, layers
            >>> layers.Flatten().symbolic_call(Input((4, 3))).shape
            (None, 12)
        """
        return self.compute_output_spec(*args, **kwargs)

    def stateless_call(
        self,
        trainable_variables: Sequence[TensorLike],
        non_trainable_variables: Sequence[TensorLike],
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Runs the call as a pure function of the values of the variables.

        The variables of the layer keep their values. The layer must be built.

        Args:
            trainable_variables: list of arrays; values in the order of ``layer.trainable_variables``.
            non_trainable_variables: list of arrays; values in the order of ``layer.non_trainable_variables``.
            *args: arguments of the call.
            return_losses: bool; whether the losses of the call are returned too. Defaults to False.
            **kwargs: arguments of the call by name, such as ``training``.

        Shapes: each value has the shape of its variable; inputs and outputs are those of the call, such as ``(batch,
            features) -> (batch, units)`` for Dense.

        Returns: tuple ``(outputs, non_trainable_variables)`` with the new values of the non-trainable variables; with
            ``return_losses`` also the list of losses.

        Raises:
            ArgumentError: the number of values differs from the number of variables.

        Example:
            >>> import numpy as np
            >>> from amalthea import layers
            >>> dense = layers.Dense(1, use_bias=False)
            >>> dense.build((None, 2))
            >>> kernel, x = np.array([[1.0], [10.0]], "float32"), np.array([[3.0, 4.0]], "float32")
            >>> y, state = dense.stateless_call([kernel], [], x)
            >>> np.asarray(y).tolist(), state
            ([[43.0]], [])
        """
        trained, others = self.trainable_variables, self.non_trainable_variables
        values = [*trainable_variables, *non_trainable_variables]
        outputs, after = call_stateless(lambda: self(*args, **kwargs), [*trained, *others], values)
        result = (outputs, after[len(trained) :])
        return (*result, self.losses) if return_losses else result

    def rematerialized_call(self, layer_call: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """Returns a call of the layer as the :class:`RematScope` around its construction wants it.

        Args:
            layer_call: callable; the ``call`` of the layer.
            *args: arguments of the call.
            **kwargs: arguments of the call by name.

        Returns: ``layer_call``, or the same with intermediate values that are computed again in the backward pass.

        Example:
            >>> from amalthea import layers
            >>> dense = layers.Dense(2)
            >>> dense.rematerialized_call(dense.call) == dense.call
            True
        """
        scope = self._remat_scope
        return layer_call if scope is None else remat_scope.applied(scope, self, layer_call, args, kwargs)

    # -------------------------------------------------------------------------------------- losses

    def add_loss(self, loss: TensorLike | Sequence[TensorLike]) -> None:
        """Adds a loss that was computed in ``call`` to the total loss of training.

        Losses of a call stand in ``layer.losses`` until the next call of the outermost layer. A symbolic tensor that is
        computed from a model's inputs stays, and is computed in each step.

        Args:
            loss: scalar tensor, or a list of them.

        Shapes: each loss is a scalar, ``()``.

        Example:
            >>> import numpy as np
            >>> from amalthea import Layer, ops
            >>> class Sparse(Layer):
            ...     def call(self, inputs):
            ...         self.add_loss(0.1 * ops.sum(ops.abs(inputs)))
            ...         return inputs
            >>> layer = Sparse()
            >>> y = layer(np.array([1.0, -2.0], "float32"))
            >>> [float(loss) for loss in layer.losses]
            [0.3]
        """
        losses = list(loss) if isinstance(loss, (list, tuple)) else [loss]
        kept = [x for x in losses if remembers(x)]
        if kept:
            self._losses = (*self._losses, *kept)
            getattr(self, "_forget_compiled", lambda: None)()
        losses = [x for x in losses if not remembers(x)]
        calling.added.add(self, losses)
        scope = collecting()
        if scope is not None:
            scope.losses += losses

    def add_metric(self, value: TensorLike, name: str | None = None, aggregation: str | None = None) -> None:
        """Reports the mean of a value that is computed in ``call``, beside the metrics of the model.

        Args:
            value: tensor of any shape; its mean over the batches of an epoch is reported.
            name: str; name in the logs. Defaults to None, which takes the name of the layer.
            aggregation: accepted as in Keras 2; the mean is always taken. Defaults to None.

        Shapes: any shape.

        Example:
            >>> import numpy as np
            >>> from amalthea import Sequential, layers, ops
            >>> class Watched(layers.Dense):
            ...     def call(self, inputs):
            ...         self.add_metric(ops.mean(inputs), name="level")
            ...         return super().call(inputs)
            >>> model = Sequential([layers.Input((3,)), Watched(1)])
            >>> model.compile("sgd", "mse")
            >>> model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0).history["level"]
            [1.0]
        """
        if outlining.get():  # the call is made for its types
            return
        name = name or self.name
        if name not in self._added_metrics:
            self._added_metrics = {**self._added_metrics, name: Mean(name=name)}
        self._added_metrics[name].update_state(value)

    @property
    def metrics(self) -> list[Any]:
        """The metrics in attributes of the layer and of the layers inside it, and those of :meth:`add_metric`."""
        own = [metric for layer in self._flatten_layers() for metric in layer._tracked(Metric)]
        return list({id(metric): metric for metric in own}.values())

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of all metrics, in the order of :attr:`metrics`."""
        return [variable for metric in self.metrics for variable in metric.variables]

    @property
    def losses(self) -> list[Any]:
        """The losses added in the last call, and the penalties of the regularizers of the weights."""
        added = [loss for layer in self._flatten_layers() for loss in (*layer._losses, *calling.added.of(layer))]
        penalties = [v.regularizer(v) for v in self.trainable_weights if v.regularizer is not None]
        return added + penalties

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


_HOLDING = (Layer, Variable, SeedGenerator, *tree.CONTAINERS)


@cache
def _untracked(kind: type) -> frozenset[str]:
    """Returns the names of attributes in which no layers and variables are looked for."""
    named = [name for above in kind.__mro__ for name in vars(above).get("_not_tracked", ())]
    return frozenset({"_calls", "_given", "_losses", "_own", *named})


@contextmanager
def trainable_as(flags: dict[Any, bool]) -> Generator[None]:
    """Overrides ``trainable`` of the layers in ``flags`` while the context is open."""
    token = _trainable_as.set(flags)
    try:
        yield
    finally:
        _trainable_as.reset(token)
