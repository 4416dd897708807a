"""Names of the classes that a model tells apart, for formats that keep them."""

from __future__ import annotations

from collections.abc import Sequence

from amalthea.errors import ArgumentError, ExportError
from amalthea.export.endpoint import Endpoint


def checked(endpoint: Endpoint, labels: Sequence[str]) -> list[str]:
    """Return the labels of the classes.

    Raises:
        ArgumentError: labels are no texts, or fewer or more than classes.
        ExportError: the model does not have a single output (rows, classes).
    """
    if isinstance(labels, str) or not all(isinstance(x, str) for x in labels) or not len(labels):
        raise ArgumentError("Class labels are a list of texts.", got=repr(labels), cure="class_labels=['cat', 'dog']")
    outputs = endpoint.graph.outputs
    if len(outputs) != 1 or len(outputs[0].type.shape) != 2:
        raise ExportError(
            "Only the probabilities of classes get labels.",
            expected="one output of shape (rows, classes)",
            got=", ".join(str(x.type) for x in outputs),
        )
    if len(labels) != outputs[0].type.shape[1]:
        raise ArgumentError("Each class has one label.", expected=f"{outputs[0].shape[1]} labels", got=len(labels))
    return list(labels)
