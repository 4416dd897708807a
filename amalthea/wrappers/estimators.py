"""The estimators: a model, or a function that makes one, with the methods that scikit-learn calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from amalthea import docstrings
from amalthea.errors import ArgumentError, MissingLibraryError, NotCompiledError, brief
from amalthea.models import Model, clone_model

try:
    import sklearn.utils.multiclass as multiclass
    import sklearn.utils.validation as validation
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
except ImportError:  # the classes exist without scikit-learn, and say what they need when they are made
    multiclass: Any = None
    validation: Any = None
    BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin = (
        type(name, (), {}) for name in ("BaseEstimator", "ClassifierMixin", "RegressorMixin", "TransformerMixin")
    )

docstrings.share(
    "estimator",
    """
    model: Model that is compiled, of which each ``fit`` trains a copy with new weights; or a function of ``X``, ``y``
        and ``model_kwargs`` that returns such a model.
    warm_start: bool; whether ``fit`` goes on with the model of the ``fit`` before. Defaults to False.
    model_kwargs: dict; further arguments of the function. Defaults to None.
    fit_kwargs: dict; arguments of ``Model.fit``, such as ``epochs``. Defaults to None.
    """,
)
docstrings.share("data of an estimator", "X: array of features.")


class _Estimator(BaseEstimator):  # type: ignore[misc,valid-type]
    """Base of the estimators: parameters, data, fitting."""

    model: Any
    model_: Any

    def __init__(
        self,
        model: Any,
        warm_start: bool = False,
        model_kwargs: Mapping[str, Any] | None = None,
        fit_kwargs: Mapping[str, Any] | None = None,
    ):
        if validation is None:
            raise MissingLibraryError(
                f"{type(self).__name__} needs scikit-learn, which is not installed.",
                cure="pip install amalthea[sklearn]",
            )
        self.model, self.warm_start, self.model_kwargs, self.fit_kwargs = model, warm_start, model_kwargs, fit_kwargs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags

    @property
    def epoch_(self) -> int:
        """Number of epochs of the last ``fit``."""
        history = getattr(self, "history_", None)
        return 0 if history is None else len(history.epoch)

    @docstrings.fill
    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        """Trains a model.

        Args:
            |data of an estimator|
            y: array of targets.
            **kwargs: arguments of ``Model.fit``, which come before ``fit_kwargs``.

        Shapes:
            (rows, features), (rows,) or (rows, outputs)

        Returns:
            The estimator.

        Raises:
            ArgumentError: ``model`` is neither a model nor a function that returns one.
            NotCompiledError: the model is not compiled with a loss and an optimizer.
        """
        X, y = validation.validate_data(self, X, y, multi_output=self._takes_several_targets)
        X, y, kwargs = _weighted_rows(X, y, kwargs)
        targets = self._encoded(y)
        model = self.model_ if self.warm_start and hasattr(self, "model_") else self._new_model(X, targets)
        self.history_ = model.fit(X, targets, **{"verbose": 0, **(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    _takes_several_targets = True

    def _new_model(self, X: Any, y: Any) -> Any:
        if isinstance(self.model, Model):
            model = clone_model(self.model)
            if not model.compiled and self.model.compiled:
                model.compile_from_config(self.model.get_compile_config() or {})
        elif callable(self.model):
            model = self.model(X=X, y=y, **(self.model_kwargs or {}))
        else:
            model = None
        if not isinstance(model, Model):
            raise ArgumentError(
                f"{type(self).__name__} trains a model.",
                expected="a compiled Model, or a function of X and y that returns one",
                got=brief(self.model),
            )
        if not model.compiled or model.loss is None or model.optimizer is None:
            raise NotCompiledError(
                "The model has to be compiled with a loss and an optimizer.", cure='model.compile("adam", "mse")'
            )
        return model

    def _encoded(self, y: Any) -> Any:
        """Returns targets with two axes."""
        if multiclass.type_of_target(y) == "unknown":
            raise ArgumentError(
                f"Unknown label type for {type(self).__name__}: numbers or labels are needed.", got=brief(y)
            )
        self._n_target_axes = y.ndim
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _outputs(self, X: Any) -> np.ndarray:
        validation.check_is_fitted(self)
        X = validation.validate_data(self, X, reset=False)
        return np.asarray(self.model_.predict(X, verbose=0))

    @docstrings.fill
    def predict(self, X: Any) -> np.ndarray:
        """Predicts targets.

        Args:
            |data of an estimator|

        Shapes:
            (rows, features) -> (rows,) or (rows, outputs), as the targets of ``fit``

        Raises:
            NotFittedError: of scikit-learn; there was no ``fit``.
        """
        return self._decoded(self._outputs(X))

    def _decoded(self, outputs: np.ndarray) -> np.ndarray:
        return outputs[:, 0] if self._n_target_axes == 1 and outputs.ndim == 2 else outputs


def _weighted_rows(X: Any, y: Any, options: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """Leaves out rows whose weight is 0: their classes are not learnt."""
    weights = options.get("sample_weight")
    if weights is None or np.shape(weights) != (len(X),) or np.all(weights):
        return X, y, options
    kept = np.asarray(weights) != 0
    return X[kept], y[kept], {**options, "sample_weight": np.asarray(weights)[kept]}


class SKLearnClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc,valid-type]
    """A model as a classifier of scikit-learn. The model learns one-hot labels; the largest output is the class.

    Args:
        |estimator|

    Shapes: ``(rows, features) -> (rows,)``

    Raises:
        MissingLibraryError: scikit-learn is not installed.

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, layers, utils, wrappers
        >>> def build(X, y):
        ...     utils.set_random_seed(0)
        ...     model = Sequential([layers.Input((X.shape[1],)), layers.Dense(y.shape[1], "softmax")])
        ...     model.compile("adam", "categorical_crossentropy")
        ...     return model
        >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array(["a", "b", "b"])
        >>> wrappers.SKLearnClassifier(build, fit_kwargs={"epochs": 2}).fit(X, y).predict(X).shape
        (3,)
    """

    _takes_several_targets = False

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags

    def _encoded(self, y: Any) -> Any:
        multiclass.check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) == 1:
            raise ArgumentError(
                "Classifier can't train when only one class is present.",
                expected="two classes or more, in rows whose sample_weight is not 0",
                got=1,
            )
        return np.eye(len(self.classes_), dtype="float32")[numbers.ravel()]

    def _decoded(self, outputs: np.ndarray) -> np.ndarray:
        return self.classes_[np.argmax(outputs, axis=-1)]

    @docstrings.fill
    def decision_function(self, X: Any) -> np.ndarray:
        """Computes the confidence in each class: the outputs of the model.

        Args:
            |data of an estimator|

        Shapes:
            (rows, features) -> (rows, classes); for two classes (rows,), above 0 for the second one

        Raises:
            NotFittedError: of scikit-learn; there was no ``fit``.
        """
        outputs = self._outputs(X)
        return outputs[:, 1] - outputs[:, 0] if len(self.classes_) == 2 else outputs


class SKLearnRegressor(RegressorMixin, _Estimator):  # type: ignore[misc,valid-type]
    """A model as a regressor of scikit-learn.

    Args:
        |estimator|

    Shapes: ``(rows, features) -> (rows,)``, or ``(rows, outputs)`` for targets of two axes.

    Raises:
        MissingLibraryError: scikit-learn is not installed.

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, layers, wrappers
        >>> model = Sequential([layers.Input((1,)), layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 2.0, 4.0])
        >>> regressor = wrappers.SKLearnRegressor(model, fit_kwargs={"epochs": 300})
        >>> bool(regressor.fit(X, y).score(X, y) > 0.9)
        True
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        tags.target_tags.multi_output = True
        return tags

    def _decoded(self, outputs: np.ndarray) -> np.ndarray:
        return super()._decoded(outputs).astype("float64")


class SKLearnTransformer(TransformerMixin, _Estimator):  # type: ignore[misc,valid-type]
    """A model as a transformer of scikit-learn: ``transform`` gives its outputs.

    Args:
        |estimator|

    Shapes: ``(rows, features) -> (rows, outputs)``

    Raises:
        MissingLibraryError: scikit-learn is not installed.

    Example:
        >>> import numpy as np
        >>> from amalthea import Sequential, layers, wrappers
        >>> model = Sequential([layers.Input((1,)), layers.Dense(2)])
        >>> model.compile("sgd", "mse")
        >>> X = np.array([[0.0], [1.0], [2.0]])
        >>> wrappers.SKLearnTransformer(model).fit(X, np.zeros((3, 2))).transform(X).shape
        (3, 2)
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    @docstrings.fill
    def transform(self, X: Any) -> np.ndarray:
        """Computes the outputs of the model.

        Args:
            |data of an estimator|

        Shapes:
            (rows, features) -> (rows, outputs)

        Raises:
            NotFittedError: of scikit-learn; there was no ``fit``.
        """
        return self._outputs(X)


if validation is not None:
    for _cls in (SKLearnClassifier, SKLearnRegressor, SKLearnTransformer):
        docstrings.fill(_cls)
