"""Dtype policies of quantized layers: names, data, inputs, and errors."""

from __future__ import annotations

import numpy as np
import pytest

from amalthea import Input, dtype_policies, ops
from amalthea.engine import dtypes
from amalthea.errors import AmaltheaError

NAMES = {
    "int8_from_float32": ("QuantizedDTypePolicy", "int8", "float32", "float32"),
    "int8_from_mixed_bfloat16": ("QuantizedDTypePolicy", "int8", "bfloat16", "float32"),
    "int4_from_float32": ("QuantizedDTypePolicy", "int4", "float32", "float32"),
    "int4/128_from_mixed_float16": ("Int4DTypePolicy", "int4", "float16", "float32"),
    "int4/-1_from_float32": ("Int4DTypePolicy", "int4", "float32", "float32"),
    "float8_from_bfloat16": ("QuantizedFloat8DTypePolicy", "float8", "bfloat16", "bfloat16"),
    "gptq/3/64_from_float32": ("GPTQDTypePolicy", "gptq", "float32", "float32"),
    "awq/4/-1_from_float32": ("AWQDTypePolicy", "awq", "float32", "float32"),
}


@pytest.mark.parametrize("name", NAMES)
def test_names_of_quantized_policies_are_found(name):
    kind, mode, compute, variable = NAMES[name]
    policy = dtype_policies.get(name)
    assert (type(policy).__name__, policy.quantization_mode) == (kind, mode)
    assert (policy.name, policy.compute_dtype, policy.variable_dtype) == (name, compute, variable)
    data = dtype_policies.serialize(policy)
    assert data["class_name"] == kind and data["config"]["mode"] == name.split("_from_")[0]
    again = dtype_policies.deserialize(data)
    assert again == policy and hash(again) == hash(policy) and again != dtype_policies.get("float32")


def test_the_source_is_the_default_policy():
    assert dtype_policies.Int4DTypePolicy("int4/8").name == "int4/8_from_float32"


@pytest.mark.parametrize("autocast", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int32", "bool"])
def test_inputs_are_cast_if_they_are_floats(dtype, autocast):
    policy = dtype_policies.get("mixed_float16")
    x = np.ones((2, 3)).astype(dtypes.to_numpy(dtype))
    wanted = "float16" if autocast and dtypes.is_float(dtype) else dtype
    for value in (x, ops.convert_to_tensor(x), Input((3,), dtype=dtype)):
        assert dtypes.standardize(policy.convert_input(value, autocast, "float16").dtype) == wanted
    assert policy.convert_input("text", True, "float16") == "text"


MISTAKES = [
    "int7_from_float32", "int8_from_float31", "int8_from_float16", "int4/0_from_float32", "int4/x_from_float32",
    "int8/4_from_float32", "gptq/4_from_float32", "gptq/5/8_from_float32", "awq/8/8_from_float32",
    "gptq/4/-2_from_float32", "int8_from_int8_from_float32", "int8_from_",
]  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_other_names_are_refused_in_words(name):
    with pytest.raises(AmaltheaError):
        dtype_policies.get(name)


def test_a_history_has_a_length():
    with pytest.raises(AmaltheaError):
        dtype_policies.QuantizedFloat8DTypePolicy("float8", "float32", amax_history_length=0)
