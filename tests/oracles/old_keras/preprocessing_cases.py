"""What is asked of ``keras.preprocessing``: a name, a function of (image, sequence, text) and arrays, their shapes.

Random numbers are seeded before each case. Generators begin from ``numpy.random.seed`` or their own seed.
"""

TEXTS = ["The cat sat on the mat.", "the dog; the LOG!", "A cat, a dog\tand a tale"]


def _batches(iterator, count=3):
    found = []
    for _ in range(count):
        batch = next(iterator)
        found += list(batch) if isinstance(batch, tuple) else [batch]
    return found


def _flow(options, flow=None, count=3):
    def ask(image, sequence, text, x, y):
        generator = image.ImageDataGenerator(**options)
        generator.fit(x)
        return _batches(generator.flow(x, y, batch_size=3, **(flow or {"seed": 7})), count)

    return ask


def _tokenizer(image, sequence, text, **options):
    made = text.Tokenizer(**options)
    made.fit_on_texts(TEXTS)
    return made


def _matrices(image, sequence, text):
    made = _tokenizer(
        image, sequence, text, **({"nb_words": 6} if not hasattr(text, "tokenizer_from_json") else {"num_words": 6})
    )
    return [made.texts_to_matrix(TEXTS + ["", "cat"], mode) for mode in ("binary", "count", "tfidf", "freq")]


def _rows(rows):
    return [len(r) for r in rows] + [n for r in rows for n in r]


IMAGES = [(7, 6, 8, 3), ("ints", (7,), 4)]
GREY = [(40, 2, 3, 1), ("ints", (40,), 4)]
FIRST = [(5, 3, 6, 4), ("ints", (5,), 4)]

BOTH = [
    ("shuffled", _flow({}), IMAGES),
    ("no seed", _flow({"horizontal_flip": True}, {}), IMAGES),
    ("rotation", _flow({"rotation_range": 40}), IMAGES),
    ("shift", _flow({"width_shift_range": 0.3, "height_shift_range": 0.2}), IMAGES),
    ("zoom", _flow({"zoom_range": 0.4}), IMAGES),
    ("zoom pair", _flow({"zoom_range": [0.5, 0.9], "fill_mode": "constant", "cval": 0.5}), IMAGES),
    ("flips", _flow({"horizontal_flip": True, "vertical_flip": True}), IMAGES),
    ("channel shift", _flow({"channel_shift_range": 0.7}), IMAGES),
    ("wrap", _flow({"rotation_range": 30, "width_shift_range": 0.4, "fill_mode": "wrap"}), IMAGES),
    ("rescale", _flow({"rescale": 0.25}), IMAGES),
    ("function", _flow({"preprocessing_function": lambda x: x * 2 + 1}), IMAGES),
    ("featurewise", _flow({"featurewise_center": True, "featurewise_std_normalization": True}), IMAGES),
    ("samplewise", _flow({"samplewise_center": True, "samplewise_std_normalization": True}), IMAGES),
    ("whitening", _flow({"zca_whitening": True, "featurewise_center": True}), GREY),
    (
        "everything",
        _flow(
            {
                "rotation_range": 20,
                "width_shift_range": 0.1,
                "height_shift_range": 0.1,
                "shear_range": 0.2,
                "zoom_range": 0.2,
                "channel_shift_range": 0.3,
                "horizontal_flip": True,
                "vertical_flip": True,
            }
        ),
        IMAGES,
    ),
    ("in order", _flow({"rotation_range": 20}, {"shuffle": False}), IMAGES),
    ("random_rotation", lambda i, s, t, x: i.random_rotation(x, 60, 0, 1, 2), [(6, 5, 3)]),
    ("random_shift", lambda i, s, t, x: i.random_shift(x, 0.4, 0.3, 0, 1, 2, fill_mode="constant"), [(6, 5, 3)]),
    ("random_zoom", lambda i, s, t, x: i.random_zoom(x, (0.6, 1.4), 0, 1, 2), [(6, 5, 3)]),
    ("pad_sequences", lambda i, s, t: s.pad_sequences([[1], [2, 3], [4, 5, 6]]), []),
    (
        "pad_sequences post",
        lambda i, s, t: s.pad_sequences([[1], [2, 3, 4]], maxlen=2, padding="post", truncating="post"),
        [],
    ),
    ("make_sampling_table", lambda i, s, t: s.make_sampling_table(20), []),
    ("skipgrams", lambda i, s, t: list(s.skipgrams([1, 2, 3, 0, 4, 5], 8, window_size=2)), []),
    (
        "skipgrams sampled",
        lambda i, s, t: list(
            s.skipgrams(
                list(range(1, 60)),
                60,
                window_size=3,
                negative_samples=0.5,
                sampling_table=s.make_sampling_table(60, 0.1),
            )
        ),
        [],
    ),
    ("skipgrams categorical", lambda i, s, t: list(s.skipgrams([1, 2, 3], 4, categorical=True)), []),
    ("texts_to_matrix", lambda i, s, t: _matrices(i, s, t), []),
    ("texts_to_sequences", lambda i, s, t: _rows(_tokenizer(i, s, t).texts_to_sequences(TEXTS)), []),
    (
        "characters",
        lambda i, s, t: _rows(_tokenizer(i, s, t, char_level=True, lower=False).texts_to_sequences(TEXTS)),
        [],
    ),
]

KERAS1 = BOTH + [
    ("shear in radians", _flow({"shear_range": 0.5}), IMAGES),
    ("th", _flow({"rotation_range": 30, "dim_ordering": "th", "channel_shift_range": 0.5}), FIRST),
    ("random_shear", lambda i, s, t, x: i.random_shear(x, 0.5, 0, 1, 2), [(6, 5, 3)]),
]

KERAS2 = BOTH + [
    ("shear", _flow({"shear_range": 30}), IMAGES),
    ("nearest pixel", _flow({"rotation_range": 40, "interpolation_order": 0}), IMAGES),
    ("reflect", _flow({"rotation_range": 60, "fill_mode": "reflect", "interpolation_order": 0}), IMAGES),
    ("first", _flow({"rotation_range": 30, "data_format": "channels_first", "channel_shift_range": 0.5}), FIRST),
    ("shift in pixels", _flow({"width_shift_range": 3, "height_shift_range": [-1, 2]}), IMAGES),
    (
        "subsets",
        lambda i, s, t, x: [
            next(i.ImageDataGenerator(validation_split=0.4).flow(x, shuffle=False, subset=name))
            for name in ("training", "validation")
        ],
        [(5, 2, 2, 1)],
    ),
    (
        "weights",
        lambda i, s, t, x, y: _batches(i.ImageDataGenerator().flow(x, y, 2, sample_weight=y * 2, seed=1)),
        [(5, 2, 2, 1), ("ints", (5,), 9)],
    ),
    (
        "brightness",
        lambda i, s, t, x: i.apply_brightness_shift((x * 255).astype("uint8").astype("float32"), 0.7),
        [("positive", (4, 4, 3))],
    ),
    (
        "get_random_transform",
        lambda i, s, t: [
            float(v)
            for _, v in sorted(
                i.ImageDataGenerator(
                    rotation_range=9,
                    width_shift_range=0.1,
                    height_shift_range=4,
                    shear_range=3,
                    zoom_range=0.1,
                    channel_shift_range=2.0,
                    brightness_range=(0.5, 2),
                    horizontal_flip=True,
                    vertical_flip=True,
                )
                .get_random_transform((10, 20, 3), seed=3)
                .items()
            )
        ],
        [],
    ),
    ("random_shear", lambda i, s, t, x: i.random_shear(x, 40, 0, 1, 2), [(6, 5, 3)]),
    ("random_channel_shift", lambda i, s, t, x: i.random_channel_shift(x, 0.5), [(3, 6, 5)]),
    ("skipgrams seed", lambda i, s, t: list(s.skipgrams([1, 2, 3, 4], 8, seed=4)), []),
    ("hashing_trick", lambda i, s, t: t.hashing_trick(TEXTS[0], 50, "md5"), []),
    (
        "unknown words",
        lambda i, s, t: _rows(_tokenizer(i, s, t, num_words=4, oov_token="?").texts_to_sequences(TEXTS + ["new cat"])),
        [],
    ),
    (
        "TimeseriesGenerator",
        lambda i, s, t, x: list(s.TimeseriesGenerator(x, x[:, 0], 4, sampling_rate=2, stride=3, batch_size=2)[1]),
        [(20, 2)],
    ),
    (
        "TimeseriesGenerator reversed",
        lambda i, s, t, x: list(
            s.TimeseriesGenerator(x, x[:, 0], 3, start_index=2, end_index=9, reverse=True, batch_size=4)[0]
        ),
        [(20, 2)],
    ),
    (
        "TimeseriesGenerator shuffled",
        lambda i, s, t, x: list(s.TimeseriesGenerator(x, x[:, 0], 3, shuffle=True, batch_size=4)[0]),
        [(20, 2)],
    ),
]
