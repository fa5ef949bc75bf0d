"""Becomes a program of the sandbox, or waits for the one that an earlier supervisord started.

supervisord runs `python -I -S process_shim.py <order.json>` for every program. The shim writes its pid file and then
executes the program in its own place, so supervisord itself keeps the program. Where the pid file names a living
process, the supervisord that started it was killed: the shim waits for that process instead of starting a second one.

- The process ends: the shim exits, and supervisord starts the program again.
- The shim gets a signal: it passes the signal on. After the stop signal the process has `stop_seconds` until KILL.
- Standard input closes, because this supervisord was killed too: the shim exits, and the process stays.
"""
# ruff: noqa: PTH105, PTH123
# pathlib would double the time that the shim takes.

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
LOOK_MILLISECONDS = 200


def read_start(pid: int) -> str | None:
    """Return when process `pid` began, in a form that no later process of that pid shares; None if it has ended."""
    if sys.platform != "linux":
        return _ask_ps(pid)
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            # The name in parentheses may hold anything, so count the fields behind its end.
            fields = file.read().rpartition(")")[2].split()
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
    except OSError:
        return None
    return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def _ask_ps(pid: int) -> str | None:
    import subprocess

    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    state, _, start = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().partition(" ")
    return start.strip() if state and not state.startswith("Z") else None


def find_living(pid_file: str) -> dict[str, Any] | None:
    """Return what the pid file says (pid, start, digest) if that very process still lives, else None."""
    record = _read(pid_file)
    return record if record and read_start(record["pid"]) == record["start"] else None


def kill_leftovers(pid_file: str) -> None:
    """KILL what the ended program of a pid file left running in its process group."""
    record = _read(pid_file)
    boot = (read_start(os.getpid()) or "").partition(":")[0]
    # While a group has members, no other process gets its number; a number of an earlier boot means nothing.
    if record and record["start"].startswith(boot) and read_start(record["pid"]) is None:
        _kill_group(record["pid"])


def _read(pid_file: str) -> dict[str, Any] | None:
    try:
        with open(pid_file, encoding="utf-8") as file:
            record: dict[str, Any] = json.load(file)
    except (OSError, ValueError):
        return None
    return record


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # nothing is left of it


def become(order: dict[str, Any]) -> NoReturn:
    """Execute the program of the order in place of this process, with default signals and a log of its own."""
    try:
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        # supervisord 4.3 spins where it once polled this number and finds a pipe that nobody reads: keep it open.
        os.set_inheritable(os.dup(0), True)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        # A run under `nohup` ignores signals, as Python does some, and an executed program inherits that.
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.umask(0o077)
        temporary = f"{order['pid_file']}.{os.getpid()}"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump({"pid": os.getpid(), "start": read_start(os.getpid()), "digest": order["digest"]}, file)
        os.replace(temporary, order["pid_file"])
        if order["owner"] is not None:
            user, group = order["owner"]
            os.setgroups([group])
            os.setgid(group)
            os.setuid(user)
        os.chdir(order["directory"])
        os.execvpe(order["command"][0], order["command"], order["environment"])  # noqa: S606
    except OSError as problem:
        os.write(2, f"process_shim: cannot run {order['command'][0]}: {problem}\n".encode())
    os._exit(127)


def wait_for(pid: int, start: str, order: dict[str, Any]) -> None:
    """Return when the process has ended, or when this supervisord was killed; pass signals on meanwhile."""

    def forward(number: int, _: object) -> None:
        if read_start(pid) == start:
            os.kill(pid, number)
        if signal.Signals(number).name == f"SIG{order['stop_signal']}":
            signal.alarm(order["stop_seconds"])

    for number in FORWARDED:
        signal.signal(number, forward)
    signal.signal(signal.SIGALRM, lambda *_: _kill_group(pid))
    poll = select.poll()
    poll.register(0, select.POLLHUP | select.POLLERR)
    while read_start(pid) == start:
        if any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(LOOK_MILLISECONDS)):
            return


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with open(sys.argv[1], encoding="utf-8") as file:
        order = json.load(file)
    # Held until the program is executed, or until the earlier process has ended: only one shim starts or waits.
    lock = os.open(order["pid_file"] + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    earlier = find_living(order["pid_file"])
    if earlier is None:
        kill_leftovers(order["pid_file"])
        become(order)
    with open(order["log"], "a", encoding="utf-8") as log:
        log.write(f"process_shim: took over the running process {earlier['pid']}\n")
    wait_for(earlier["pid"], earlier["start"], order)


if __name__ == "__main__":
    main()
