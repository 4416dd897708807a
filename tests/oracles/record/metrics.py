"""What Keras's metrics answer after each update."""

import keras
import numpy as np

from ..build import construct
from ..cases.metrics import CASES
from ..draws import draw, generator


def records():
    """For every case its fields with their arrays, and

    ``results``: that of a new metric, then that after each update;
    ``variables``: name, shape, dtype and final value of each; ``result_after_reset``; ``get_config``.
    """
    return [record(case) for case in CASES]


def record(case):
    keras.utils.clear_session()
    updates = draw(list(case.updates), generator(case.id))
    metric = construct(keras, "metrics", case.class_name, plain(case))
    results = [first_result(metric)]
    for step in updates:
        metric.update_state(*step["arguments"], sample_weight=step["sample_weight"])
        results.append(np.asarray(metric.result()))
    variables = [
        {"name": v.name, "shape": list(v.shape), "dtype": str(v.dtype), "value": np.asarray(v.value)}
        for v in metric.variables
    ]
    metric.reset_state()
    return {
        **vars(case),
        "updates": updates,
        "results": results,
        "variables": variables,
        "result_after_reset": first_result(metric),
        "get_config": None if "fn" in case.config else metric.get_config(),
    }


def plain(case):
    """A wrapped function is given by its name in `losses`."""
    if "fn" not in case.config:
        return case.config
    return {**case.config, "fn": getattr(keras.losses, case.config["fn"])}


def first_result(metric):
    """The result before any update; None for a metric that has no variables until then."""
    try:
        return np.asarray(metric.result())
    except AttributeError:
        return None
