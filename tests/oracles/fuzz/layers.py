"""Random layers: for each rank of input, functions that draw a layer's class and configuration as plain data.

A function takes the draw and the input's shape, None where a size is open, and gives None where it does not fit.
"""

from __future__ import annotations

from .draw import Draw as Arguments

CURVES = ("tanh", "sigmoid", "softplus", "elu", "silu", "gelu", "selu", "softsign", "exponential", "linear", "mish")
KINKED = ("relu", "leaky_relu", "relu6", "hard_sigmoid", "hard_silu", "celu", "log_sigmoid")
PENALTIES = tuple(
    {"class_name": name, "config": config}
    for name, config in (
        ("L1", {"l1": 0.01}),
        ("L2", {"l2": 0.02}),
        ("L1L2", {"l1": 0.01, "l2": 0.01}),
        ("OrthogonalRegularizer", {"factor": 0.01}),
    )
)
CONSTRAINTS = tuple(
    {"class_name": name, "config": config}
    for name, config in (
        ("MaxNorm", {"max_value": 0.5}),
        ("NonNeg", {}),
        ("UnitNorm", {"axis": 0}),
        ("MinMaxNorm", {"min_value": 0.2, "max_value": 0.7}),
    )
)


class Draw(Arguments):
    def some(self, share=0.25, **choices):
        """Some of the arguments, each with one of its values."""
        return {name: self.one(*values) for name, values in choices.items() if self.chance(share)}

    def activation(self):
        return self.one(*CURVES) if self.chance(0.7) else self.one(*KINKED)


def described(name, /, **config):
    return {"class_name": name, "config": config}


def _kernel(d, penalties=PENALTIES[:3]):
    kwargs = {"activation": d.activation()} if d.chance(0.6) else {}
    return {
        **kwargs,
        **d.some(0.12, use_bias=(False,), kernel_regularizer=penalties, bias_regularizer=PENALTIES[:2]),
        **d.some(0.08, kernel_constraint=CONSTRAINTS, activity_regularizer=PENALTIES[:2]),
    }


def dense(d, shape):
    if shape[-1] is None:
        return None
    return described("Dense", units=d.one(1, 2, 3, 4), **_kernel(d, PENALTIES))


def einsum_dense(d, shape):
    if None in shape[1:] or len(shape) not in (2, 3):
        return None
    if len(shape) == 2:
        return described("EinsumDense", equation="ab,bc->ac", output_shape=3, bias_axes="c")
    if d.chance(0.5):
        return described("EinsumDense", equation="abc,cd->abd", output_shape=(shape[1], 3), **d.some(bias_axes=("d",)))
    return described("EinsumDense", equation="abc,bde->ade", output_shape=(2, 3), **d.some(bias_axes=("de", "e")))


def activation(d, shape):
    choices = [
        described("Activation", activation=d.activation()),
        described("LeakyReLU", **d.some(0.5, negative_slope=(0.1, 0.0))),
        described("ELU", **d.some(0.5, alpha=(0.5,))),
        described("ReLU", **d.some(0.5, max_value=(1.0,), negative_slope=(0.1,), threshold=(0.2, -0.1))),
        described("Softmax", **d.some(0.3, axis=(-1, 1))),
        described("Rescaling", scale=d.one(0.5, -2), offset=d.one(0, 0.25)),
        described("Identity"),
        described("ActivityRegularization", l1=0.01, l2=0.02),
    ]
    if None not in shape[1:]:
        choices.append(described("PReLU", **d.some(0.4, shared_axes=([1],))))
    return d.one(*choices)


def norm(d, shape):
    channels, last = shape[-1], len(shape) - 1
    if channels is None:
        return None
    choices = [
        described(
            "BatchNormalization", **d.some(momentum=(0.5, 0.9), epsilon=(0.01,), center=(False,), scale=(False,))
        ),
        described("LayerNormalization", **d.some(axis=(-1, [-1]), epsilon=(0.01,), center=(False,), scale=(False,))),
        described("RMSNormalization", **d.some(axis=(-1,), epsilon=(0.01,))),
        described("UnitNormalization", **d.some(axis=(-1, last))),
        described("GroupNormalization", groups=d.one(1, -1, channels), **d.some(center=(False,), scale=(False,))),
    ]
    if None not in shape[1:] and last > 1:
        axes = list(range(1, last + 1))
        choices.append(described("LayerNormalization", axis=axes))
        choices.append(described("BatchNormalization", axis=1))
        choices.append(described("RMSNormalization", axis=axes))
    if last > 1:
        choices.append(described("UnitNormalization", axis=[1, last]))
    return d.one(*choices)


def spectral(d, shape):
    if shape[-1] is None:
        return None
    layer = described("Dense", units=3)
    if len(shape) in (3, 4) and d.chance(0.5):
        layer = described(f"Conv{len(shape) - 2}D", filters=2, kernel_size=2, padding="same")
    return described("SpectralNormalization", layer=layer, **d.some(0.5, power_iterations=(2, 3)))


def reshape(d, shape):
    size = 1
    for n in shape[1:]:
        if n is None:
            return None
        size *= n
    even = [n for n in (2, 3) if size % n == 0]
    choices = [
        described("Flatten"),
        described("Reshape", target_shape=(-1,)),
        described("Reshape", target_shape=(size, 1)),
    ]
    choices += [described("Reshape", target_shape=target) for n in even for target in ((n, -1), (-1, 1, n))]
    return d.one(*choices)


def repeat(d, shape):
    return described("RepeatVector", n=d.one(2, 3))


def permute(d, shape):
    axes = [int(i) + 1 for i in d.rng.permutation(len(shape) - 1)]
    return described("Permute", dims=tuple(axes)) if None not in shape[1:] else None


def _space(shape):
    return shape[1:-1]


def conv(d, shape):
    rank = len(shape) - 2
    options = {"kernel_size": d.one(1, 2, 3), "padding": d.one("same", "same", "valid"), **_kernel(d)}
    kinds = [f"Conv{rank}D", f"Conv{rank}D", f"Conv{rank}DTranspose"]
    if rank < 3:
        kinds += [f"SeparableConv{rank}D", f"DepthwiseConv{rank}D"]
    kind = d.one(*kinds)
    if shape[-1] is None or any(n is None or n < 3 for n in _space(shape)):
        options["padding"] = "same"
    if shape[-1] is None:
        return None
    plain = kind == f"Conv{rank}D"
    if d.chance(0.3):
        options["strides"] = 2
    elif plain and d.chance(0.3):
        options |= {"dilation_rate": 2, "padding": "same"}
    if rank == 1 and plain and d.chance(0.3):
        options["padding"] = "causal"
    if kind.startswith(("Separable", "Depthwise")):
        options = {k: v for k, v in options.items() if not k.startswith("kernel_") or k == "kernel_size"}
        options |= d.some(depth_multiplier=(2,))
    if not kind.startswith("Depthwise"):
        options["filters"] = d.one(1, 2, 3)
        if plain and shape[-1] % 2 == 0 and d.chance(0.3):
            options |= {"groups": 2, "filters": 4}
            options.pop("kernel_constraint", None)
    return described(kind, **options)


def pool(d, shape):
    rank = len(shape) - 2
    kind = d.one("Max", "Average") + f"Pooling{rank}D"
    padding = "same" if any(n is None or n < 2 for n in _space(shape)) else d.one("same", "valid")
    return described(kind, pool_size=2, padding=padding, **d.some(strides=(1, 2)))


def adaptive(d, shape):
    rank = len(shape) - 2
    sizes = tuple(d.one(1, 2, 3, 4) for _ in range(rank))
    return described(f"Adaptive{d.one('Max', 'Average')}Pooling{rank}D", output_size=d.one(sizes, sizes[0]))


def spread(d, shape):
    rank = len(shape) - 2
    kind = d.one("ZeroPadding", "UpSampling", "Cropping")
    if kind == "Cropping":
        if any(n is None or n < 3 for n in _space(shape)):
            return None
        return described(f"Cropping{rank}D", cropping=1)
    if kind == "UpSampling":
        smooth = {"interpolation": "bilinear"} if rank == 2 and d.chance(0.3) and None not in shape[1:] else {}
        return described(f"UpSampling{rank}D", size=2, **smooth)
    return described(f"ZeroPadding{rank}D", padding=1)


def global_pool(d, shape):
    rank = len(shape) - 2
    return described(f"Global{d.one('Max', 'Average')}Pooling{rank}D", **d.some(0.15, keepdims=(True,)))


def _recurrent(d, sequences=None):
    kind = d.one("LSTM", "GRU", "SimpleRNN")
    options = d.some(0.2, activation=("relu", "sigmoid"), use_bias=(False,), go_backwards=(True,), unroll=(True,))
    if kind != "SimpleRNN":
        options |= d.some(0.2, recurrent_activation=("hard_sigmoid", "tanh"))
    if kind == "GRU":
        options |= d.some(0.3, reset_after=(False,))
    if kind == "LSTM":
        options |= d.some(0.2, unit_forget_bias=(False,))
    options |= d.some(0.1, kernel_regularizer=PENALTIES[:2], recurrent_constraint=CONSTRAINTS[:1])
    options["return_sequences"] = d.one(True, False) if sequences is None else sequences
    return described(kind, units=d.one(2, 3), **options)


def recurrent(d, shape):
    layer = _recurrent(d)
    if shape[1] is None:
        layer["config"].pop("unroll", None)
    return layer if shape[-1] is not None else None


def bidirectional(d, shape):
    layer = recurrent(d, shape)
    if layer is None:
        return None
    layer["config"].pop("go_backwards", None)
    return described("Bidirectional", layer=layer, **d.some(0.5, merge_mode=("sum", "mul", "ave", "concat")))


def stacked(d, shape):
    if shape[-1] is None:
        return None
    cells = [described(d.one("LSTMCell", "GRUCell", "SimpleRNNCell"), units=d.one(2, 3)) for _ in range(d.one(1, 2))]
    cell = described("StackedRNNCells", cells=cells) if d.chance(0.5) else cells[0]
    return described("RNN", cell=cell, **d.some(0.5, return_sequences=(True,)))


def timed(d, shape):
    if shape[-1] is None or len(shape) not in (3, 4):
        return None
    return described("TimeDistributed", layer=described("Dense", units=2, activation=d.activation()))


def conv_lstm(d, shape):
    rank = len(shape) - 3
    if shape[-1] is None or None in shape[1:]:
        return None
    options = d.some(0.5, return_sequences=(True,)) | d.some(0.2, go_backwards=(True,))
    return described(f"ConvLSTM{rank}D", filters=2, kernel_size=2, padding="same", **options)


def attention(d, shape):
    if shape[-1] is None:
        return None
    return described(
        "MultiHeadAttention", num_heads=d.one(1, 2), key_dim=2, **d.some(use_bias=(False,), value_dim=(3,))
    )


EVERYWHERE = (dense, activation, norm, norm, spectral, reshape)
BY_RANK = {
    2: (*EVERYWHERE, repeat, einsum_dense, dense),
    3: (*EVERYWHERE, conv, pool, adaptive, spread, global_pool, recurrent, recurrent, bidirectional, bidirectional,
        stacked, conv, timed, permute, attention, einsum_dense),
    4: (*EVERYWHERE, conv, conv, pool, adaptive, spread, global_pool, permute, conv_lstm, timed),
    5: (*EVERYWHERE, conv, conv, pool, adaptive, spread, global_pool, permute, conv_lstm),
}  # fmt: skip


def layer(d, shape):
    """A layer for this input: its class and its configuration."""
    while True:
        found = d.one(*BY_RANK[len(shape)])(d, tuple(shape))
        if found is not None:
            return found
