"""Models as estimators of scikit-learn (``pip install amalthea[sklearn]``), for its pipelines and searches.

def build(X, y, units=8):
    model = Sequential([Input(X.shape[1:]), layers.Dense(units), layers.Dense(y.shape[1], "softmax")])
    model.compile("adam", "categorical_crossentropy")
    return model

GridSearchCV(SKLearnClassifier(build), {"model_kwargs": [{"units": 8}, {"units": 16}]}).fit(X, y)
"""

from amalthea.names import missing_in as _missing_in
from amalthea.wrappers.estimators import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]

__getattr__ = _missing_in("wrappers")
