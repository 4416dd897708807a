"""``keras.wrappers.scikit_learn``: functions that build models as estimators, as in Keras 1 and 2.

:mod:`amalthea.wrappers` is today's way.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from amalthea.errors import ArgumentError, MissingLibraryError, NotBuiltError, nearest
from amalthea.models.model import Model
from amalthea.utils.numerical import to_categorical
from amalthea.wrappers import estimators
from amalthea.wrappers.estimators import BaseEstimator, ClassifierMixin, RegressorMixin

RENAMED = {"nb_epoch": "epochs"}


def _names(function: Any) -> set[str]:
    return {
        RENAMED.get(p.name, p.name) for p in inspect.signature(function).parameters.values() if p.kind != p.VAR_KEYWORD
    } - {"self"}


class BaseWrapper(BaseEstimator):
    """A function that builds a compiled model, with arguments of it, of ``fit`` and of ``predict``.

    Args:
        build_fn: callable; returns a compiled model. Defaults to None: a subclass has ``__call__``.
        **sk_params: arguments of ``build_fn``, ``fit``, ``predict`` and ``evaluate``, by name.

    Raises:
        ArgumentError: an argument belongs to none of them.
        MissingLibraryError: scikit-learn is not installed.
    """

    model: Any = None

    def __init__(self, build_fn: Callable[..., Any] | None = None, **sk_params: Any):
        if estimators.validation is None:
            raise MissingLibraryError(
                f"{type(self).__name__} needs scikit-learn, which is not installed.",
                cure="pip install amalthea[sklearn]",
            )
        self.build_fn = build_fn
        self.sk_params = sk_params
        self.check_params(sk_params)

    @property
    def _builder(self) -> Any:
        return self.__call__ if self.build_fn is None else self.build_fn  # type: ignore[attr-defined]

    def check_params(self, params: dict[str, Any]) -> None:
        """Checks that each argument belongs to the function, ``fit``, ``predict`` or ``evaluate``.

        Args:
            params: dict of arguments by name.

        Raises:
            ArgumentError: an argument belongs to none of them.
        """
        known = {"nb_epoch"}.union(*map(_names, (Model.fit, Model.predict, Model.evaluate, self._builder)))
        for name in params:
            if name not in known:
                raise ArgumentError(
                    f"{name!r} is an argument neither of the function that builds the model nor of fit.",
                    got=name,
                    cure=nearest(name, sorted(known)),
                )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Returns the function and the arguments.

        Args:
            deep: bool; accepted as in scikit-learn and not used. Defaults to True.
        """
        return {**self.sk_params, "build_fn": self.build_fn}

    def set_params(self, **params: Any) -> Any:
        """Changes arguments.

        Args:
            **params: arguments by name.

        Raises:
            ArgumentError: an argument belongs to none of the functions.
        """
        params = dict(params)
        if "build_fn" in params:
            self.build_fn = params.pop("build_fn")
        self.check_params(params)
        self.sk_params = {**self.sk_params, **params}
        return self

    def filter_sk_params(self, fn: Any, override: dict[str, Any] | None = None) -> dict[str, Any]:
        """Returns the arguments that a function takes.

        Args:
            fn: callable.
            override: dict; arguments that come before those of the estimator. Defaults to None.
        """
        given = {**self.sk_params, **(override or {})}
        taken = inspect.signature(fn).parameters
        found = {k: v for k, v in given.items() if k in taken}
        renamed = {RENAMED[k]: v for k, v in given.items() if k not in taken and RENAMED.get(k) in taken}
        return {**renamed, **found}

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Builds a model and trains it.

        Args:
            x: array of features.
            y: array of targets.
            **kwargs: arguments of ``Model.fit``.

        Shapes: (rows, features), (rows,) or (rows, outputs).

        Returns: the history of the training.
        """
        self.model = self._builder(**self.filter_sk_params(self._builder))
        return self.model.fit(x, self._targets(y), **self.filter_sk_params(Model.fit, kwargs))

    def _targets(self, y: Any) -> Any:
        y = np.asarray(y)
        loss = getattr(self.model.loss, "__name__", getattr(self.model.loss, "name", self.model.loss))
        return to_categorical(y) if loss == "categorical_crossentropy" and y.ndim != 2 else y

    def _trained(self) -> Any:
        if self.model is None:
            raise NotBuiltError(f"{type(self).__name__} has no model before it is trained.", cure="fit(x, y)")
        return self.model

    def _outputs(self, x: Any, kwargs: dict[str, Any]) -> np.ndarray:
        return np.asarray(self._trained().predict(x, **{"verbose": 0, **self.filter_sk_params(Model.predict, kwargs)}))

    def _evaluated(self, x: Any, y: Any, kwargs: dict[str, Any]) -> dict[str, float]:
        model = self._trained()
        options = {"verbose": 0, **self.filter_sk_params(Model.evaluate, kwargs)}
        return model.evaluate(x, self._targets(y), return_dict=True, **options)


class KerasClassifier(ClassifierMixin, BaseWrapper):
    """A function that builds a compiled model, as a classifier of scikit-learn.

    Args:
        build_fn: callable; returns a compiled model. Defaults to None: a subclass has ``__call__``.
        **sk_params: arguments of ``build_fn``, ``fit``, ``predict`` and ``evaluate``, by name.

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, layers
        >>> from amalthea.compat.scikit_learn import KerasClassifier
        >>> def build(units=2):
        ...     model = Sequential([layers.Input((1,)), layers.Dense(units, "tanh"), layers.Dense(2, "softmax")])
        ...     model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
        ...     return model
        >>> x, y = np.array([[0.0], [1.0]]), np.array(["a", "b"])
        >>> classifier = KerasClassifier(build, units=4, nb_epoch=1, verbose=0)
        >>> _ = classifier.fit(x, y)
        >>> classifier.predict_proba(x).shape, classifier.predict(x).dtype.kind
        ((2, 2), 'U')
    """

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Any:
        y = np.asarray(y)
        self.classes_ = np.arange(y.shape[1]) if y.ndim == 2 and y.shape[1] > 1 else np.unique(y)
        self.n_classes_ = len(self.classes_)
        return super().fit(x, y, **kwargs)

    def _targets(self, y: Any) -> Any:
        y = np.asarray(y)
        return super()._targets(y if y.ndim == 2 and y.shape[1] > 1 else np.searchsorted(self.classes_, y.ravel()))

    def predict(self, x: Any, **kwargs: Any) -> np.ndarray:
        """Predicts classes.

        Args:
            x: array of features.
            **kwargs: arguments of ``Model.predict``.

        Shapes: (rows, features) -> (rows,)
        """
        outputs = self._outputs(x, kwargs)
        several = outputs.ndim > 1 and outputs.shape[-1] > 1
        return self.classes_[np.argmax(outputs, -1) if several else (outputs.reshape(len(outputs)) > 0.5).astype(int)]

    def predict_proba(self, x: Any, **kwargs: Any) -> np.ndarray:
        """Predicts the probability of each class.

        Args:
            x: array of features.
            **kwargs: arguments of ``Model.predict``.

        Shapes: (rows, features) -> (rows, classes)
        """
        outputs = self._outputs(x, kwargs)
        return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """Returns the accuracy.

        Args:
            x: array of features.
            y: array of classes.
            **kwargs: arguments of ``Model.evaluate``.

        Shapes: (rows, features), (rows,) -> ()

        Raises:
            ArgumentError: the model was compiled without accuracy.
        """
        found = self._evaluated(x, y, kwargs)
        for name in ("acc", "accuracy"):
            if name in found:
                return float(found[name])
        raise ArgumentError(
            "The model does not compute its accuracy.", got=", ".join(found), cure='compile(..., metrics=["accuracy"])'
        )


class KerasRegressor(RegressorMixin, BaseWrapper):
    """A function that builds a compiled model, as a regressor of scikit-learn.

    Args:
        build_fn: callable; returns a compiled model. Defaults to None: a subclass has ``__call__``.
        **sk_params: arguments of ``build_fn``, ``fit``, ``predict`` and ``evaluate``, by name.

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, layers
        >>> from amalthea.compat.scikit_learn import KerasRegressor
        >>> def build():
        ...     model = Sequential([layers.Input((1,)), layers.Dense(1, kernel_initializer="zeros")])
        ...     model.compile("sgd", "mse")
        ...     return model
        >>> x, y = np.array([[0.0], [1.0]]), np.array([0.0, 2.0])
        >>> regressor = KerasRegressor(build, epochs=300, verbose=0)
        >>> _ = regressor.fit(x, y)
        >>> bool(regressor.score(x, y) > -0.1)
        True
    """

    def predict(self, x: Any, **kwargs: Any) -> np.ndarray:
        """Predicts targets.

        Args:
            x: array of features.
            **kwargs: arguments of ``Model.predict``.

        Shapes: (rows, features) -> (rows,) or (rows, outputs)
        """
        outputs = self._outputs(x, kwargs)
        return outputs[..., 0] if outputs.ndim > 1 and outputs.shape[-1] == 1 else outputs

    def score(self, x: Any, y: Any, **kwargs: Any) -> float:
        """Returns minus the loss, so that more is better.

        Args:
            x: array of features.
            y: array of targets.
            **kwargs: arguments of ``Model.evaluate``.

        Shapes: (rows, features), (rows,) -> ()
        """
        return -float(self._evaluated(x, y, kwargs)["loss"])
