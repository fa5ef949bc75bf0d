"""What the tests need of the machine and of the shell that starts them."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterable
from pathlib import Path

FREE_GIGABYTES = 5
"""For databases, checkouts and files of synthetic data; a full disk fails other tests than those that filled it."""
SETTABLE_SIGNALS = sum(1 << (number - 1) for number in signal.valid_signals())
"""Mask of /proc/<pid>/status for the signals that a program can set: the C library keeps 32 and 33 for itself."""


def complain_of_full_disk(folders: Iterable[Path]) -> str | None:
    """Return one line about the first folder whose disk has too little room, or None."""
    for folder in folders:
        free = shutil.disk_usage(folder).free / 1e9
        if free < FREE_GIGABYTES:
            return f"{folder} has {free:.1f} GB free; the tests need {FREE_GIGABYTES}: make room there"
    return None


def stop_passing_on_ignored_signals() -> None:
    """Let child processes start with the default reaction to each signal that this process was told to ignore.

    `nohup` ignores SIGHUP, and a shell without job control SIGINT in the background. A child inherits that, and a test
    that ends it so would wait for ever. A handler that does nothing ignores the signal here and is not inherited.
    """
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:  # Python's own; subprocess restores them
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _do_nothing)


def _do_nothing(number: int, frame: object) -> None:
    """Take a signal and go on."""
