"""The processes that the host starts; none outlives it and none sees the engine's interrupt by itself.

Each child leads a process group of its own. The engine interrupts whole groups, and a Python program that got the
interrupt would show a traceback for it; the host ends its children with SIGTERM instead, which is silent.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_SECONDS = 1.0

Process = subprocess.Popen[bytes]


@dataclass
class Children:
    """All running children of this host."""

    _running: set[Process] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    def start(
        self,
        command: Sequence[str | Path],
        *,
        folder: str | Path | None,
        environment: Mapping[str, str],
        piped: bool = False,
    ) -> Process:
        """Start a child; its output comes through pipes or goes to where the host's own goes."""
        output = subprocess.PIPE if piped else None
        with self._lock:
            if self._closed:
                raise InterruptedError("the language host is shutting down")
            process = subprocess.Popen(
                command,
                cwd=folder or None,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            self._running.add(process)
        return process

    def wait(self, process: Process) -> int:
        """The exit code of a child, once it has ended."""
        code = process.wait()
        with self._lock:
            self._running.discard(process)
        return code

    def stop(self, *processes: Process) -> None:
        """End these children and whatever they started; forcibly where they take their time."""
        for process in processes:
            _signal(process, signal.SIGTERM)
        for process in processes:
            try:
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)

    def close(self) -> None:
        """End all children and start no more."""
        self._closed = True
        self.stop_all()

    def stop_all(self) -> None:
        """End all children that run now."""
        with self._lock:
            running = tuple(self._running)
        self.stop(*running)

    @property
    def is_closed(self) -> bool:
        return self._closed


def _signal(process: Process, number: signal.Signals) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
