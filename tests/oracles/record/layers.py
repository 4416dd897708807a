"""What Keras's layers answer: outputs, masks, weights and gradients."""

import jax
import keras
import numpy as np
from keras import tree

from ..build import construct
from ..cases.layers import CASES
from ..draws import cotangent, draw, draw_weight, generator


def records():
    """A record for every case.

    Beside the case's own fields: ``inputs``, ``arguments`` and ``masks`` as arrays; ``weights`` and ``weight_facts``
    (name, path, shape, trainable); ``outputs``, ``earlier_outputs`` (of the calls before the last), ``output_mask``,
    ``losses`` (what its regularizers add); ``weights_after`` (None where no weight changed); ``input_gradients``,
    ``argument_gradients`` and ``weight_gradients`` (None in the place of what is not a float or not trained);
    ``get_config``; ``output_shape`` (for a batch of unknown size).
    """
    return [record(case) for case in CASES]


def record(case):
    keras.utils.clear_session()
    source = generator(case.id)
    facts = {name: draw(getattr(case, name), source) for name in ("inputs", "arguments", "masks")}
    layer = construct(keras, "layers", case.class_name, case.config)
    build(layer, case, facts["inputs"])
    weights = [draw_weight(weight.name, weight.shape, source) for weight in layer.weights]
    layer.set_weights(weights)
    answer = traced if case.traced else called
    return {
        **vars(case),
        **facts,
        "weights": weights,
        "weight_facts": [
            {"name": w.name, "path": w.path, "shape": list(w.shape), "trainable": bool(w.trainable)}
            for w in layer.weights
        ],
        "get_config": layer.get_config(),
        "output_shape": output_shape(layer, case, facts["inputs"]),
        "output_mask": output_mask(layer, case, facts),
        **answer(layer, case, facts, weights),
    }


def gathered(case, inputs):
    """The positional arguments that the inputs make."""
    return [list(inputs)] if case.gather == "list" else list(inputs)


def build(layer, case, inputs):
    if case.traced:
        symbols = [keras.KerasTensor(array.shape, dtype=str(array.dtype)) for array in inputs]
        layer(*gathered(case, symbols))


def output_shape(layer, case, inputs):
    """The output's shape for a batch of unknown size; None where Keras cannot tell."""
    shapes = [(None, *array.shape[1:]) for array in inputs]
    try:
        return layer.compute_output_shape(*gathered(case, shapes))
    except (NotImplementedError, ValueError, TypeError, AttributeError):
        return None


def output_mask(layer, case, facts):
    masks = facts["arguments"].get("mask", facts["masks"] or None)
    if not layer.supports_masking:
        return None
    if case.masks and case.gather == "one":
        masks = masks[0]
    tensors = gathered(case, [jax.numpy.asarray(array) for array in facts["inputs"]])
    mask = layer.compute_mask(*tensors, masks) if case.gather != "positional" else None
    return tree.map_structure(lambda m: None if m is None else np.asarray(m), mask)


def is_float(array):
    return np.issubdtype(array.dtype, np.floating)


def called(layer, case, facts, weights):
    """The outputs alone, from a plain call."""
    outputs = layer(*gathered(case, facts["inputs"]), **facts["arguments"], **case.call)
    return {"outputs": [np.asarray(out) for out in tree.flatten(outputs)], **NOTHING}


NOTHING = {
    "earlier_outputs": [],
    "losses": [],
    "weights_after": None,
    "input_gradients": None,
    "argument_gradients": None,
    "weight_gradients": None,
}


def traced(layer, case, facts, weights):
    """Outputs, changed weights and gradients, from one compiled call."""
    arrays = {"inputs": facts["inputs"], "arguments": facts["arguments"]}
    flat = tree.flatten(arrays)
    floats = [array for array in flat if is_float(array)]

    def total(trainable, floats):
        rest = iter(floats)
        every = tree.pack_sequence_as(arrays, [next(rest) if is_float(a) else jax.numpy.asarray(a) for a in flat])
        values = [*trainable, *(v.value for v in layer.non_trainable_variables)]
        variables = [*layer.trainable_variables, *layer.non_trainable_variables]
        # Not `stateless_call`, which leaves out what only `__call__` does: the activity's regularizer.
        with keras.StatelessScope(list(zip(variables, values, strict=True)), collect_losses=True) as scope:
            outputs = layer(*gathered(case, every["inputs"]), **every["arguments"], **case.call)
            losses = layer.losses
        state = [scope.get_current_value(v) for v in layer.non_trainable_variables]
        outputs = tree.flatten(outputs)
        parts = [(out * cotangent(out.shape, i)).sum() for i, out in enumerate(outputs) if is_float(out)]
        return sum(parts, jax.numpy.zeros(())), (outputs, state, losses)

    earlier = []
    for _ in range(case.calls - 1):
        outputs = layer(*gathered(case, facts["inputs"]), **facts["arguments"], **case.call)
        earlier.append([np.asarray(out) for out in tree.flatten(outputs)])
    trainable = [v.value for v in layer.trainable_variables]
    (_, (outputs, state, losses)), (weight_gradients, float_gradients) = jax.jit(
        jax.value_and_grad(total, argnums=(0, 1), has_aux=True)
    )(trainable, floats)
    rest = iter(float_gradients)
    gradients = tree.pack_sequence_as(arrays, [np.asarray(next(rest)) if is_float(a) else False for a in flat])
    return {
        "outputs": [np.asarray(out) for out in outputs],
        "earlier_outputs": earlier,
        "losses": [float(loss) for loss in losses],
        "weights_after": weights_after(layer, state, weights),
        "input_gradients": without_false(gradients["inputs"]),
        "argument_gradients": without_false(gradients["arguments"]),
        "weight_gradients": by_weight(layer, weight_gradients),
    }


def without_false(value):
    """None where there is no gradient: `tree` would drop a None, so False stands for it until here."""
    if isinstance(value, dict):
        return {key: without_false(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_false(item) for item in value]
    return None if value is False else value


def by_weight(layer, gradients):
    """The gradients in the order of the weights, None for those that are not trained."""
    of = {id(v): np.asarray(g) for v, g in zip(layer.trainable_variables, gradients, strict=True)}
    return [of.get(id(weight)) for weight in layer.weights]


def weights_after(layer, state, before):
    """The weights after the call, or None where it changed none."""
    new = {id(v): np.asarray(value) for v, value in zip(layer.non_trainable_variables, state, strict=True)}
    after = [new.get(id(weight), old) for weight, old in zip(layer.weights, before, strict=True)]
    return None if all(np.array_equal(a, b) for a, b in zip(after, before, strict=True)) else after
