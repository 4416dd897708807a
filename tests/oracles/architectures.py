"""How both libraries' networks are described and given the same weights; read by the recorder and by the tests."""

import json
import re

import numpy as np

# Names that a library counts up, whichever layers were made before.
_COUNTED = re.compile(
    "(activation|add|average_pooling2d|batch_normalization|concatenate|conv2d|cropping2d|custom_scale_layer|dropout|"
    "flatten|global_average_pooling2d|global_max_pooling2d|input_layer|layer_normalization|max_pooling2d|multiply|"
    r"normalization|re_lu|rescaling|zero_padding2d)(?:_(\d+))?"
)
# Where files of the two libraries may differ: registries, and defaults that one of them leaves out.
_LEFT_OUT = {"module", "registered_name", "build_config", "build_input_shape", "dtype", "seed", "activity_regularizer"}


def outline(model):
    """A network as plain data: for each operation its name, class, configuration and the operations that it takes."""
    layers = model.get_config()["layers"]
    first = _first_counts(layers)
    shapes = {layer.name: list(layer.output.shape) for layer in model.layers}
    weights = {layer.name: [list(w.shape) for w in layer.weights] for layer in model.layers}
    rows = []
    for layer in layers:
        name = layer["config"]["name"]
        config = _plain({key: value for key, value in layer["config"].items() if key != "name"})
        inputs = [_counted(x, first) for x in _taken(layer["inbound_nodes"])]
        rows.append([_counted(name, first), layer["class_name"], config, inputs, shapes.get(name), weights.get(name)])
    return json.loads(json.dumps(rows))


def _first_counts(layers):
    first = {}
    for layer in layers:
        if found := _COUNTED.fullmatch(layer["config"]["name"]):
            first[found[1]] = min(int(found[2] or 0), first.get(found[1], 1 << 30))
    return first


def _counted(name, first):
    found = _COUNTED.fullmatch(name)
    return f"{found[1]} {int(found[2] or 0) - first.get(found[1], 0)}" if found else name


def _plain(value):
    if isinstance(value, dict):
        kept = {key: _plain(x) for key, x in value.items() if key not in _LEFT_OUT}
        kept.pop("trainable", None)
        return {key: x for key, x in kept.items() if not (key == "name" and str(x).startswith("input_layer"))}
    return [_plain(x) for x in value] if isinstance(value, (list, tuple)) else value


def _taken(nodes):
    """Names of the operations whose outputs a call takes."""
    if isinstance(nodes, dict):
        if nodes.get("class_name") == "__keras_tensor__":
            return [nodes["config"]["keras_history"][0]]
        nodes = list(nodes.values())
    return [name for x in nodes for name in _taken(x)] if isinstance(nodes, (list, tuple)) else []


def set_weights(model):
    """Gives a network weights by their number, shape and name alone, which keep its activations near one."""
    for number, variable in enumerate(model.weights):
        shape, name = tuple(variable.shape), variable.name
        if name == "count":
            continue
        drawn = np.random.default_rng(number).random(shape, "float32") - np.float32(0.5)
        if len(shape) > 1:
            inputs = np.prod(shape[:2]) if shape[-1] == 1 and len(shape) == 4 else np.prod(shape[:-1])
            variable.assign(drawn * np.float32(np.sqrt(24 / inputs)))
        else:
            variable.assign(drawn * np.float32(0.2) + np.float32(name in ("gamma", "moving_variance", "variance")))


def images(shape):
    """Two images with values from 0 to 255."""
    return np.random.default_rng(0).random((2, *shape), "float32") * np.float32(255)


def scaled(name, x):
    """Images as the network takes them, in elements near one, unless it scales them itself."""
    return x if name.startswith(("ConvNeXt", "EfficientNet", "MobileNetV3")) else x / 127.5 - 1
