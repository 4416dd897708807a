"""A SavedModel whose Keras configuration stands in ``saved_model.pb``, made by Keras 2.4 (TensorFlow 2.3).

Run it in an environment of its own (Python 3.8)::

    pip install tensorflow-cpu==2.3.4 "protobuf<3.21"
    python tests/oracles/keras_files/old_saved_model.py tests/saving/saved_models
"""

from __future__ import annotations

import os
import pathlib
import shutil
import sys

import numpy as np

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from tensorflow import keras  # noqa: E402
from tensorflow.core.protobuf import saved_model_pb2  # noqa: E402

layers = keras.layers


def main(folder):
    rng = np.random.RandomState(3)
    words = keras.Input((5,), dtype="int32")
    x = layers.LSTM(3, recurrent_activation="hard_sigmoid")(layers.Embedding(7, 4, mask_zero=True)(words))
    made = keras.Model(words, layers.Dense(2, "softmax")(layers.BatchNormalization()(x)), name="old")
    made.compile(keras.optimizers.Adam(0.02, beta_1=0.8), "sparse_categorical_crossentropy", metrics=["acc"])
    inputs, targets = rng.randint(0, 7, (6, 5)).astype("int32"), rng.randint(0, 2, (6,))
    for _ in range(2):
        made.train_on_batch(inputs, targets)
    at = folder / "keras24"
    shutil.rmtree(at, ignore_errors=True)
    y = made.predict(inputs)
    made.save(str(at / "saved"), save_format="tf")
    made.save_weights(str(at / "ckpt"))
    (at / "checkpoint").unlink()
    shutil.rmtree(at / "saved" / "assets", ignore_errors=True)
    without_functions(at / "saved" / "saved_model.pb")
    losses = [made.train_on_batch(inputs, targets)[0] for _ in range(3)]
    np.savez_compressed(folder / "keras24.npz", x0=inputs, t=targets, y=y, losses=losses)


def without_functions(file):
    """Leaves the graph of functions out of a SavedModel."""
    whole = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    for graph in whole.meta_graphs:
        graph.ClearField("graph_def")
        graph.ClearField("saver_def")
        graph.object_graph_def.ClearField("concrete_functions")
        graph.meta_info_def.ClearField("stripped_op_list")
        for node in graph.object_graph_def.nodes:
            if node.WhichOneof("kind") in ("function", "bare_concrete_function"):
                node.ClearField(node.WhichOneof("kind"))
    file.write_bytes(whole.SerializeToString())


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
