"""Runs one program so that it outlives its supervisor, and is taken over, not doubled, by the next one.

Run as a script, without site packages: `python -I -S adopt.py <order.json>`. The program gets a session, a log file and
a pid file of its own. Where the pid file names a living process, this waits on that one instead of starting a second.
One such wrapper sits beside every server of a sandbox, so it imports only what is small.

What it does on the end of things:
- the program ends: so does the wrapper, with its exit code;
- TERM, INT or QUIT to the wrapper: the program gets its own stop signal, and KILL if it is not gone in time;
- standard input closes: the supervisor died, so the wrapper leaves, and the program stays.
"""
# ruff: noqa: PTH105, PTH123
# pathlib would cost each of these wrappers a megabyte.

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
FORWARDED = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
LOG_LIMIT = 5 * 1024 * 1024
LOOK_SECONDS = 0.2
HOUSEKEEPING_SECONDS = 30.0


def started_at(pid: int) -> str | None:
    """When process `pid` began, in a form that no later process of the same pid shares; None where it does not live."""
    if sys.platform != "linux":
        return _started_at_by_ps(pid)
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            # The name in parentheses may hold anything, so count the fields behind its end.
            fields = file.read().rpartition(")")[2].split()
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
    except OSError:
        return None
    return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def _started_at_by_ps(pid: int) -> str | None:
    import subprocess

    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    state, _, start = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().partition(" ")
    return start.strip() if state and not state.startswith("Z") else None


def living(pid_file: str) -> dict[str, Any] | None:
    """What the pid file says (pid, start, digest) if that very process still lives, else None."""
    try:
        with open(pid_file, encoding="utf-8") as file:
            record: dict[str, Any] = json.load(file)
    except (OSError, ValueError):
        return None
    return record if started_at(record["pid"]) == record["start"] else None


class Watch:
    """One program, started here or found alive, until it ends."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.pid = 0
        self.start = ""
        self.kill_at: float | None = None

    def begin(self) -> None:
        """Take over the program that the pid file names, or start one."""
        # Held by this wrapper, and by a child until it has written its pid file and become the program:
        # whoever gets it next sees every program that was ever started.
        lock = os.open(self.order["pid_file"] + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = living(self.order["pid_file"])
        if found is not None:
            self.pid, self.start = found["pid"], found["start"]
            self.say(f"took over the running process {self.pid}")
            return
        held = signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS + FORWARDED)
        self.pid = os.fork()
        if self.pid == 0:
            _become(self.order, held)
        self.start = started_at(self.pid) or ""
        signal.pthread_sigmask(signal.SIG_SETMASK, held)

    def wait(self) -> int:
        """The program's exit code when it has ended (0 for one that was taken over)."""
        descriptor = _pidfd(self.pid)
        woken, waker = os.pipe()  # a signal ends the wait, so that the next one is as long as it then has to be
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(woken, select.POLLIN)
        poll.register(0, select.POLLHUP | select.POLLERR)
        if descriptor is not None:
            poll.register(descriptor, select.POLLIN)
        while True:
            code = self.exit_code()
            if code is not None:
                self.sweep()
                return code
            for ready, event in poll.poll(self.patience(descriptor is not None) * 1000):
                if ready == 0 and event & (select.POLLHUP | select.POLLERR):
                    os._exit(0)
                if ready == woken:
                    os.read(woken, 64)
            self.look_after()

    def exit_code(self) -> int | None:
        """None while the program lives."""
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            return None if started_at(self.pid) == self.start else 0
        if pid == 0:
            return None
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code

    def patience(self, told: bool) -> float:
        """Seconds until the next look: short only where nothing tells of the program's end, or KILL is due."""
        return LOOK_SECONDS if self.kill_at is not None or not told else HOUSEKEEPING_SECONDS

    def look_after(self) -> None:
        """KILL a program that would not stop; keep its log small."""
        if self.kill_at is not None and time.monotonic() > self.kill_at:
            self.say("did not stop in time: killed")
            self.send(signal.SIGKILL)
        _shorten(self.order["log"])

    def stop(self, *_: object) -> None:
        """Signal handler: begin the end of the program."""
        if not self.pid:
            os._exit(0)
        if self.kill_at is None:
            self.kill_at = time.monotonic() + self.order["stop_seconds"]
        self.send(signal.Signals["SIG" + self.order["stop_signal"]])

    def forward(self, number: int, _: object) -> None:
        """Signal handler: the signal was meant for the program."""
        if self.pid:
            self.send(signal.Signals(number))

    def send(self, number: signal.Signals) -> None:
        """Signal the program, KILL also its children; one that is gone already is no error."""
        if started_at(self.pid) != self.start:
            return
        try:
            if number == signal.SIGKILL:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)
        except ProcessLookupError:
            pass

    def sweep(self) -> None:
        """KILL what the ended program left running in its group."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return  # it left nothing

    def say(self, line: str) -> None:
        """A line of our own in the program's log."""
        with open(self.order["log"], "a", encoding="utf-8") as log:
            log.write(f"adopt: {line}\n")


def _pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends, where the system has such a thing."""
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _become(order: dict[str, Any], mask: Any) -> NoReturn:
    """In the child: be the program. The pid file comes first, for from then on it counts as running."""
    try:
        os.setsid()
        _record(order)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        for number in (*ENDINGS, *FORWARDED, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if order["owner"] is not None:
            user, group = order["owner"]
            os.setgroups([group])
            os.setgid(group)
            os.setuid(user)
        os.umask(0o077)
        os.chdir(order["directory"])
        os.execvpe(order["command"][0], order["command"], order["environment"])  # noqa: S606
    except OSError as problem:
        os.write(2, f"adopt: cannot run {order['command'][0]}: {problem}\n".encode())
    finally:
        os._exit(127)


def _record(order: dict[str, Any]) -> None:
    temporary = f"{order['pid_file']}.{os.getpid()}"
    record = {"pid": os.getpid(), "start": started_at(os.getpid()), "digest": order["digest"]}
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(record, file)
    os.replace(temporary, order["pid_file"])


def _shorten(log: str) -> None:
    """Move a log that has grown too long aside; its writer appends, so it goes on at the new beginning."""
    try:
        with open(log, "rb+") as file:
            if os.fstat(file.fileno()).st_size < LOG_LIMIT:
                return
            with open(log + ".1", "wb") as old:
                while piece := file.read(1 << 16):
                    old.write(piece)
            file.truncate(0)
    except OSError:
        return  # a full disk must not take the program down


def main() -> int:
    with open(sys.argv[1], encoding="utf-8") as file:
        watch = Watch(json.load(file))
    for number in ENDINGS:
        signal.signal(number, watch.stop)
    for number in FORWARDED:
        signal.signal(number, watch.forward)
    watch.begin()
    return watch.wait()


if __name__ == "__main__":
    sys.exit(main())
