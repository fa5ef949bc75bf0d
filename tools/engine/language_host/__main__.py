"""`python -m tools.engine.language_host <engine address>`: serve the engine until it says stop."""

from __future__ import annotations

import os
import signal

# Before the slow imports: an interrupt that comes during them must end this process without a word, too.
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: os._exit(0))

import sys  # noqa: E402

from tools.engine.language_host.server import main  # noqa: E402

sys.exit(main(sys.argv[1:]))
