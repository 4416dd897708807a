"""Writing ONNX, for every runtime that reads it."""
