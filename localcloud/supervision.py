"""The programs of a sandbox: what runs, by which order, and how it is. One supervisord per sandbox keeps them alive.

Killing supervisord stops nothing, and the next one takes over what still runs (`process_shim`). Orders (command,
environment) lie in files that only their owner can read, never on a command line.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import Faults

from localcloud import process_shim
from localcloud.account import owner_of
from localcloud.sandbox import Sandbox, write_atomically
from localcloud.supervisord import (
    RUNNING,
    SHUTTING_DOWN,
    UNREACHABLE,
    SupervisionError,
    Supervisord,
    accept,
    program_section,
)

ANSWER_SECONDS = 20.0
STOP_SECONDS = 120.0
LOOK_SECONDS = 0.02
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
"""All that programs get of our own environment, which may hold a passphrase or cloud credentials."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """One long-running process."""

    name: str
    """Letters, digits, `_`, `.`, `-`; unique in the sandbox."""
    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    account: str | None = None
    """The account to run as; only root can name one."""
    stop_signal: str = "TERM"
    stop_seconds: int = 10
    """After that it is killed."""


@dataclass(frozen=True)
class ProcessState:
    """A program at this moment."""

    name: str
    running: bool
    pid: int | None
    description: str
    """supervisord's word (RUNNING, BACKOFF, FATAL, …), or UNSUPERVISED where supervisord is down."""


class Supervisor:
    """The programs of one sandbox. Every method may be called from several processes and threads at once."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._folder = sandbox.folder("supervisor")
        for part in ("conf.d", "orders", "run"):
            sandbox.folder("supervisor", part)
        self._logs = sandbox.folder("logs")
        self._daemon = Supervisord(self._folder, self._logs)

    def ensure_running(self) -> None:
        """Start supervisord if it is not running; it takes over programs that still run from before."""
        with self._sandbox.lock("supervisor"):
            if _await(lambda: self._daemon.mood() != SHUTTING_DOWN, STOP_SECONDS) and self._answers():
                return
            try:
                self._daemon.start(_inherited_environment())
                if not _await(self._answers, ANSWER_SECONDS):
                    raise SupervisionError(last_lines(self._folder / "supervisord.log", 3))
            except SupervisionError as problem:
                raise SupervisionError(
                    f"the process supervisor of {self._sandbox.root} does not start: {problem}"
                ) from problem

    def put(self, program: Program) -> None:
        """Run `program`; one that runs already by the same order is left alone, by another one is replaced.

        Returns once it is started, not once it is ready: await its readiness where it matters.
        """
        order, name = self._order(program), program.name
        section = program_section(
            name, self._order_file(name), self.log(name), program.stop_signal, program.stop_seconds
        )
        with self._sandbox.lock(f"program-{name}"):
            self.ensure_running()
            write_atomically(self._order_file(name), json.dumps(order))
            write_atomically(self._conf(name), section)
            process = self._find_process(name)
            if process is None or process["digest"] != order["digest"]:
                self._stop(name)
            self._activate(name)

    def remove(self, name: str) -> None:
        """Stop the program and forget it, its log included; nothing happens if there is none."""
        with self._sandbox.lock(f"program-{name}"):
            self._conf(name).unlink(missing_ok=True)
            if self._answers():
                self._deactivate(name)
            self._end(name)
            self._forget(name)

    def restart(self, name: str) -> None:
        """Stop and start a program that was put before."""
        with self._sandbox.lock(f"program-{name}"):
            self.ensure_running()
            self._stop(name)
            self._start(name)

    def state(self, name: str) -> ProcessState:
        """Return the state of one program; not running if there is none of that name."""
        return self._state(name, self._descriptions())

    def states(self) -> list[ProcessState]:
        """Return the states of all programs, by name."""
        descriptions = self._descriptions()
        return [self._state(path.stem, descriptions) for path in sorted((self._folder / "conf.d").glob("*.conf"))]

    def log(self, name: str) -> Path:
        """Return the file of the program's standard output and error."""
        return self._logs / f"{name}.log"

    def shutdown(self) -> None:
        """Stop all programs and supervisord, and forget them all; logs stay."""
        with self._sandbox.lock("supervisor"):
            pid = self._daemon.pid()
            if self._answers():
                with contextlib.suppress(*UNREACHABLE):
                    self._daemon.call("stopAllProcesses", False)  # at once: shutdown takes one after the other
                    _await(lambda: "STOPPING" not in self._descriptions().values(), STOP_SECONDS)
                    self._daemon.call("shutdown")
            if pid is not None and not _await(
                lambda: not self._daemon.mood() and not process_shim.read_start(pid), STOP_SECONDS
            ):
                raise SupervisionError(f"the process supervisor (process {pid}) of {self._sandbox.root} does not stop")
        for order in sorted((self._folder / "orders").glob("*.json")):
            with self._sandbox.lock(f"program-{order.stem}"):
                self._end(order.stem)
                self._forget(order.stem)
        self._daemon.forget_socket()

    # -- what supervisord does -----------------------------------------------------------------------------------------

    def _answers(self) -> bool:
        return self._daemon.mood() == RUNNING

    def _activate(self, name: str) -> None:
        """Make supervisord know the program as its file says now, and run it."""
        with self._sandbox.lock("supervisor"):
            added, changed, _ = self._daemon.call("reloadConfig")[0]
            if name in changed:
                self._deactivate(name)
            if name in changed or name in added:
                self._daemon.call("addProcessGroup", name)
                return
        self._start(name)

    def _deactivate(self, name: str) -> None:
        self._stop(name)
        with accept(Faults.BAD_NAME):
            self._daemon.call("removeProcessGroup", name)

    def _start(self, name: str) -> None:
        with accept(Faults.ALREADY_STARTED):
            self._daemon.call("startProcess", name, False)

    def _stop(self, name: str) -> None:
        with accept(Faults.NOT_RUNNING, Faults.BAD_NAME):
            self._daemon.call("stopProcess", name, False)
        # Asking wakes supervisord: by itself it looks for ended processes once a second only.
        _await(lambda: self._descriptions().get(name) != "STOPPING", STOP_SECONDS)
        self._end(name)

    def _descriptions(self) -> dict[str, str]:
        try:
            return {process["name"]: process["statename"] for process in self._daemon.call("getAllProcessInfo")}
        except UNREACHABLE:
            return {}

    # -- what outlives supervisord -------------------------------------------------------------------------------------

    def _state(self, name: str, descriptions: Mapping[str, str]) -> ProcessState:
        process = self._find_process(name)
        pid = process["pid"] if process else None
        return ProcessState(name, pid is not None, pid, descriptions.get(name, "UNSUPERVISED"))

    def _find_process(self, name: str) -> dict[str, Any] | None:
        return process_shim.find_living(str(self._pid_file(name)))

    def _end(self, name: str) -> None:
        """Stop a program that no supervisord keeps, and what an ended one left running."""
        process = self._find_process(name)
        if process is not None:
            self._end_process(name, process)
        process_shim.kill_leftovers(str(self._pid_file(name)))

    def _end_process(self, name: str, process: Mapping[str, Any]) -> None:
        order = json.loads(self._order_file(name).read_text())
        for number in (signal.Signals[f"SIG{order['stop_signal']}"], signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process["pid"], number)
            if _await(lambda: self._find_process(name) is None, order["stop_seconds"]):
                return
        raise SupervisionError(f"{name} (process {process['pid']}) does not stop")

    def _forget(self, name: str) -> None:
        log = self.log(name)
        pid_file = self._pid_file(name)
        lock = pid_file.with_name(pid_file.name + ".lock")
        for path in (self._conf(name), self._order_file(name), pid_file, lock, log, log.with_name(log.name + ".1")):
            path.unlink(missing_ok=True)

    def _conf(self, name: str) -> Path:
        return self._folder / "conf.d" / f"{name}.conf"

    def _order_file(self, name: str) -> Path:
        return self._folder / "orders" / f"{name}.json"

    def _pid_file(self, name: str) -> Path:
        return self._folder / "run" / f"{name}.pid"

    def _order(self, program: Program) -> dict[str, Any]:
        if not NAME.fullmatch(program.name):
            raise SupervisionError(f"program name {program.name!r}: letters, digits, '_', '.' and '-' are allowed")
        order: dict[str, Any] = {
            "command": list(program.command),
            "directory": str(program.directory),
            "environment": dict(program.environment),
            "owner": None if program.account is None else owner_of(program.account),
            "stop_signal": program.stop_signal,
            "stop_seconds": program.stop_seconds,
            "pid_file": str(self._pid_file(program.name)),
            "log": str(self.log(program.name)),
        }
        # Without what is inherited: whose shell started a server last must not decide whether it is restarted.
        digest = hashlib.sha256(json.dumps(order, sort_keys=True).encode()).hexdigest()
        return order | {"environment": _inherited_environment() | order["environment"], "digest": digest}


def last_lines(path: Path, count: int) -> str:
    """Return the last lines of a log, joined by ` | ` for an error message of one line."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return "(no log)"
    return " | ".join(lines[-count:])


def _await(condition: Callable[[], bool], seconds: float) -> bool:
    """Return whether the condition came true within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def _inherited_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in INHERITED if name in os.environ}
