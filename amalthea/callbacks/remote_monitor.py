"""``RemoteMonitor``: the logs of every epoch to a server."""

from __future__ import annotations

import json
import warnings

from amalthea.callbacks.callback import Callback, Logs
from amalthea.errors import ArgumentError


class RemoteMonitor(Callback):
    """Posts the logs of every epoch as JSON to ``root + path``; warns if nobody answers.

    Args:
        root: the server, with ``http://`` or ``https://``.
        path: where on the server.
        field: the form's field that holds the JSON, unless it is sent as it is.
        headers: further headers.
        send_as_json: send the JSON as the body, instead of in a form's field.

    Raises:
        ArgumentError: ``root`` is no web address.
    """

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
