"""What Keras's optimizers make of two parameters."""

import jax
import keras
import numpy as np

from ..build import construct
from ..cases.optimizers import CASES, FACTORS, GRADIENTS, NAMES, PARAMETERS
from ..draws import draw, generator


def records():
    """For every case its fields, and

    ``parameters``: where they start; ``gradients``: those of each step, already multiplied by the case's factors;
    ``steps``: the parameters after each step; ``variables``: name, path, shape, dtype and final value of each of the
    optimizer's; ``learning_rates`` before each step; ``finalized``: the parameters after `finalize_variable_values`,
    None without an average; ``get_config``.
    """
    source = generator("optimizers")
    parameters, gradients = draw(PARAMETERS, source), draw(GRADIENTS, source)
    return [record(case, parameters, gradients) for case in CASES]


def record(case, parameters, gradients):
    keras.utils.clear_session()
    factors = FACTORS[case.special]
    gradients = [[g * np.float32(factor) for g in step] for step, factor in zip(gradients, factors, strict=True)]
    trained = [keras.Variable(value, name=name) for value, name in zip(parameters, NAMES, strict=True)]
    optimizer = construct(keras, "optimizers", case.class_name, case.config)
    optimizer.build(trained)
    # Not `optimizer.apply`: LossScaleOptimizer's fails on JAX. `fit` calls this one too.
    apply = jax.jit(optimizer.stateless_apply)
    steps, rates = [], []
    for step in gradients:
        rates.append(float(optimizer.learning_rate))
        values, state = apply([v.value for v in optimizer.variables], step, [v.value for v in trained])
        for variable, value in zip([*trained, *optimizer.variables], [*values, *state], strict=True):
            variable.assign(value)
        steps.append(now(trained))
    variables = [
        {"name": v.name, "path": v.path, "shape": list(v.shape), "dtype": str(v.dtype), "value": np.asarray(v.value)}
        for v in optimizer.variables
    ]
    return {
        **vars(case),
        "parameters": parameters,
        "gradients": gradients,
        "steps": steps,
        "variables": variables,
        "learning_rates": rates,
        "finalized": finalized(case, optimizer, trained),
        "get_config": optimizer.get_config(),
    }


def now(variables):
    return [np.array(v.value) for v in variables]


def finalized(case, optimizer, trained):
    if not case.config.get("use_ema"):
        return None
    optimizer.finalize_variable_values(trained)
    return now(trained)
