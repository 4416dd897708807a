"""Lowerings to TensorFlow's operators, which SavedModel and TensorFlow.js share."""
