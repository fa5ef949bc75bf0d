"""One line that tells a person how far a long step is: living in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from types import TracebackType
from typing import Self, TextIO

PLAIN_INTERVAL = 15.0
LIVING_INTERVAL = 0.5


class Progress:
    """Shows `title`, the last `say` and the elapsed time until the block is left."""

    def __init__(self, title: str, stream: TextIO | None = None, plain_interval: float = PLAIN_INTERVAL) -> None:
        self._title = title
        self._stream = stream or sys.stderr
        self._living = self._stream.isatty()
        self._interval = LIVING_INTERVAL if self._living else plain_interval
        self._detail = ""
        self._started = time.monotonic()
        self._left = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        self._show()
        self._ticker.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._left.set()
        self._ticker.join()
        if error is None:
            self._detail = "done"
        self._show()
        if self._living:
            self._write("\n")

    def say(self, detail: str) -> None:
        """Set the current step; the next tick shows it."""
        self._detail = detail

    def _tick(self) -> None:
        while not self._left.wait(self._interval):
            self._show()

    def _show(self) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        line = f"{self._title}: {self._detail}" if self._detail else f"{self._title} …"
        line = f"{line} ({minutes}:{seconds:02})"
        if self._living:
            self._write("\r\x1b[K" + line[: shutil.get_terminal_size().columns - 1])
        else:
            self._write(line + "\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
