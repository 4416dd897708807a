"""Convolutions and their surroundings in the blocked layout NCHWc, in which ONNX Runtime's kernels are fastest."""
