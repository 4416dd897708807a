"""Settings of pytest: none of the user's, and no doctests of backends whose libraries are missing."""

import importlib.util
import os
import tempfile
from pathlib import Path

# A test that imports Keras makes it write the settings that it lacks, which would choose the backend of every process
# that a later test starts.
_home = tempfile.TemporaryDirectory()
Path(_home.name, "keras.json").write_text("{}")
os.environ["KERAS_HOME"] = _home.name

from amalthea.config import disable_traceback_filtering  # noqa: E402  # the settings are read when this is imported
from amalthea.engine import backends  # noqa: E402

_missing = [known.module for name, known in backends.KNOWN.items() if name not in backends.installed()]
collect_ignore = [f"amalthea/engine/backends/{module}{end}" for module in _missing for end in (".py", "")]
_optional = {
    "grain": "amalthea/engine/backends/grain_pipelines.py",
    "PIL": "amalthea/utils/image_files.py",
    "starlette": "amalthea/serve",
    "pyspark": "amalthea/distribution/spark/pipeline.py",
    "horovod": "amalthea/distribution/communicators/horovod.py",
    "mpi4py": "amalthea/distribution/communicators/mpi.py",
    "torch": "amalthea/distribution/communicators/torch_distributed.py",
    "coremltools": "amalthea/export/coreml",
}
collect_ignore += [file for library, file in _optional.items() if importlib.util.find_spec(library) is None]
collect_ignore.append("amalthea/compat/keras.py")  # to import it is to install it


def pytest_configure(config):
    """A failed test shows every frame. Eager values are looked at as NumPy arrays, which autograd's are not."""
    disable_traceback_filtering()
    if backends.chosen()[0] == "torch":
        import torch

        torch.set_grad_enabled(False)
