"""``Model.export`` and ``Model.export_training``: files for other runtimes."""

from __future__ import annotations

from typing import Any


class Exporting:
    """The part of a model that writes it in formats of other runtimes."""

    def export(
        self,
        filepath: Any,
        format: str | None = None,
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Writes the model, as it predicts, in a format that other runtimes execute.

        ``amalthea targets`` lists the formats. Weights are in the file; this library is not needed to run it.

        Args:
            filepath: str or path; the file or folder to write.
            format: str; name of the format, such as ``"onnx"``. Defaults to None, by the path's ending; a path without
                one is a folder, a SavedModel of TensorFlow.
            verbose: bool; whether inputs and outputs are printed. Defaults to None, True.
            input_signature: list of InputSpec, symbolic tensors or arrays, nested like the inputs; a None in a shape is
                a size that each call may choose. Defaults to None, the shapes that the model knows.
            **kwargs: ``batch_size``: int; the only number of rows that the file will take, any by default.
                ``dtype``: ``"float32"``, ``"float16"`` or ``"int8"``. ``calibration``: arrays, nested like the inputs;
                typical rows, by which ``"int8"`` finds its ranges. ``opset_version``: int; version of the format.
                ``overwrite``: bool; whether a file that is there is replaced, True by default. ``class_labels``: list
                of str, in ONNX's metadata and Core ML. ``image_inputs``: names of inputs that are images, or dict of
                name to dict of ``scale``, ``bias`` and ``color``; of Core ML.

        Raises:
            ExportError: the format cannot say a computation of the model; nothing is written.
            UnknownNameError: the format is unknown.
            ArgumentError: the path's ending does not tell the format, or an option does not exist.
            NotBuiltError: the shapes of the inputs are not known.
            MissingLibraryError: a library that the format needs is not installed.

        Example:
            >>> import os, tempfile
            >>> from amalthea import Sequential, layers
            >>> model = Sequential([layers.Input((4,)), layers.Dense(2)], name="net")
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     model.export(os.path.join(folder, "net.onnx"), verbose=False)
            ...     os.listdir(folder)
            ['net.onnx']
        """
        from amalthea.export.exported import exported

        exported(self, filepath, format, verbose is None or bool(verbose), input_signature, kwargs)
