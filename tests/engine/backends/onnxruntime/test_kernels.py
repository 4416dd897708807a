"""The dtypes in which ONNX Runtime computes an operator are those of the kernel that will run."""

from onnxruntime.capi import onnxruntime_pybind11_state as state

from amalthea.engine.backends.onnx import builder


class _Kernel:
    """As the runtime tells of one kernel."""

    provider, domain = "CPUExecutionProvider", ""

    def __init__(self, op_name, version_range, *types, domain=""):
        self.op_name, self.version_range, self.domain = op_name, version_range, domain
        self.type_constraints = {"T": [f"tensor({name})" for name in types]}


def test_a_dtype_that_only_a_later_opset_has_is_kernel_dtype_a_wider_one(monkeypatch):
    kernels = [
        _Kernel("Pad", (1, builder.OPSET - 1), "double"),
        _Kernel("Pad", (builder.OPSET - 1, builder.OPSET), "float"),
        _Kernel("Pad", (builder.OPSET + 1, 2**31 - 1), "float", "bfloat16"),
        _Kernel("Pad", (1, 2**31 - 1), "float16", domain="com.microsoft"),
    ]
    monkeypatch.setattr(state, "get_all_opkernel_def", lambda: kernels)
    builder._kernels.cache_clear()
    try:
        assert builder.kernel_dtype("Pad", "bfloat16") == "float32"
        assert builder.kernel_dtype("Pad", "float16") == "float32"
        assert builder.kernel_dtype("Pad", "float64") == "float32"
        assert builder.kernel_dtype("Pad", "float32") == "float32"
    finally:
        builder._kernels.cache_clear()
