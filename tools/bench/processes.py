"""Processes, memory, processor time and ports in use, as the kernel reports them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")


def descendants(root: int) -> set[int]:
    """Return the process and all its descendants."""
    parents = {int(path.name): _parent(path) for path in PROC.glob("[0-9]*")}
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found and pid not in found}:
        found |= more
    return found


def resident_megabytes(pids: set[int]) -> float:
    """Return the memory of the processes, shared pages counted once (proportional set size)."""
    return sum(_proportional_kilobytes(PROC / str(pid)) for pid in pids) / 1024


def peak_megabytes(pid: int) -> float:
    """Return the peak resident memory of a process; 0 if it has ended."""
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM:")), 0.0)


def processor_seconds(pids: Iterable[int]) -> float:
    """Return the processor time that these processes used so far, all threads; one that has ended counts nothing.

    It says what work costs even where the machine has other things to do.
    """
    return sum(_nanoseconds(pid) for pid in pids) / 1e9


def mentioning(text: str) -> set[int]:
    """Return the processes whose command line or working folder names `text`."""
    return {int(path.name) for path in PROC.glob("[0-9]*") if text in _read_place(path)}


def listening(prefix: str) -> set[str]:
    """Return the addresses (`a.b.c.d:port`) with `prefix` that a TCP server listens on."""
    rows = [line.split() for line in (PROC / "net" / "tcp").read_text().splitlines()[1:]]
    addresses = {_address(row[1]) for row in rows if row[3] == "0A"}
    return {address for address in addresses if address.startswith(prefix)}


def _address(encoded: str) -> str:
    host, port = encoded.split(":")
    octets = [str(int(host[place : place + 2], 16)) for place in (6, 4, 2, 0)]
    return f"{'.'.join(octets)}:{int(port, 16)}"


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


def _parent(path: Path) -> int:
    try:
        return int((path / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError):
        return -1


def _read_place(path: Path) -> str:
    try:
        return (path / "cmdline").read_text(errors="replace") + str((path / "cwd").readlink())
    except OSError:
        return ""


def _proportional_kilobytes(path: Path) -> int:
    try:
        lines = (path / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
