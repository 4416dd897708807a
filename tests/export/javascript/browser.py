"""Pages in Chromium without a window: a folder is served, and what its page posts is handed on."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Generator
from pathlib import Path

CHROMIUM = shutil.which("chromium")
# Software in place of a GPU, for WebGL and WebGPU.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-background-networking", "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader",
    "--enable-features=Vulkan",
)  # fmt: skip


@contextlib.contextmanager
def opened(folder: Path, page: str) -> Generator[queue.Queue[dict], None, None]:
    """Open a page of a folder; the queue gets the JSON that it posts.

    The page is isolated from other origins, as threads of WebAssembly need.
    """
    posted: queue.Queue[dict] = queue.Queue()

    class Handler(http.server.SimpleHTTPRequestHandler):
        extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}

        def end_headers(self):
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
            super().end_headers()

        def do_POST(self):
            posted.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = [
        str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", f"http://127.0.0.1:{server.server_port}/{page}",
    ]  # fmt: skip
    browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield posted
    finally:
        browser.kill()
        browser.wait()
        server.shutdown()
        server.server_close()
