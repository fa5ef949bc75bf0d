"""What the tests run in containers: a tiny HTTP server, and commands that end. Standard library only."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 0.5
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        if place.path == "/slow":
            time.sleep(float(parse_qs(place.query)["seconds"][0]))
        if place.path == "/file":
            return self._answer(Path(parse_qs(place.query)["path"][0]).read_text())
        if place.path == "/environment":
            return self._answer(json.dumps(dict(os.environ)))
        if place.path == "/headers":
            return self._answer(json.dumps({"path": self.path, **self.headers}))
        return self._answer(os.environ.get("SAYS", "hello"))

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text.encode())))
        if not self.server.open:  # type: ignore[attr-defined]
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """Finishes what it has begun when it is told to stop."""

    daemon_threads = False
    request_queue_size = 128
    open = True


def serve(host: str, port: int) -> None:
    server = Server((host, port), Handler)

    def drain(*_: object) -> None:
        server.open = False
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, drain)
    server.serve_forever(poll_interval=0.02)
    server.server_close()


def main(command: str, *arguments: str) -> int:
    match command:
        case "serve":
            serve(arguments[0], int(arguments[1]))
        case "fail":
            print("it was", *arguments, flush=True)
            return 3
        case "count":
            # Exits with 0 only from the n-th run on.
            file, needed = Path(arguments[0]), int(arguments[1])
            runs = int(file.read_text()) + 1 if file.exists() else 1
            file.write_text(str(runs))
            return 0 if runs >= needed else 1
        case "sleep":
            time.sleep(float(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
