"""A server of models: TensorFlow Serving's REST API, and the Open Inference Protocol v2 over HTTP and gRPC.

``amalthea serve model.keras`` starts it; :func:`application` is the same as an ASGI application, for a server of your
own. A request goes this way::

    app.py, rpc.py      addresses of HTTP, methods of gRPC; limits, errors, metrics
      tensorflow_rest.py, inference_v2.py, inference_grpc.py     bodies to arrays, and arrays to bodies
        tensors_v2.py   the checks that the two Open Inference Protocols share
        contract.py     names, shapes and dtypes that the model takes and gives
      models.py         the model by name and version; folders that change
      batching.py       requests that wait together run together

The libraries (uvicorn, starlette, orjson, prometheus-client) are an extra, ``pip install amalthea[serve]``; gRPC is
another, ``amalthea[serve-grpc]``. ``process.py`` runs one process, ``supervisor.py`` several.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amalthea.checks import positive_int
from amalthea.serve.settings import Settings, require_libraries

__all__ = ["Settings", "application", "run"]


def application(models: Sequence[str], settings: Settings | None = None) -> Any:
    """Returns an ASGI application that answers requests to models.

    Args:
        models: sequence of str; ``path`` or ``name=path`` of a model file, or of a folder with numbered versions.
        settings: Settings; limits. Defaults to None, the defaults of :class:`Settings`.

    Raises:
        MissingLibraryError: the libraries of the extra ``serve`` are not installed.
        ArgumentError: a path or name cannot be used.
        ModelFileError: a file is damaged.

    Example:
        >>> import os, tempfile
        >>> from amalthea import Sequential, layers, serve
        >>> from starlette.testclient import TestClient
        >>> model = Sequential([layers.Input((2,)), layers.Dense(1, kernel_initializer="ones")])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "adder.keras")
        ...     model.save(path)
        ...     with TestClient(serve.application([path])) as client:
        ...         client.post("/v1/models/adder:predict", json={"instances": [[1.0, 2.0]]}).json()
        {'predictions': [[3.0]]}
    """
    require_libraries()
    from amalthea.serve import app

    return app.application(models, settings or Settings())


def run(
    models: Sequence[str],
    host: str = "127.0.0.1",
    port: int = 8501,
    settings: Settings | None = None,
    grpc_port: int | None = None,
    workers: int = 1,
) -> None:
    """Answers requests until the process is asked to end (SIGTERM or SIGINT); then finishes what it accepted.

    Args:
        models: sequence of str; as in :func:`application`.
        host: str; the address to listen on. Defaults to this machine alone; ``"0.0.0.0"`` is every network.
        port: int; the port. Defaults to 8501; 0 takes a free one, which is printed.
        settings: Settings; limits. Defaults to None, the defaults of :class:`Settings`.
        grpc_port: int or None; the port of the Open Inference Protocol over gRPC. Defaults to None, no gRPC; 0 takes a
            free one, which is printed.
        workers: int; processes that share the ports, each with its own models. One that dies is started again.
            Defaults to 1, this process.

    Raises:
        MissingLibraryError: the libraries of the extra ``serve``, or ``serve-grpc``, are not installed.
        ArgumentError: a path, name, host or port cannot be used.
        ModelFileError: a file is damaged.
    """
    require_libraries(has_grpc=grpc_port is not None)
    from amalthea.serve import process, supervisor

    address = process.Address(host, port, grpc_port)
    if positive_int(workers, "workers", "serve") > 1:
        supervisor.run(models, address, settings or Settings(), workers)
    else:
        process.run(models, address, settings or Settings())
