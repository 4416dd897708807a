"""The writer of ONNX models, shared by ONNX Runtime, OpenVINO and export."""
