"""Convolutions and elementwise primitives in the blocked layout NCHWc, in which ONNX Runtime's kernels are fastest."""
