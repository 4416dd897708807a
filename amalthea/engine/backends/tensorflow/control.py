"""Branches and loops: Python loops in eager mode, ``tf.cond`` and ``tf.while_loop`` in a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amalthea.engine.backends.tensorflow.arrays import DTYPES, tf, to_tensor
from amalthea.engine.primitives import Primitive, control


def lowerings(run: Callable[..., Any]) -> dict[Primitive, Any]:
    """Return the lowerings of primitives with subgraphs; ``run`` runs one primitive."""

    def subgraph(graph, values):
        return [to_tensor(x) for x in graph.run(values, run)]

    def cond(predicate, *operands, true_graph, false_graph):
        yes, no = (lambda graph=graph: subgraph(graph, operands) for graph in (true_graph, false_graph))
        return tuple(tf.nest.flatten(tf.cond(predicate, yes, no)))

    def while_loop(*operands, condition, body, captures):
        fixed, carry = operands[:captures], operands[captures:]
        last = tf.while_loop(
            lambda *xs: subgraph(condition, (*fixed, *xs))[0], lambda *xs: subgraph(body, (*fixed, *xs)), list(carry)
        )
        return tuple(tf.nest.flatten(last))

    def scan(*operands, body, captures, carries, length, reverse):
        fixed, carry = operands[:captures], operands[captures : captures + carries]
        sequences = operands[captures + carries :]
        types = [x.type for x in body.outputs[carries:]]

        def step(i, carry):
            outputs = subgraph(body, (*fixed, *carry, *(tf.gather(x, i) for x in sequences)))
            return outputs[:carries], outputs[carries:]

        if length and tf.executing_eagerly():  # unrolled in a graph it was not faster (28 steps of an LSTM)
            return _unrolled(step, carry, length, reverse)
        return _in_while_loop(step, carry, types, length, reverse)

    return {control.cond: cond, control.while_loop: while_loop, control.scan: scan}


def _unrolled(step, carry, length, reverse):
    """Run all steps in Python."""
    kept: list[Any] = [None] * length
    for i in range(length)[::-1] if reverse else range(length):
        carry, outputs = step(i, carry)
        kept[i] = [x[None] for x in outputs]
    return (*carry, *(tf.concat(values, 0) for values in zip(*kept)))


def _in_while_loop(step, carry, types, length, reverse):
    """Run the steps in a ``tf.while_loop``."""
    arrays = [tf.TensorArray(DTYPES[t.dtype], length, element_shape=t.shape) for t in types]

    def body(n, carry, arrays):
        i = length - 1 - n if reverse else n
        carry, outputs = step(i, carry)
        return n + 1, carry, [array.write(i, x) for array, x in zip(arrays, outputs)]

    start = (tf.constant(0), list(carry), arrays)
    _, carry, arrays = tf.while_loop(lambda n, *_: n < length, body, start, maximum_iterations=length)
    stacked = (tf.reshape(array.stack(), (length, *t.shape)) for array, t in zip(arrays, types))
    return (*carry, *stacked)
