"""``KerasFileEditor``: the values in a model file, looked at and changed without a model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from amalthea import writing
from amalthea.errors import ArgumentError, ShapeError, UnknownNameError, nearest
from amalthea.saving import files, hdf5, weights


class KerasFileEditor:
    """The values in a ``.keras`` or ``.weights.h5`` file, which can be renamed, deleted, added and written anew.

    A path of an object is that in the file without ``vars``, such as ``layers/dense``; its values have the names
    ``"0"``, ``"1"``, ... The attribute ``weights_dict`` holds them: a dict from path to a dict of arrays by name.

    Args:
        filepath: str or path; a file that ends in ``.keras`` or ``.weights.h5``.

    Raises:
        ArgumentError: the file does not exist, or has another ending.
        ModelFileError: the file is damaged.

    Example:
        >>> import os, tempfile
        >>> from amalthea import Sequential, layers
        >>> from amalthea.saving import KerasFileEditor
        >>> model = Sequential([layers.Input((3,)), layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = os.path.join(folder, "m.weights.h5")
        ...     model.save_weights(file)
        ...     editor = KerasFileEditor(file)
        >>> {path: sorted(values) for path, values in editor.weights_dict.items()}
        {'layers/dense': ['0', '1']}
    """

    def __init__(self, filepath: str | os.PathLike[str]):
        self.filepath = os.fspath(filepath)
        if not self.filepath.endswith((".keras", ".weights.h5")):
            raise ArgumentError(
                "This is not a file of weights.",
                expected="a path that ends in .keras or .weights.h5",
                got=self.filepath,
            )
        if not Path(self.filepath).exists():
            raise ArgumentError("This file does not exist.", got=self.filepath)
        self.weights_dict: dict[str, dict[str, np.ndarray]] = files.values_of(self.filepath)

    def summary(self) -> None:
        """Prints the paths of all objects, with names, shapes and dtypes of their values.

        Example:
            >>> from amalthea.saving import KerasFileEditor
            >>> editor = KerasFileEditor.__new__(KerasFileEditor)
            >>> editor.filepath, editor.weights_dict = "m.weights.h5", {"layers/dense": {"0": np.zeros((3, 2))}}
            >>> editor.summary()
            m.weights.h5
              layers/dense
                0: float64 (3, 2)
        """
        print(self.filepath)
        for path, values in self.weights_dict.items():
            print(f"  {path or '(the model)'}")
            for name, value in values.items():
                print(f"    {name}: {value.dtype} {value.shape}")

    def compare(self, reference_model: Any) -> dict[str, Any]:
        """Compares the file with the weights of a model, and prints what differs.

        Args:
            reference_model: built model.

        Returns:
            A dict: ``status`` (``"success"`` or ``"error"``), ``error_count`` and ``match_count``, and ``errors``, a
            list of sentences.

        Example:
            >>> from amalthea import Sequential, layers
            >>> from amalthea.saving import KerasFileEditor
            >>> editor = KerasFileEditor.__new__(KerasFileEditor)
            >>> editor.filepath, editor.weights_dict = "m.weights.h5", {"layers/dense": {"0": np.zeros((3, 2))}}
            >>> model = Sequential([layers.Input((3,)), layers.Dense(2, use_bias=False)])
            >>> editor.compare(model)["status"]
            'success'
        """
        wanted = weights.values_of(reference_model)
        wanted = {path: values for path, values in wanted.items() if values and path.split("/")[0] != "optimizer"}
        errors, matches = [], 0
        for path, values in wanted.items():
            found = self.weights_dict.get(path, {})
            for name, value in values.items():
                if name not in found:
                    errors.append(f"The file lacks the value {name} of '{path}', {value.shape}.")
                elif found[name].shape != value.shape:
                    errors.append(f"The value {name} of '{path}' is {found[name].shape}, the model's {value.shape}.")
                else:
                    matches += 1
        for path, values in self.weights_dict.items():
            more = [name for name in values if name not in wanted.get(path, {})]
            errors += [
                f"The model lacks the value {name} of '{path}'." for name in more if not path.startswith("optim")
            ]
        for error in errors:
            print(error)
        status = "error" if errors else "success"
        return {"status": status, "error_count": len(errors), "match_count": matches, "errors": errors}

    # ------------------------------------------------------------------------------------------- changes

    def rename_object(self, object_name: str, new_name: str) -> None:
        """Gives an object, and all objects inside it, another path.

        Args:
            object_name: str; path of the object, such as ``"layers/dense"``.
            new_name: str; new last part of the path, such as ``"dense_2"``, or a whole new path.

        Raises:
            UnknownNameError: the file has no such object.
            ArgumentError: the file has an object of the new path.

        Example:
            >>> from amalthea.saving import KerasFileEditor
            >>> editor = KerasFileEditor.__new__(KerasFileEditor)
            >>> editor.weights_dict = {"layers/dense": {}}
            >>> editor.rename_object("layers/dense", "dense_2")
            >>> list(editor.weights_dict)
            ['layers/dense_2']
        """
        self._known(object_name)
        around = object_name.rpartition("/")[0]
        new = new_name if "/" in new_name or not around else f"{around}/{new_name}"
        if self._inside(new):
            raise ArgumentError("The file has an object of this path.", got=new)
        inside = set(self._inside(object_name))
        self.weights_dict = {
            new + path[len(object_name) :] if path in inside else path: values
            for path, values in self.weights_dict.items()
        }

    def delete_object(self, object_name: str) -> None:
        """Removes an object and all objects inside it.

        Args:
            object_name: str; path of the object.

        Raises:
            UnknownNameError: the file has no such object.

        Example:
            >>> from amalthea.saving import KerasFileEditor
            >>> editor = KerasFileEditor.__new__(KerasFileEditor)
            >>> editor.weights_dict = {"layers/dense": {}, "layers/dense_1": {}}
            >>> editor.delete_object("layers/dense")
            >>> list(editor.weights_dict)
            ['layers/dense_1']
        """
        self._known(object_name)
        for path in self._inside(object_name):
            del self.weights_dict[path]

    def add_object(self, object_path: str, weights: Mapping[str, Any]) -> None:
        """Adds an object with its values.

        Args:
            object_path: str; path of the new object.
            weights: dict of arrays by name.

        Raises:
            ArgumentError: the file has an object of this path, or a name or value cannot be kept in a file.

        Example:
            >>> from amalthea.saving import KerasFileEditor
            >>> editor = KerasFileEditor.__new__(KerasFileEditor)
            >>> editor.weights_dict = {}
            >>> editor.add_object("layers/dense", {"0": [1.0]})
            >>> editor.weights_dict["layers/dense"]["0"].tolist()
            [1.0]
        """
        if object_path in self.weights_dict:
            raise ArgumentError("The file has an object of this path.", got=object_path, cure="add_weights")
        self.weights_dict[object_path] = _checked(weights)

    def add_weights(self, object_name: str, weights: Mapping[str, Any]) -> None:
        """Adds values to an object, or replaces those of the same names.

        Args:
            object_name: str; path of the object.
            weights: dict of arrays by name.

        Raises:
            UnknownNameError: the file has no such object.
            ShapeError: a value that is replaced has another shape.

        Example:
            >>> from amalthea.saving import KerasFileEditor
            >>> editor = KerasFileEditor.__new__(KerasFileEditor)
            >>> editor.weights_dict = {"layers/dense": {"0": np.zeros(1)}}
            >>> editor.add_weights("layers/dense", {"0": [5.0], "1": [6.0]})
            >>> {name: value.tolist() for name, value in editor.weights_dict["layers/dense"].items()}
            {'0': [5.0], '1': [6.0]}
        """
        known, new = self._known(object_name, itself=True), _checked(weights)
        for name, value in new.items():
            if name in known and known[name].shape != value.shape:
                raise ShapeError(
                    f"The new value does not fit {name} of '{object_name}'.",
                    expected=known[name].shape,
                    got=value.shape,
                )
        known.update(new)

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Removes a value of an object.

        Args:
            object_name: str; path of the object.
            weight_name: str; name of the value, such as ``"0"``.

        Raises:
            UnknownNameError: the file has no such object, or the object no such value.

        Example:
            >>> from amalthea.saving import KerasFileEditor
            >>> editor = KerasFileEditor.__new__(KerasFileEditor)
            >>> editor.weights_dict = {"layers/dense": {"0": np.zeros(1), "1": np.zeros(1)}}
            >>> editor.delete_weight("layers/dense", "1")
            >>> list(editor.weights_dict["layers/dense"])
            ['0']
        """
        known = self._known(object_name, itself=True)
        if weight_name not in known:
            cure = nearest(weight_name, known)
            raise UnknownNameError(f"'{object_name}' has no value {weight_name!r}.", got=weight_name, cure=cure)
        del known[weight_name]

    def save(self, filepath: str | os.PathLike[str]) -> None:
        """Writes the values to a new ``.weights.h5`` file.

        Args:
            filepath: str or path; file to write.

        Raises:
            ArgumentError: the path ends in something else.

        Example:
            >>> import os, tempfile
            >>> from amalthea.saving import KerasFileEditor
            >>> editor = KerasFileEditor.__new__(KerasFileEditor)
            >>> editor.weights_dict = {"layers/dense": {"0": np.ones(2)}}
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     editor.save(os.path.join(folder, "new.weights.h5"))
            ...     os.listdir(folder)
            ['new.weights.h5']
        """
        path = os.fspath(filepath)
        if not path.endswith(".weights.h5"):
            raise ArgumentError("Values are written to a .weights.h5 file.", expected="m.weights.h5", got=path)
        writing.write(Path(path), hdf5.bytes_of_values(self.weights_dict))

    resave_weights = save

    def _inside(self, name: str) -> list[str]:
        return [path for path in self.weights_dict if path == name or path.startswith(f"{name}/")]

    def _known(self, name: str, itself: bool = False) -> dict[str, np.ndarray]:
        """Returns the values of an object; raises an error if the file has neither it nor anything inside it."""
        if name not in self.weights_dict if itself else not self._inside(name):
            raise UnknownNameError(
                f"The file has no object {name!r}.", got=name, cure=nearest(name, self.weights_dict) if name else ""
            )
        return self.weights_dict.get(name, {})


def _checked(values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    found = {}
    for name, value in values.items():
        array = np.asarray(value)
        if not isinstance(name, str) or not name or "/" in name or array.dtype.kind not in "fiubcV":
            raise ArgumentError(
                "This cannot be kept in a file of weights.", expected="arrays of numbers by name", got=f"{name!r}"
            )
        found[name] = array.astype("float32") if array.dtype == np.float64 and not hasattr(value, "dtype") else array
    return found
