"""Processor time, which says what something costs also where the machine has other things to do."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")


def seconds(pids: Iterable[int]) -> float:
    """What these processes used so far, all their threads; those that are gone count nothing."""
    return sum(_nanoseconds(pid) for pid in pids) / 1e9


def _nanoseconds(pid: int) -> int:
    used = 0
    for task in _tasks(pid):
        try:
            used += int((task / "schedstat").read_text().split()[0])
        except OSError:
            continue
    return used


def _tasks(pid: int) -> list[Path]:
    try:
        return [PROC / str(pid) / "task" / name for name in os.listdir(PROC / str(pid) / "task")]  # noqa: PTH208
    except OSError:
        return []
