"""Initial values: their shapes, spreads and streams, their names and configurations; and draws inside a step."""

import numpy as np
import pytest

from amalthea import dtype_policies, initializers, ops, random
from amalthea.errors import ArgumentError, ShapeError, UnknownNameError
from amalthea.initializers import compute_fans
from amalthea.random import SeedGenerator

CLASSES = {
    "Zeros": {},
    "Ones": {},
    "Constant": {"value": 0.0},
    "Identity": {},
    "Orthogonal": {"gain": 1.0, "seed": None},
    "RandomNormal": {"mean": 0.0, "stddev": 0.05, "seed": None},
    "RandomUniform": {"minval": -0.05, "maxval": 0.05, "seed": None},
    "TruncatedNormal": {"mean": 0.0, "stddev": 0.05, "seed": None},
    "VarianceScaling": {
        "scale": 1.0,
        "mode": "fan_in",
        "distribution": "truncated_normal",
        "seed": None,
        "input_axes": None,
        "output_axes": None,
    },
    **{
        name: {"seed": None, "input_axes": None, "output_axes": None}
        for name in ("GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform")
    },
}
DRAWN = [name for name, config in CLASSES.items() if "seed" in config]


@pytest.mark.parametrize("name", CLASSES)
def test_every_config_is_keras_config_and_makes_the_initializer_again(name):
    made = getattr(initializers, name)()
    assert initializers.serialize(made) == {
        "module": "keras.initializers",
        "class_name": name,
        "config": CLASSES[name],
        "registered_name": None,
    }
    again = initializers.deserialize(initializers.serialize(made))
    assert type(again) is type(made) and again.get_config() == made.get_config()


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
def test_values_have_the_shape_and_dtype_that_were_asked_for(name, dtype):
    values = getattr(initializers, name)()((4, 6), dtype=dtype)
    assert values.shape == (4, 6) and values.dtype.name == dtype and values.flags.writeable


@pytest.mark.parametrize("name", DRAWN)
def test_a_seed_repeats_itself_and_none_does_not(name):
    make = getattr(initializers, name)
    same, again, other = make(seed=1), make(seed=1), make(seed=2)
    np.testing.assert_array_equal(same((3, 4)), again((3, 4)))
    np.testing.assert_array_equal(same((3, 4)), same((3, 4)))
    assert not np.array_equal(same((3, 4)), other((3, 4)))
    unseeded = make()
    assert not np.array_equal(unseeded((3, 4)), unseeded((3, 4)))
    moving = make(seed=SeedGenerator(1))
    first = moving((3, 4))
    np.testing.assert_array_equal(first, same((3, 4)))
    assert not np.array_equal(first, moving((3, 4)))
    assert make.from_config(make(seed=SeedGenerator(4)).get_config()).seed.seed == 4


def test_one_seed_for_all_repeats_every_unseeded_draw():
    def draws():
        random.set_random_seed(5)
        weights = initializers.GlorotUniform()((2, 2))
        return [weights, random.uniform((3,)), random.normal((3,)), np.random.rand(2)]

    for a, b in zip(draws(), draws()):
        np.testing.assert_array_equal(a, b)


FANS = {
    (): (1, 1),
    (5,): (5, 5),
    (3, 4): (3, 4),
    (2, 3, 4): (6, 8),
    (3, 3, 16, 32): (144, 288),
    (2, 2, 2, 5, 7): (40, 56),
}


@pytest.mark.parametrize("shape", FANS)
def test_fans_count_the_window_of_a_convolution(shape):
    assert compute_fans(shape) == FANS[shape]
    assert compute_fans((8, 2, 4), (0,), (1, 2)) == (8, 8)
    assert compute_fans((3, 5, 7), (0, 1), (2,)) == (15, 7)


@pytest.mark.parametrize(
    "name, variance",
    [
        ("GlorotNormal", 2 / (200 + 300)),
        ("GlorotUniform", 2 / (200 + 300)),
        ("HeNormal", 2 / 200),
        ("HeUniform", 2 / 200),
        ("LecunNormal", 1 / 200),
        ("LecunUniform", 1 / 200),
    ],
)
def test_the_variance_is_that_of_the_paper(name, variance):
    values = getattr(initializers, name)(seed=0)((200, 300))
    assert np.var(values) == pytest.approx(variance, rel=0.02) and abs(np.mean(values)) < 0.1 * variance**0.5
    limit = 2 / 0.8796 if name.endswith("Normal") else 3**0.5
    assert np.abs(values).max() <= limit * variance**0.5 * 1.001


def test_no_truncated_number_lies_beyond_two_deviations():
    values = initializers.TruncatedNormal(1.0, 0.5, seed=0)((100, 100))
    assert values.min() >= 0.0 and values.max() <= 2.0 and np.std(values) == pytest.approx(0.5 * 0.8796, rel=0.02)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 2, 3), (2, 3, 20)])
def test_orthogonal_rows_or_columns_have_length_gain(shape):
    matrix = initializers.Orthogonal(gain=2.0, seed=0)(shape).reshape(-1, shape[-1])
    square = matrix @ matrix.T if matrix.shape[0] < matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(square, 4 * np.eye(len(square)), atol=1e-5)


def test_the_fourier_kernel_transforms_a_signal():
    length = 16
    signal = np.random.default_rng(0).normal(size=length)
    kernels = [
        initializers.STFT(side, window=None, scaling=None)((length, 1, length // 2 + 1), "float64")
        for side in ("real", "imag")
    ]
    real, imag = (signal @ kernel[:, 0] for kernel in kernels)
    np.testing.assert_allclose(real + 1j * imag, np.fft.rfft(signal), atol=1e-9)


def test_names_arrays_and_dicts_give_initializers():
    assert isinstance(initializers.get("glorot_uniform"), initializers.GlorotUniform)
    assert isinstance(initializers.get("zero"), initializers.Zeros) and isinstance(
        initializers.get("normal"), initializers.RandomNormal
    )
    assert isinstance(initializers.get(initializers.Ones), initializers.Ones)
    assert initializers.get({"class_name": "Constant", "config": {"value": 2.0}})((1,)) == 2.0
    np.testing.assert_array_equal(initializers.get(np.arange(3))((2, 3)), [[0, 1, 2]] * 2)
    assert initializers.get(None) is None
    with pytest.raises(UnknownNameError, match="use 'he_normal'"):
        initializers.get("he_norml")


def test_meaningless_arguments_of_initializers_are_refused():
    with pytest.raises(ArgumentError):
        initializers.VarianceScaling(scale=0)
    with pytest.raises(ArgumentError, match="fan_in"):
        initializers.VarianceScaling(mode="fan")
    with pytest.raises(ShapeError):
        initializers.Orthogonal()((3,))
    with pytest.raises(ArgumentError):
        SeedGenerator(-1)


# ------------------------------------------------------------------------------------- draws inside a step


def test_a_seed_generator_moves_on():
    seeds = SeedGenerator(7, name="seeds")
    keys = [np.asarray(seeds.next()) for _ in range(3)]
    np.testing.assert_array_equal(keys, [[7, 0], [7, 1], [7, 2]])
    assert seeds.state.dtype == "uint32" and seeds.state.path == "seeds_state"
    assert seeds.get_config() == {"seed": 7, "name": "seeds"}


def test_draws_have_their_spread():
    n = 40000
    uniform = np.asarray(random.uniform((n,), -1.0, 3.0, seed=1))
    normal = np.asarray(random.normal((n,), 2.0, 0.5, seed=1))
    truncated = np.asarray(random.truncated_normal((n,), seed=1))
    assert uniform.min() >= -1 and uniform.max() < 3 and np.mean(uniform) == pytest.approx(1, abs=0.05)
    assert np.mean(normal) == pytest.approx(2, abs=0.02) and np.std(normal) == pytest.approx(0.5, rel=0.02)
    assert np.abs(truncated).max() <= 2 and np.std(truncated) == pytest.approx(0.8796, rel=0.02)
    whole = np.asarray(random.randint((n,), 2, 6, seed=1))
    np.testing.assert_allclose(np.bincount(whole) / n, [0, 0, 0.25, 0.25, 0.25, 0.25], atol=0.02)
    classes = np.asarray(random.categorical(np.log(np.float32([[0.1, 0.2, 0.7], [0.5, 0.5, 1e-9]])), n, seed=1))
    assert classes.shape == (2, n) and classes.dtype == "int32"
    np.testing.assert_allclose(np.bincount(classes[0]) / n, [0.1, 0.2, 0.7], atol=0.02)
    assert (classes[1] < 2).all()


def test_dropout_keeps_the_mean():
    x = np.ones((100, 200), "float32")
    dropped = np.asarray(random.dropout(x, 0.25, seed=3))
    assert set(np.unique(dropped)) == {0.0, np.float32(1 / 0.75)} and np.mean(dropped) == pytest.approx(1, abs=0.03)
    rows = np.asarray(random.dropout(x, 0.5, noise_shape=(None, 1), seed=3))
    assert (rows == rows[:, :1]).all()


def test_shuffling_keeps_the_slices():
    x = np.arange(12).reshape(4, 3)
    shuffled = np.asarray(random.shuffle(x, axis=1, seed=2))
    assert sorted(map(tuple, shuffled.T)) == sorted(map(tuple, x.T))


def test_dtypes_of_draws():
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        assert ops.dtype(random.uniform((2,), dtype=dtype, seed=0)) == dtype
    assert ops.dtype(random.randint((2,), 0, 5, dtype="int8", seed=0)) == "int8"
    with pytest.raises(ArgumentError):
        random.normal((2,), dtype="int32")


# ------------------------------------------------------------------------------------------ dtype policies


def test_policies_pair_a_dtype_to_compute_in_with_one_to_keep():
    for name, (compute, keep) in {
        "float32": ("float32", "float32"),
        "bfloat16": ("bfloat16", "bfloat16"),
        "mixed_float16": ("float16", "float32"),
        "mixed_bfloat16": ("bfloat16", "float32"),
    }.items():
        policy = dtype_policies.get(name)
        assert (policy.compute_dtype, policy.variable_dtype, policy.name) == (compute, keep, name)
        assert dtype_policies.deserialize(dtype_policies.serialize(policy)) == policy
    assert dtype_policies.serialize(policy) == {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": "mixed_bfloat16"},
        "registered_name": None,
    }
    with pytest.raises(ArgumentError, match="use 'mixed_float16'"):
        dtype_policies.get("mixed_float")


def test_the_default_policy_is_set_and_taken():
    before = dtype_policies.dtype_policy()
    try:
        dtype_policies.set_dtype_policy("mixed_float16")
        assert dtype_policies.get(None).compute_dtype == "float16"
    finally:
        dtype_policies.set_dtype_policy(before)
    policies = dtype_policies.DTypePolicyMap("float32", {"block/dense": "mixed_bfloat16"})
    assert policies["block/dense"].compute_dtype == "bfloat16" and policies["other"].compute_dtype == "float32"
