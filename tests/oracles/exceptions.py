"""Rows to which Amalthea is not held, or not in every part, each with its reason.

``EXCEPTIONS[family][id]`` is a dictionary from the part of a record that a test leaves out to the reason; the part
``"all"`` leaves out the whole row. ``read.load`` gives it as the field ``exceptions`` of each record, empty for most.
The table stands beside the records because many rows are made by loops, and so that a new reason needs no Keras.

Parts of layers: ``output_shape`` (for an unknown batch), ``output_mask``, ``weights_after``; and of properties that
take the same rows: ``padding`` (tests/properties/test_masks.py), ``bools`` (tests/properties/test_layer_dtypes.py).
Parts of text: ``config``. Parts of training: the name of a result. Other families have ``all`` alone.

Answers to random calls and models are judged by rules: ``another_meaning`` in tests/properties/test_fuzz.py and
test_fuzz_models.py.
"""

from __future__ import annotations

STATEFUL = "a stateful layer knows the size of its batches"
ALL_INPUTS = "a step of several inputs counts in Keras where any counts, and here where all do: its value needs each"
OWN_MASK = "its mask is not one over time: Softmax takes one of its input's shape, Masking makes its own"
NO_SIGN = "truth values do not have a sign"
CALLS = "in Keras schedules and averages count calls that only accumulate gradients"
PADDED = "Keras on JAX forgets the mask of the predictions in the metrics of a training step, so padding counts"
PADDED_LOSS = "the loss of a batch counts in Keras by its rows, and here by the steps that the mask leaves"

LAYERS = {
    "Bidirectional/backward_layer": {"output_shape": "Keras 3.15 does not see that the backward layer has other units"},
    "EinsumDense/heads": {"output_shape": "Keras 3.15 does not take the size of an axis from the input"},
    "SimpleRNNCell/step": {"output_shape": "Keras does not tell the shape of a cell"},
    "GRUCell/step": {"output_shape": "Keras does not tell the shape of a cell"},
    **{
        f"{name}/{label}": {"output_shape": STATEFUL}
        for name in ("SimpleRNN", "LSTM", "GRU")
        for label in ("stateful", "stateful_mask")
    },
    "SpectralNormalization/training": {
        "weights_after": "a value assigned to a trainable weight is lost in a stateless call of Keras on JAX"
    },
    "MultiHeadAttention/query_mask": {
        "all": "Keras 3.15 overwrites the argument `query_mask` with the mask that the query carries"
    },
    "RandomCrop/not_training": {
        "all": "Keras 3.15 leaves images uncropped, though its output shape is the cropped one"
    },
    "GlobalAveragePooling1D/mask_of_nothing": {"all": "the mean of no steps is NaN in Keras, and 0 here"},
    "Add/masks": {"output_mask": ALL_INPUTS},
    "Concatenate/masks": {"output_mask": ALL_INPUTS},
    "MultiHeadAttention/axes": {"padding": "it attends over axes that the mask does not have"},
    **{
        f"{name}/{label}": {"padding": OWN_MASK}
        for name, labels in {
            "Masking": ("zero", "other_value"),
            "Softmax": ("plain", "axis", "two_axes", "mask", "mask_two_axes"),
        }.items()
        for label in labels
    },
    "Activation/relu": {"bools": NO_SIGN},
    "ReLU/plain": {"bools": NO_SIGN},
}

TEXT = {
    "StringLookup/special_given": {"config": "the tokens for mask and unknown are not repeated in the vocabulary"},
    "StringLookup/adapt_vector": {
        "config": "Keras loses an empty token at the end of the file, so the vocabulary is part of the configuration"
    },
    "TextVectorization/adapt_characters": {
        "config": "a token with a line break fits no file of lines, so the vocabulary is part of the configuration"
    },
}

EXCEPTIONS = {
    "text": TEXT,
    "layers": LAYERS,
    "activations": {
        f"sparsemax/{label}": {"all": "Keras's values do not sum to 1 where inputs are equal, nor along other axes"}
        for label in ("matrix", "first_axis", "middle_axis", "far", "equal")
    },
    "metrics": {
        "SparseCategoricalCrossentropy/options": {
            "all": "Keras divides by the examples of the ignored class too, unless there are weights"
        }
    },
    "linear_algebra": {
        "istft/no_window": {
            "all": "without a window Keras adds sequences that overlap, and does not divide by their number"
        },
        "istft/longer": {"all": "Keras on JAX cuts to a length, and does not fill up to it"},
    },
    "augmentation": {
        "ContrastLimitedAdaptiveHistogramEqualization/uint8": {"all": "Keras cuts off fractions; they are rounded here"}
    },
    "quantizers": {
        f"abs_max_quantize_grouped_with_zero_point/{label}": {
            "all": "a group on one side of 0 is cut off at the limits in Keras, and comes back within a step here"
        }
        for label in ("8_4_False", "9_4_False", "9_4_True")
    },
    "optimizers": {"Adam/ema_accumulation": {"all": CALLS}, "Adam/schedule_accumulation": {"all": CALLS}},
    "training": {
        "accumulated": {"all": "in Keras each of the accumulated batches counts alike, however many rows it has"},
        "masked_labels": {"accuracy": PADDED, "loss": PADDED_LOSS, "val_loss": PADDED_LOSS},
    },
}
