"""Serve the engine until it says stop; run as a file, see below.

The package above imports much, and until the handlers stand an interrupt would show Python's traceback. So the launcher
runs this file by its path, and the handlers come before any import that takes time.
"""

from __future__ import annotations

import os
import signal

for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: os._exit(0))

import sys  # noqa: E402

from tools.engine.language_host.server import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
