"""``RemoteMonitor``: the logs of every epoch to a server."""

from __future__ import annotations

import json
import warnings

from amalthea.callbacks.callback import Callback, Logs
from amalthea.errors import ArgumentError


class RemoteMonitor(Callback):
    """Callback that sends the metrics of each epoch to a server, as JSON in a POST request.

    The JSON is ``{"epoch": ..., "loss": ..., ...}``. If the server does not answer, there is a warning, and training
    goes on.

    Args:
        root: str; address of the server, with ``http://`` or ``https://``. Defaults to ``"http://localhost:9000"``.
        path: str; path on the server, appended to ``root``. Defaults to ``"/publish/epoch/end/"``.
        field: str; field of the form that holds the JSON, unless ``send_as_json``. Defaults to ``"data"``.
        headers: dict or None; further headers of the request. Defaults to None.
        send_as_json: bool; whether the JSON is the body of the request, rather than a field of a form. Defaults to
            False.

    Raises:
        ArgumentError: ``root`` is not a web address.

    Example:
        >>> from amalthea.callbacks import RemoteMonitor
        >>> monitor = RemoteMonitor("https://example.org", path="/runs/7/", send_as_json=True)
        >>> monitor.root + monitor.path  # the address of the requests
        'https://example.org/runs/7/'
    """

    _writes = True  # of several processes the first calls it

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ):
        super().__init__()
        if not root.startswith(("http://", "https://")):
            raise ArgumentError("root is a web address.", expected="http://... or https://...", got=repr(root))
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        text = json.dumps({"epoch": epoch, **{name: float(value) for name, value in (logs or {}).items()}})
        try:
            self._post(text)
        except OSError as error:
            warnings.warn(f"RemoteMonitor could not reach {self.root}: {error}", stacklevel=2)

    def _post(self, text: str) -> None:
        from urllib.parse import urlencode
        from urllib.request import Request, urlopen

        body = text if self.send_as_json else urlencode({self.field: text})
        kind = "application/json" if self.send_as_json else "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, **(self.headers or {})}
        with urlopen(Request(self.root + self.path, body.encode(), headers), timeout=10):
            pass
