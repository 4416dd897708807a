"""The rooms of the package in import order, with a line on each: the one place where the order is written.

A file imports from rooms above its own, and from its own. The map in ``help(amalthea)``, the table in
``docs/architecture.md`` and the test of imports are made from :data:`ROOMS`.
"""

from __future__ import annotations

from typing import NamedTuple


class Room(NamedTuple):
    """A file or folder of the package.

    Args:
        name: str; dotted, without ``amalthea.``.
        line: str; the contents of the room, in one line.
    """

    name: str
    line: str


ROOMS = tuple(
    Room(*row)
    for row in (
        ("house", "this list"),
        ("errors", "every exception, and how a message is worded"),
        ("names", "names that Keras dropped, and the error for a missing one"),
        ("spellings", "names and arguments of Keras 1 and 2 in today's, as tables of plain data"),
        ("checks", "checks of arguments: a positive int, a fraction, a finite number, an axis"),
        ("docstrings", "descriptions of arguments that families share"),
        ("tree", "nested lists, tuples and dicts"),
        ("writing", "the one writer of files: whole, or not at all"),
        ("loading", "limits on what a file may hold and do while it is read"),
        ("alignment", "arrays that begin at a multiple of 64 bytes"),
        ("text", "arrays of text, on the host"),
        ("engine.auto_names", "names for objects that were given none"),
        ("engine.settings", "settings of the process, and the user's keras.json"),
        ("engine.dtypes", "the promotion lattice"),
        ("engine.shapes", "shapes with symbolic dimensions"),
        ("engine.ir", "tensors, variables, traces, graphs, and the protocol that a backend fulfils"),
        ("engine.types", "TensorLike, ShapeLike, DTypeLike, Nested"),
        ("engine.communicator", "the interface of communicators between processes; the group of one"),
        ("engine.primitives", "the table of primitives: typing rule, gradient, reference in NumPy, samples"),
        ("engine.control_flow", "cond, while_loop and scan of Python functions"),
        ("engine.passes", "gradient, simplification, expansion, scheduling, liveness, layout, repetition"),
        ("engine.executable_cache", "the least recently used executables are dropped"),
        ("engine.transforms", "jit, grad, value_and_grad, vjp, remat, custom_gradient"),
        ("engine.multi_step", "several training steps in one executable"),
        ("engine.partitioned", "a compiled function of a batch that several processes compute together"),
        ("engine.stateless", "a function that assigns variables, as a pure one"),
        ("engine.backends", "one table a library, and the passes that make it fast"),
        ("config", "floatx, epsilon, image_data_format, the backend"),
        ("backend", "Keras's backend module"),
        ("distribution", "devices, meshes, processes: data and model parallelism"),
        ("snapshots", "the state of a run as one file"),
        ("custom_objects", "classes and functions of users, by name"),
        ("configurable", "objects from configurations and back; registries"),
        ("lambdas", "Python functions in files, and their refusal"),
        ("operation", "calls on symbolic tensors, as the functional API records them"),
        ("ops", "the public functions on tensors"),
        ("random", "random numbers and seeds"),
        ("ops.image", "ops on images, of which some draw"),
        ("bounding_boxes", "boxes of objects in images"),
        ("dtype_policies", "compute and variable dtypes of layers"),
        ("initializers", "initial values of weights"),
        ("regularizers", "penalties on weights and activities"),
        ("constraints", "projections of weights after updates"),
        ("activations", "activation functions"),
        ("quantizers", "floats as integers of 2 to 8 bits, or as floats of 8, and configurations of quantize"),
        ("losses", "losses, and checks of labels"),
        ("metrics", "metrics"),
        ("optimizers", "optimizers and learning-rate schedules"),
        ("mixed_precision", "Keras's mixed_precision module"),
        ("layers", "layers, one family a file"),
        ("keras_tensor", "Keras's name for a symbolic tensor"),
        ("data", "the data that fit takes: arrays, datasets, generators"),
        ("callbacks", "callbacks of training"),
        ("training", "compile, fit, evaluate, predict: the one loop"),
        ("models", "Model, Sequential, the functional API"),
        ("saving", "model files, safely"),
        ("distribution.workers", "training in the workers of a cluster that has its own scheduler"),
        ("distribution.spark", "Spark: fit and transform of data frames, stages of pipelines"),
        ("distribution.ray", "Ray: fit on its workers"),
        ("distribution.horovod", "Horovod's words: each process reads its own data, gradients are averaged"),
        ("export", "models and training steps as files of other runtimes, one target a file"),
        ("utils", "Keras's utils"),
        ("distillation", "a student learns from a teacher"),
        ("wrappers", "models as estimators of scikit-learn"),
        ("estimator", "models as Estimators of TensorFlow 1.15 to 2.15"),
        ("legacy", "Keras's legacy module"),
        ("visualization", "boxes and masks on images, galleries of images"),
        ("preprocessing", "Keras's older addresses of utils"),
        ("datasets", "data sets"),
        ("applications", "architectures of networks for images, with weights of ImageNet; a family a file"),
        ("compat", "scripts of Keras 1 and 2: import keras, eras, keras.backend, old names and arguments"),
        ("testing", "check_backend, check_primitive: the tests that a new component has to pass"),
        ("serve", "models over HTTP and gRPC: TensorFlow Serving's REST API, the Open Inference Protocol"),
        ("cli", "the amalthea command"),
    )
)

# Imports against the order, inside a function, with the reason.
LATE = {
    ("models", "saving"): "Model.save and load_weights are words of the model",
    ("models", "export"): "Model.export is a word of the model",
}


def table() -> str:
    """The rooms as a Markdown table."""
    rows = [f"| `{room.name}` | {room.line} |" for room in ROOMS]
    return "\n".join(["| room | contents |", "|---|---|", *rows])


def as_text() -> str:
    """The rooms as plain text, for the docstring of the package."""
    width = max(len(room.name) for room in ROOMS)
    return "\n".join(f"    {room.name:{width}}  {room.line}" for room in ROOMS)
