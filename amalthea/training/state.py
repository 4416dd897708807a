"""The state of a model's training, and the backend it runs on."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from amalthea import config, docstrings
from amalthea.engine import backends
from amalthea.engine.ir.scope import current_trace
from amalthea.errors import ArgumentError, NotCompiledError, nearest, users_frames
from amalthea.training import shares
from amalthea.training.contents import Contents

Method = TypeVar("Method", bound=Callable[..., Any])


def on_model_backend(method: Method) -> Method:
    """Runs a method of a model on the backend that the model was moved to, if it was; errors show the user's frames."""

    @functools.wraps(method)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            if self._model_backend is None or current_trace() is not None:
                return method(self, *args, **kwargs)
            with backends.use_backend(self._model_backend):
                return method(self, *args, **kwargs)
        except Exception as error:
            if config.is_traceback_filtering_enabled():
                raise error.with_traceback(users_frames(error))  # noqa: B904  # the same error
            raise

    return run  # type: ignore[return-value]


if TYPE_CHECKING:  # only Model derives from it, which is a layer too
    from amalthea.layers import Layer as LayerToo
else:
    LayerToo = object


class State(LayerToo):
    """Attributes of a model that ``compile`` and training set."""

    _loss: Any
    _compiled_metrics: list[Any]
    _loss_tracker: Any
    _step_grouping: Any
    _devices: Any = None  # those that ``fit`` uses if it is not told any
    run_eagerly: bool = docstrings.attribute("Whether steps run as plain Python rather than compiled.")
    jit_compile: Any = docstrings.attribute("The argument of ``compile``; everything is compiled here.")

    def __init__(self) -> None:
        self._model_backend: str | None = None
        self.compiled = False
        self.optimizer: Any = None
        self.loss: Any = None
        self.stop_training = False
        self.history: Any = None
        self.run_eagerly, self.jit_compile = False, "auto"
        self.train_function = self.test_function = self.predict_function = None
        self.steps_per_execution: Any = 1
        self._compile_config: dict[str, Any] | None = None
        self._shares = shares.Shares()
        self._seen_trainable: Any = None
        self._forget_compiled()

    def _forget_compiled(self) -> None:
        """Drop the traced steps: what they hold is no longer the model."""
        self._steps: dict[str, Any] = {}
        self._is_ready = False
        self._contents = Contents()
        self._logged: list[str] = []
        self._output_types: dict[str, Any] = {}
        self._directions: dict[str, str | None] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_steps": {}, "_shares": shares.Shares()}  # sessions are made again, not copied

    def _require_compiled(self, verb: str) -> None:
        """Raises an error if the model is not compiled."""
        if not self.compiled:
            raise NotCompiledError(
                f"The model must be compiled before it can {verb}.",
                cure="model.compile(optimizer='adam', loss='mse') first",
            )


def refuse_unknown(verb: str, given: dict[str, Any], function: Any, allowed: Any = ()) -> None:
    unknown = [name for name in given if name not in allowed]
    if unknown:
        known = [name for name in inspect.signature(function).parameters if name not in ("self", "kwargs")]
        cure = nearest(unknown[0], known)
        raise ArgumentError(f"{verb} has no argument {unknown[0]!r}.", got=", ".join(unknown), cure=cure)
