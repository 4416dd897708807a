"""Trainable flags of the layers at the time of ``compile``. They hold for training until it is called again."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from amalthea.layers.layer import Layer, trainable_as


class Seen:
    """The ``trainable`` flags of a model's layers when it was compiled.

    A discriminator that was compiled goes on learning by itself, after it was frozen inside a second model that was
    compiled then.
    """

    def __init__(self, model: Any):
        self.flags: dict[Layer, bool] = {layer: layer.trainable for layer in model._flatten_layers()}
        self.as_of = Layer._trainable_version
        self.has_warned = False

    @contextmanager
    def hold(self) -> Generator[None]:
        """Let layers be trainable as they were. Layers that came later are what they are now."""
        with trainable_as(dict(self.flags)):
            yield

    def warn_if_changed(self, model: Any) -> None:
        """Say once that some layer was frozen or unfrozen since; looked for only after that happened to any layer."""
        if self.as_of == Layer._trainable_version or self.has_warned:
            return
        self.as_of = Layer._trainable_version
        changed = [layer for layer, flag in self.flags.items() if layer.trainable != flag]
        if changed:
            self.has_warned = True
            layer, whole = changed[0], model._location.removeprefix("in ")
            warnings.warn(
                f"`trainable` of layer '{layer.name}' became {layer.trainable} after {whole} was compiled. "
                "The model trains as it was compiled; model.compile(...) again lets the change count.",
                stacklevel=4,
            )
