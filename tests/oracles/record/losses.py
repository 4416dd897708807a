"""What Keras's losses answer."""

import jax
import keras
import numpy as np

from ..build import construct
from ..cases.losses import CASES, REDUCTIONS
from ..draws import draw, generator


def records():
    """For every case its fields with their arrays, and

    ``values`` and ``weighted_values``: by reduction, without and with the sample weight;
    ``gradient`` and ``weighted_gradient``: of the loss with "sum_over_batch_size", with respect to y_pred;
    ``function_value``: of the plain function; ``get_config``.
    """
    return [record(case) for case in CASES]


def record(case):
    source = generator(case.id)
    y_true, y_pred, weight = (draw(what, source) for what in (case.y_true, case.y_pred, case.sample_weight))
    losses = {
        name: construct(keras, "losses", case.class_name, {**case.config, "reduction": name}) for name in REDUCTIONS
    }

    def measure(weight):
        return {name: np.asarray(loss(y_true, y_pred, sample_weight=weight)) for name, loss in losses.items()}

    def gradient(weight):
        mean = losses["sum_over_batch_size"]
        return np.asarray(jax.grad(lambda p: mean(y_true, p, sample_weight=weight))(jax.numpy.asarray(y_pred)))

    function = getattr(keras.losses, case.function)
    return {
        **vars(case),
        "y_true": y_true,
        "y_pred": y_pred,
        "sample_weight": weight,
        "values": measure(None),
        "weighted_values": measure(weight),
        "gradient": gradient(None),
        "weighted_gradient": gradient(weight),
        "function_value": np.asarray(function(y_true, y_pred, **case.function_config)),
        "get_config": construct(keras, "losses", case.class_name, case.config).get_config(),
    }
