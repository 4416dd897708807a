"""What is asked of ``K``: a name, a function of K and of arrays, and the shapes of the arrays.

``EVERY`` holds in Keras 1.2.2 and 2.2.4; ``KERAS1`` and ``KERAS2`` in one of them.
"""


def _step(K):
    def step(x, states):
        new = K.tanh(x + 0.5 * states[0])
        return new, [new]

    return step


def _two_states(K):
    def step(x, states):
        a = K.tanh(x + states[0] * states[2])
        return a * 2.0, [a, states[1] + x]

    return step


EVERY = [
    ("abs", lambda K, x: K.abs(x), [(2, 3)]),
    ("cos", lambda K, x: K.cos(x), [(2, 3)]),
    ("elu", lambda K, x: K.elu(x, 0.5), [(2, 3)]),
    ("exp", lambda K, x: K.exp(x), [(2, 3)]),
    ("hard_sigmoid", lambda K, x: K.hard_sigmoid(x * 2), [(4, 3)]),
    ("log", lambda K, x: K.log(x), [("positive", (2, 3))]),
    ("pow", lambda K, x: K.pow(x, 3), [(2, 3)]),
    ("relu", lambda K, x: K.relu(x), [(2, 3)]),
    ("relu alpha", lambda K, x: K.relu(x, alpha=0.1, max_value=1.0), [(2, 3)]),
    ("round", lambda K, x: K.round(x * 2), [(3, 3)]),
    ("sigmoid", lambda K, x: K.sigmoid(x), [(2, 3)]),
    ("sign", lambda K, x: K.sign(x), [(2, 3)]),
    ("sin", lambda K, x: K.sin(x), [(2, 3)]),
    ("softplus", lambda K, x: K.softplus(x), [(2, 3)]),
    ("softsign", lambda K, x: K.softsign(x), [(2, 3)]),
    ("sqrt of negative ones", lambda K, x: K.sqrt(x), [(2, 3)]),
    ("square", lambda K, x: K.square(x), [(2, 3)]),
    ("tanh", lambda K, x: K.tanh(x), [(2, 3)]),
    ("clip", lambda K, x: K.clip(x, -0.5, 1), [(2, 3)]),
    ("softmax", lambda K, x: K.softmax(x), [(2, 3)]),
    ("l2_normalize", lambda K, x: K.l2_normalize(x, 1), [(2, 3)]),
    ("maximum", lambda K, x, y: K.maximum(x, y), [(2, 3), (2, 3)]),
    ("minimum", lambda K, x, y: K.minimum(x, y), [(2, 3), (2, 3)]),
    ("equal", lambda K, x: K.cast(K.equal(x, x), "float32"), [(2, 3)]),
    ("greater", lambda K, x, y: K.cast(K.greater(x, y), "float32"), [(2, 3), (2, 3)]),
    ("greater_equal", lambda K, x, y: K.cast(K.greater_equal(x, y), "float32"), [(2, 3), (2, 3)]),
    ("not_equal", lambda K, x, y: K.cast(K.not_equal(x, y), "float32"), [(2, 3), (2, 3)]),
    ("sum", lambda K, x: K.sum(x), [(2, 3)]),
    ("sum axis", lambda K, x: K.sum(x, axis=1, keepdims=True), [(2, 3)]),
    ("sum axes", lambda K, x: K.sum(x, axis=[0, -1]), [(2, 3, 4)]),
    ("prod", lambda K, x: K.prod(x, axis=-1), [(2, 3)]),
    ("mean", lambda K, x: K.mean(x, axis=0), [(2, 3)]),
    ("mean axes", lambda K, x: K.mean(x, axis=[1, 2], keepdims=True), [(2, 3, 4)]),
    ("std", lambda K, x: K.std(x, axis=1), [(2, 3)]),
    ("var", lambda K, x: K.var(x, axis=1, keepdims=True), [(2, 3)]),
    ("max", lambda K, x: K.max(x, axis=1), [(2, 3)]),
    ("min", lambda K, x: K.min(x, axis=0, keepdims=True), [(2, 3)]),
    ("any", lambda K, x: K.cast(K.any(K.greater(x, 1.5), axis=1), "float32"), [(4, 3)]),
    ("all", lambda K, x: K.cast(K.all(K.greater(x, -1.0), axis=1), "float32"), [(4, 3)]),
    ("argmax", lambda K, x: K.cast(K.argmax(x), "float32"), [(3, 4)]),
    ("argmin", lambda K, x: K.cast(K.argmin(x, axis=0), "float32"), [(3, 4)]),
    ("dot", lambda K, x, y: K.dot(x, y), [(2, 3), (3, 4)]),
    ("dot of three axes", lambda K, x, y: K.dot(x, y), [(2, 3, 4), (4, 5)]),
    ("dot of four axes", lambda K, x, y: K.dot(x, y), [(2, 3, 4), (5, 4, 3)]),
    ("batch_dot", lambda K, x, y: K.batch_dot(x, y), [(2, 3, 4), (2, 4, 5)]),
    ("batch_dot one axis", lambda K, x, y: K.batch_dot(x, y, axes=1), [(4, 3), (4, 3)]),
    ("batch_dot axes", lambda K, x, y: K.batch_dot(x, y, axes=(2, 1)), [(2, 3, 4), (2, 4, 5)]),
    ("batch_dot both last", lambda K, x, y: K.batch_dot(x, y, axes=[2, 2]), [(2, 3, 4), (2, 5, 4)]),
    ("batch_dot first of three", lambda K, x, y: K.batch_dot(x, y, axes=(1, 1)), [(2, 3, 4), (2, 3, 5)]),
    ("batch_dot matrix and vector", lambda K, x, y: K.batch_dot(x, y, axes=(2, 1)), [(2, 3, 4), (2, 4)]),
    ("transpose", lambda K, x: K.transpose(x), [(2, 3)]),
    ("gather", lambda K, x, i: K.gather(x, K.cast(i, "int32")), [(5, 3), ("ints", (2, 2), 5)]),
    ("concatenate", lambda K, x, y: K.concatenate([x, y], axis=0), [(2, 3), (1, 3)]),
    ("reshape", lambda K, x: K.reshape(x, (-1, 2)), [(2, 3)]),
    ("permute_dimensions", lambda K, x: K.permute_dimensions(x, (2, 0, 1)), [(2, 3, 4)]),
    ("repeat_elements", lambda K, x: K.repeat_elements(x, 2, axis=1), [(2, 3)]),
    ("repeat", lambda K, x: K.repeat(x, 3), [(2, 3)]),
    ("tile", lambda K, x: K.tile(x, (2, 1)), [(2, 3)]),
    ("flatten", lambda K, x: K.flatten(x), [(2, 3)]),
    ("batch_flatten", lambda K, x: K.batch_flatten(x), [(2, 3, 2)]),
    ("expand_dims", lambda K, x: K.expand_dims(x, 1), [(2, 3)]),
    ("squeeze", lambda K, x: K.squeeze(x, 1), [(2, 1, 3)]),
    ("stack", lambda K, x, y: K.stack([x, y]), [(2, 3), (2, 3)]),
    ("one_hot", lambda K, i: K.one_hot(K.cast(i, "int32"), 4), [("ints", (2, 3), 4)]),
    ("reverse", lambda K, x: K.reverse(x, 1), [(2, 3)]),
    ("ones_like", lambda K, x: K.ones_like(x), [(2, 3)]),
    ("switch", lambda K, x, y: K.switch(K.greater(x, 0), x, y), [(2, 3), (2, 3)]),
    ("in_test_phase", lambda K, x, y: K.in_test_phase(x, y) if not K.set_learning_phase(0) else x, [(2,), (2,)]),
    ("in_train_phase", lambda K, x, y: K.in_train_phase(x, y) if not K.set_learning_phase(1) else x, [(2,), (2,)]),
    ("map_fn", lambda K, x: K.map_fn(lambda row: K.sum(row) * row, x), [(3, 2)]),
    ("foldl", lambda K, x: K.foldl(lambda a, row: a * 2 + row, x), [(3, 2)]),
    ("foldr", lambda K, x: K.foldr(lambda a, row: a * 2 + row, x), [(3, 2)]),
    ("foldl start", lambda K, x, s: K.foldl(lambda a, row: a * 2 + row, x, s), [(3, 2), (2,)]),
    ("rnn", lambda K, x, s: list(K.rnn(_step(K), x, [s])[:2]), [(2, 3, 4), (2, 4)]),
    ("rnn backwards", lambda K, x, s: list(K.rnn(_step(K), x, [s], go_backwards=True)[:2]), [(2, 3, 4), (2, 4)]),
    (
        "rnn mask",
        lambda K, x, s, m: list(K.rnn(_step(K), x, [s], mask=K.greater(m, 0))[:2]),
        [(2, 4, 3), (2, 3), ("ints", (2, 4), 2)],
    ),
    (
        "rnn constants",
        lambda K, x, a, b, c: (
            [K.rnn(_two_states(K), x, [a, b], constants=[c])[1]]
            + list(K.rnn(_two_states(K), x, [a, b], constants=[c])[2])
        ),
        [(2, 3, 4), (2, 4), (2, 4), (2, 4)],
    ),
    (
        "rnn unroll",
        lambda K, x, s: list(K.rnn(_step(K), x, [s], unroll=True, input_length=3)[:2]),
        [(2, 3, 4), (2, 4)],
    ),
    (
        "normalize_batch_in_training",
        lambda K, x, g, b: list(K.normalize_batch_in_training(x, g, b, [0, 1, 2]))[:2],
        [(2, 3, 2, 4), (4,), (4,)],
    ),
    (
        "batch_normalization",
        lambda K, x, m, v, b, g: K.batch_normalization(x, m, v, b, g),
        [(3, 4), (4,), ("positive", (4,)), (4,), (4,)],
    ),
    ("gradients", lambda K, x: K.gradients(K.sum(K.square(x) * x), [x]), [(2, 3)]),
    ("gradients of two", lambda K, x, y: K.gradients(K.mean(K.tanh(K.dot(x, y))), [x, y]), [(2, 3), (3, 2)]),
    ("stop_gradient", lambda K, x: K.gradients(K.sum(x * K.stop_gradient(x)), [x]), [(2, 3)]),
    ("second gradients", lambda K, x: K.gradients(K.sum(K.gradients(K.sum(x * x * x), [x])[0]), [x]), [(2, 3)]),
]

KERAS1 = [
    (
        "categorical_crossentropy",
        lambda K, p, y: K.categorical_crossentropy(K.softmax(p), K.softmax(y)),
        [(2, 3), (2, 3)],
    ),
    ("binary_crossentropy", lambda K, p, y: K.binary_crossentropy(p, y), [("positive", (2, 3)), ("positive", (2, 3))]),
    (
        "sparse_categorical_crossentropy",
        lambda K, p, y: K.sparse_categorical_crossentropy(K.softmax(p), K.cast(y, "int32")),
        [(2, 3), ("ints", (2, 1), 3)],
    ),
    ("conv2d th", lambda K, x, k: K.conv2d(x, k, dim_ordering="th"), [(2, 3, 5, 6), ("kernel", (4, 3, 3, 3), 2, 2)]),
    (
        "conv2d th same",
        lambda K, x, k: K.conv2d(x, k, border_mode="same", dim_ordering="th"),
        [(2, 3, 5, 6), ("kernel", (4, 3, 3, 3), 2, 2)],
    ),
    (
        "conv2d tf strides",
        lambda K, x, k: K.conv2d(x, k, strides=(2, 2), dim_ordering="tf"),
        [(2, 7, 6, 3), ("kernel", (3, 2, 3, 4), 0, 2)],
    ),
    ("pool2d", lambda K, x: K.pool2d(x, (2, 2), strides=(2, 2), dim_ordering="th"), [(2, 3, 4, 6)]),
    (
        "pool2d mean",
        lambda K, x: K.pool2d(x, (2, 3), strides=(1, 2), dim_ordering="tf", pool_mode="avg"),
        [(2, 4, 6, 3)],
    ),
    ("resize_images", lambda K, x: K.resize_images(x, 2, 3, "th"), [(1, 2, 2, 3)]),
    ("resize_volumes", lambda K, x: K.resize_volumes(x, 2, 1, 2, "tf"), [(1, 2, 2, 1, 2)]),
    ("temporal_padding", lambda K, x: K.temporal_padding(x, 2), [(1, 2, 3)]),
    ("asymmetric_temporal_padding", lambda K, x: K.asymmetric_temporal_padding(x, 2, 0), [(1, 2, 3)]),
    ("spatial_2d_padding", lambda K, x: K.spatial_2d_padding(x, (1, 2), "th"), [(1, 2, 2, 3)]),
    (
        "asymmetric_spatial_2d_padding",
        lambda K, x: K.asymmetric_spatial_2d_padding(x, 1, 0, 2, 0, dim_ordering="tf"),
        [(1, 2, 2, 3)],
    ),
    ("spatial_3d_padding", lambda K, x: K.spatial_3d_padding(x, (1, 0, 2), "tf"), [(1, 2, 1, 1, 2)]),
    ("expand_dims dim", lambda K, x: K.expand_dims(x, dim=0), [(2,)]),
    ("one_hot nb_classes", lambda K, i: K.one_hot(K.cast(i, "int32"), nb_classes=3), [("ints", (2,), 3)]),
    ("lesser", lambda K, x, y: K.cast(K.lesser(x, y), "float32"), [(2, 3), (2, 3)]),
    ("lesser_equal", lambda K, x, y: K.cast(K.lesser_equal(x, y), "float32"), [(2, 3), (2, 3)]),
    ("in_top_k", lambda K, p, y: K.cast(K.in_top_k(p, K.cast(y, "int32"), 2), "float32"), [(4, 5), ("ints", (4,), 5)]),
]

KERAS2 = [
    (
        "categorical_crossentropy",
        lambda K, y, p: K.categorical_crossentropy(K.softmax(y), p),
        [(2, 3), ("positive", (2, 3))],
    ),
    (
        "categorical_crossentropy of logits",
        lambda K, y, p: K.categorical_crossentropy(K.softmax(y), p, from_logits=True),
        [(2, 3), (2, 3)],
    ),
    ("binary_crossentropy", lambda K, y, p: K.binary_crossentropy(y, p), [("positive", (2, 3)), ("positive", (2, 3))]),
    (
        "sparse_categorical_crossentropy",
        lambda K, y, p: K.sparse_categorical_crossentropy(K.cast(y, "int32"), p),
        [("ints", (2, 1), 3), ("positive", (2, 3))],
    ),
    (
        "conv1d",
        lambda K, x, k: K.conv1d(x, k, strides=2, data_format="channels_last"),
        [(2, 7, 3), ("kernel", (3, 3, 4), 0, 1)],
    ),
    (
        "conv1d causal",
        lambda K, x, k: K.conv1d(x, k, padding="causal", dilation_rate=2),
        [(2, 7, 3), ("kernel", (3, 3, 4), 0, 1)],
    ),
    ("conv2d", lambda K, x, k: K.conv2d(x, k), [(2, 5, 6, 3), ("kernel", (3, 3, 3, 4), 0, 2)]),
    (
        "conv2d first",
        lambda K, x, k: K.conv2d(x, k, padding="same", data_format="channels_first"),
        [(2, 3, 5, 6), ("kernel", (3, 3, 3, 4), 0, 2)],
    ),
    (
        "conv2d dilated",
        lambda K, x, k: K.conv2d(x, k, dilation_rate=(2, 2)),
        [(2, 7, 6, 3), ("kernel", (3, 2, 3, 4), 0, 2)],
    ),
    (
        "conv2d_transpose",
        lambda K, x, k: K.conv2d_transpose(x, k, (2, 7, 9, 4), strides=(2, 2), padding="valid"),
        [(2, 3, 4, 3), ("kernel", (3, 3, 4, 3), 0, 2)],
    ),
    ("conv3d", lambda K, x, k: K.conv3d(x, k), [(1, 3, 4, 3, 2), ("kernel", (2, 2, 2, 2, 3), 0, 3)]),
    (
        "depthwise_conv2d",
        lambda K, x, k: K.depthwise_conv2d(x, k),
        [(2, 5, 5, 3), (3, 3, 3, 2)],
    ),
    (
        "separable_conv2d",
        lambda K, x, d, p: K.separable_conv2d(x, d, p),
        [(2, 5, 5, 3), (3, 3, 3, 2), (1, 1, 6, 4)],
    ),
    ("pool2d", lambda K, x: K.pool2d(x, (2, 2), strides=(2, 2)), [(2, 4, 6, 3)]),
    ("pool3d", lambda K, x: K.pool3d(x, (2, 2, 2), strides=(2, 2, 2), pool_mode="avg"), [(2, 4, 2, 2, 3)]),
    ("bias_add", lambda K, x, b: K.bias_add(x, b), [(2, 3, 4, 2), (2,)]),
    ("bias_add first", lambda K, x, b: K.bias_add(x, b, "channels_first"), [(2, 2, 3, 4), (2,)]),
    (
        "local_conv1d",
        lambda K, x, k: K.local_conv1d(x, k, (2,), (1,)),
        [(2, 4, 3), (3, 6, 5)],
    ),
    (
        "local_conv2d",
        lambda K, x, k: K.local_conv2d(x, k, (2, 2), (1, 2), (2, 2)),
        [(2, 3, 4, 2), (4, 8, 3)],
    ),
    ("temporal_padding", lambda K, x: K.temporal_padding(x, (1, 2)), [(1, 2, 3)]),
    ("spatial_2d_padding", lambda K, x: K.spatial_2d_padding(x, ((1, 0), (0, 2))), [(1, 2, 2, 3)]),
    ("spatial_3d_padding", lambda K, x: K.spatial_3d_padding(x, ((1, 0), (0, 2), (0, 0))), [(1, 2, 1, 1, 2)]),
    ("resize_images", lambda K, x: K.resize_images(x, 2, 3, "channels_last"), [(1, 2, 2, 3)]),
    ("logsumexp", lambda K, x: K.logsumexp(x, axis=1), [(2, 3)]),
    ("cumsum", lambda K, x: K.cumsum(x, axis=1), [(2, 3)]),
    ("cumprod", lambda K, x: K.cumprod(x), [(2, 3)]),
    ("less", lambda K, x, y: K.cast(K.less(x, y), "float32"), [(2, 3), (2, 3)]),
    ("less_equal", lambda K, x, y: K.cast(K.less_equal(x, y), "float32"), [(2, 3), (2, 3)]),
    ("slice", lambda K, x: K.slice(x, (0, 1), (2, 2)), [(3, 4)]),
    ("constant", lambda K: K.constant(2.0, shape=(2, 2)), []),
    ("relu threshold", lambda K, x: K.relu(x, alpha=0.5, threshold=0.25), [(2, 3)]),
    ("softmax axis", lambda K, x: K.softmax(x, axis=1), [(2, 3, 2)]),
    (
        "batch_normalization axis",
        lambda K, x, m, v, b, g: K.batch_normalization(x, m, v, b, g, axis=1),
        [(3, 4, 2, 2), (4,), ("positive", (4,)), (4,), (4,)],
    ),
    ("eye", lambda K: K.eye(3), []),
    ("arange", lambda K: K.cast(K.arange(1, 7, 2), "float32"), []),
]
