"""Arguments: each parameter of a public callable is read, or listed here with the reason why it changes nothing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import amalthea
from amalthea import Input, Model, Sequential, layers, models, ops
from amalthea.errors import AmaltheaError

PACKAGE = Path(amalthea.__file__).parent
LEFT_OUT = {"engine", "testing", "cli", "house"}  # not what a Keras user calls
# "file: callable: parameter", as patterns, and why it changes nothing.
WITHOUT_EFFECT = {
    r"callbacks/.*: (logs|epoch|batch)": "a callback is called with what Keras's are called with",
    r"data/base.py: DataAdapter.resume_from: state": "most data have nothing to go on from",
    r".*compute_mask: (inputs|mask|previous_mask)": "a mask is asked for with what Keras asks with",
    r".*\.build: \w*(input_shape|state_shape)": "build is called with every shape",
    r"distribution/communicators/\w+.py: connect: place": "these libraries read the launcher's environment themselves",
    r"distribution/horovod/callbacks.py: .*: (logs|epoch|batch)": "as Keras's callbacks",
    r"distribution/horovod/collectives.py: (allreduce|allgather|broadcast): name": "values are paired by their order",
    r"distribution/horovod/optimizer.py: \w+: (name|device_\w+|sparse_as_dense|legacy_opts)": "of Horovod's transport",
    r"distribution/horovod/optimizer.py: \w+: (num_groups|groups)": "gradients travel as one message",
    r"distribution/horovod/processes.py: init: (comm|process_sets)": "the processes are all of the launcher's",
    r"distribution/strategies.py: Distribution.get_tensor_layout: path": "a map of layouts reads it",
    r"estimator.py: model_to_estimator: (checkpoint_format|export_outputs)": "TensorFlow writes its own",
    r"distribution/spark/pipeline.py: NetworkEstimator.__init__: \w+": "Spark's keyword_only keeps the arguments",
    r"export/executorch/target.py: ExecuTorch.write: options": "there is one precision",
    r"export/targets.py: Target.report: path": "most targets have nothing to say on a file",
    r"layers/.*\.call: training": "who calls passes it on",
    r"distillation/.*\.compute_loss: kwargs": "a subclass may take more",
    r"losses/checks.py: .*: (classes|ignored)": "all checks of labels are called alike",
    r"models/.*\.call: training": "the layers find it by themselves",
    r"layers/layer.py: Layer.add_metric: aggregation": "the mean is always taken",
    r"operation.py: Operation.rematerialized_call: kwargs": "a scope may look at the arguments of the call",
    r"ops/core.py: convert_to_tensor: (sparse|ragged)": "arrays are dense",
    r"ops/nn.py: (one_hot|multi_hot): sparse": "arrays are dense",
    r"ops/control.py: scan: unroll": "how a loop is run is the backend's choice; the values are the same",
    r"ops/normalization.py: moments: synchronized": "statistics are always of the whole batch",
    r"ops/attention.py: dot_product_attention: flash_attention": "how attention is computed is the backend's choice",
    r"ops/numpy/counting.py: isin: assume_unique": "the result does not depend on it",
    r"ops/numpy/counting.py: bincount: sparse": "arrays are dense",
    r"ops/numpy/counting.py: unique: sorted": "the order that is asked for is always given",
    r"ops/segments.py: segment_\w+: sorted": "the numbers may come in any order",
    r"tree.py: assert_same_structure: check_types": "types are always compared, as in Keras",
    r"ops/nn.py: top_k: sorted": "the order that is asked for is always given",
    r"optimizers/state.py: State.add_variable: layout": "one device holds a variable",
    r"layers/adaptation.py: Adaptation.quantize: type_check": "subclasses are quantized too",
    r"models/quantization.py: .*get_quantization_layer_structure: mode": "a subclass reads it",
    r"random/seeds.py: SeedGenerator.next: ordered": "keys are always in order",
    r"regularizers.py: Regularizer.__call__: x": "a subclass reads it",
    r"saving/.*: kwargs": "what older Keras passes and newer does not",
    r"training/steps.py: Steps.compute_(loss|metrics): (x|training)": "a subclass reads it",
    r"compat/backend/\w+.py: (constant|map_fn|foldl|foldr): name": "there is no graph of named nodes",
    r"compat/backend/later.py: size: name": "there is no graph of named nodes",
    r"compat/backend/later.py: unique_object_name: avoid_observed_names": "names are not observed",
    r"compat/backend/later.py: maybe_convert_to_ragged: \w+": "there are no ragged tensors",
    r"compat/backend/functions.py: function: kwargs": "options of Theano and of TensorFlow's sessions",
    r"compat/backend/functions.py: Gradients.types: loss": "called with what the gradients are called with",
    r"compat/backend/loops.py: rnn: input_length": "the shape tells",
    r"compat/scikit_learn.py: BaseWrapper.get_params: deep": "no argument is an estimator",
    r"utils/multi_gpu.py: multi_gpu_model: cpu_\w+": "what is where does not change the numbers",
    r"compat/importer.py: _Finder.find_spec: (path|target)": "Python's protocol of finders",
    r"compat/(tensorflow|importer).py: \w+.create_module: spec": "Python's protocol of loaders",
    r"compat/layer_methods.py: (add_loss|nothing_for): inputs": "a loss or update knows its inputs",
    r"compat/recurrent.py: Recurrent.get_constants: x": "a subclass writes it",
    r"compat/merging.py: [Mm]erge: (output_shape|output_mask|node_indices|tensor_indices)": "the tensors tell",
    r"compat/model_methods.py: OldModel.to_yaml: kwargs": "options of PyYAML",
    r"compat/numpy_streams.py: GlobalStream.\w+: dtype": "NumPy's old generator draws float64",
    r"compat/old_callbacks.py: OldParams.on_train_begin: logs": "a hook of callbacks",
    r"compat/old_files.py: (save|save_model): include_optimizer": "the optimizer is always written",
    r"compat/upgrading/\w+.py: \w+\.(visit|leave)_\w+: (original_)?node": "libcst's protocol of visitors",
    r"compat/tensorflow.py: Session.__init__: kwargs": "options of devices have no effect",
    r"export/webdnn/target.py: WebDnn.write: options": "its files have one precision",
    r"bounding_boxes.py: pad: (height|width)": "a shift does not depend on the size",
    r"utils/custom_objects.py: .*: (safe_mode|kwargs)": "nothing in a config can run code, in either mode",
}


def _functions(node, prefix=""):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.FunctionDef) and (child.name in ("__init__", "__call__") or child.name[0] != "_"):
            yield f"{prefix}{child.name}", child


def _unread(function):
    """Parameters that the body does not name; none for a body that only raises or is to be overridden."""
    body = [s for s in function.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    if all(isinstance(s, (ast.Raise, ast.Pass)) for s in body):
        return []
    arguments = function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    names += [arguments.kwarg.arg] if arguments.kwarg else []
    read = {x.id for s in body for x in ast.walk(s) if isinstance(x, ast.Name)}
    if "locals" in read:  # layers keep all arguments at once
        return []
    return [n for n in names if n not in read and n not in ("self", "cls") and n[0] != "_"]


def unread_parameters(source, file):
    for name, function in _functions(ast.parse(source)):
        for parameter in _unread(function):
            yield f"{file}: {name}: {parameter}"


FILES = [p for p in sorted(PACKAGE.rglob("*.py")) if p.relative_to(PACKAGE).parts[0] not in LEFT_OUT]


def test_every_parameter_is_read_or_has_a_reason():
    found = [x for p in FILES for x in unread_parameters(p.read_text(), p.relative_to(PACKAGE).as_posix())]
    dropped = [x for x in found if not any(re.fullmatch(pattern, x) for pattern in WITHOUT_EFFECT)]
    assert not dropped, "\n".join(dropped)
    stale = [pattern for pattern in WITHOUT_EFFECT if not any(re.fullmatch(pattern, x) for x in found)]
    assert not stale, stale


def test_a_parameter_that_is_dropped_is_found():
    source = "def clone(model, recursive=False):\n    '''Text about recursive.'''\n    return type(model)()\n"
    assert list(unread_parameters(source, "f.py")) == ["f.py: clone: recursive"]


def _lines(model, **options):
    text = []
    model.summary(print_fn=text.append, **options)
    return text[0].splitlines()


def test_every_argument_of_summary_changes_what_it_shows():
    inner = Sequential([layers.Input((2,)), layers.Dense(3, name="deep")], name="inner")
    model = Sequential([layers.Input((2,)), inner, layers.Dense(3, name="first"), layers.Dense(1, name="last")])
    plain = _lines(model)
    assert max(map(len, _lines(model, line_length=40))) <= 40 < max(map(len, plain))
    assert not any("last" in line for line in _lines(model, layer_range=("inner", "first")))
    assert any("deep" in line for line in _lines(model, expand_nested=True)) and not any("deep" in x for x in plain)
    assert any("Trainable" in line for line in _lines(model, show_trainable=True))
    assert _lines(model, positions=(0.5, 0.8, 1.0)) != plain
    with pytest.raises(AmaltheaError, match="layer_range"):
        model.summary(layer_range=("first", "lost"))


class Doubling(layers.Layer):
    def call(self, x):
        return x * 2


@pytest.mark.parametrize(
    "make", [lambda: Sequential([Input((2,)), Doubling()]), lambda: Model(x := Input((2,)), Doubling()(x))]
)
def test_custom_objects_given_to_from_config_are_used(make):
    model = make()
    config = model.get_config()
    again = type(model).from_config(config, custom_objects={"Doubling": Doubling})
    assert any(isinstance(layer, Doubling) for layer in again.layers)


def test_an_input_takes_the_shape_of_a_tensor():
    assert Input(tensor=np.ones((5, 3), "int32")).shape == (5, 3)
    assert Input(tensor=Input((4, 2))).shape == (None, 4, 2)
    with pytest.raises(AmaltheaError):
        Input((3,), tensor=np.ones((5, 3)))


REFUSED = [
    lambda: layers.InputLayer((3,), unheard_of=1),
    lambda: layers.Embedding(3, 2, lora_rank=0),
    lambda: layers.Dense(3, lora_alpha="4"),
    lambda: ops.einsum("ij->i", np.ones((2, 3)), unheard_of=1),
    lambda: ops.layer_normalization(np.ones((2, 3)), unheard_of=1),
    lambda: models.clone_model(Sequential([layers.Dense(1)]), unheard_of=1),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_an_argument_that_does_not_exist_is_refused(number):
    with pytest.raises((AmaltheaError, TypeError)):
        REFUSED[number]()


def test_rms_scaling_of_layer_normalization_leaves_the_mean_alone():
    x = np.float32([[1, 2, 4]])
    found = ops.convert_to_numpy(ops.layer_normalization(x, rms_scaling=True, epsilon=1e-6))
    np.testing.assert_allclose(found, x / np.sqrt((x**2).mean()), rtol=1e-5)
