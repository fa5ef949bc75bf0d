"""Keeps the processes of a sandbox alive: one supervisord per sandbox, spoken to over a private unix socket.

Each program runs under the small wrapper of `adopt.py`, so killing supervisord stops nothing, and the next one takes
over what still runs. Orders (command, environment) lie in files only their owner can read, never on a command line.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.states import SupervisorStates
from supervisor.xmlrpc import Faults, SupervisorTransport

from localcloud import adopt, supervisord
from localcloud.account import owner_of
from localcloud.sandbox import Sandbox, write_atomically

RUNNING = "RUNNING"
SHUTTING_DOWN = "SHUTTING_DOWN"
ANSWER_SECONDS = 20.0
STOP_SECONDS = 120.0
LOOK_SECONDS = 0.05
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
"""All that programs get of our own environment, which may hold a passphrase or cloud credentials."""


class SupervisionError(Exception):
    """Processes of this sandbox cannot be run; the text says what was tried and what the log says."""


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
    """How a program is at this moment."""

    name: str
    running: bool
    pid: int | None
    """Of the program itself, not of its wrapper."""
    description: str
    """What supervisord calls it (RUNNING, BACKOFF, FATAL, …), or UNSUPERVISED where supervisord is down."""


class Supervisor:
    """The programs of one sandbox. Every method may be called from several processes and threads at once."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._folder = sandbox.folder("supervisor")
        for part in ("conf.d", "orders", "run"):
            sandbox.folder("supervisor", part)
        self._logs = sandbox.folder("logs")
        self._socket = _told(supervisord.socket_path, self._folder)

    def ensure_running(self) -> None:
        """Start supervisord where it is not running; programs that still run from before are taken over."""
        with self._sandbox.lock("supervisor"):
            if _awaited(lambda: self._mood() != SHUTTING_DOWN, STOP_SECONDS) and self._mood() == RUNNING:
                return
            configuration = self._folder / "supervisord.conf"
            text = _told(supervisord.daemon_section, self._folder, self._socket, self._logs)
            write_atomically(configuration, text)
            result = subprocess.run(
                [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)],
                cwd=self._folder,
                env=_inherited(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                start_new_session=True,
                check=False,
            )
            if result.returncode or not _awaited(self._answers, ANSWER_SECONDS):
                said = (result.stderr or result.stdout).strip() or last_lines(self._folder / "supervisord.log", 3)
                raise SupervisionError(f"the process supervisor of {self._sandbox.root} does not start: {said}")

    def put(self, program: Program) -> None:
        """Run `program`; one that runs already by the same order is left alone, by another one is replaced.

        Returns once it is started, not once it is ready: await its readiness where it matters.
        """
        order = self._order(program)
        with self._sandbox.lock(f"program-{program.name}"):
            self.ensure_running()
            write_atomically(self._order_file(program.name), json.dumps(order))
            order_file, log = self._order_file(program.name), self.log(program.name)
            section = _told(supervisord.program_section, program.name, order_file, log, program.stop_seconds)
            write_atomically(self._conf(program.name), section)
            running = self._living(program.name)
            if running is None or running["digest"] != order["digest"]:
                self._stop(program.name)
            self._activate(program.name)

    def remove(self, name: str) -> None:
        """Stop the program and forget it, its log included; nothing happens where there is none."""
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
        """How the program is now; not running where there is none of that name."""
        return self._state(name, self._descriptions())

    def states(self) -> list[ProcessState]:
        """How all programs are now, by name."""
        descriptions = self._descriptions()
        return [self._state(path.stem, descriptions) for path in sorted((self._folder / "conf.d").glob("*.conf"))]

    def log(self, name: str) -> Path:
        """Where the program's standard output and error go."""
        return self._logs / f"{name}.log"

    def shutdown(self) -> None:
        """Stop all programs and supervisord, and forget them all; logs stay."""
        with self._sandbox.lock("supervisor"):
            pid = self._daemon_pid()
            if self._answers():
                with contextlib.suppress(OSError, Fault, HTTPException):
                    self._call("supervisor.stopAllProcesses")  # at once, where shutdown takes one after the other
                    self._call("supervisor.shutdown")
            # Asking for its mood also wakes it up: by itself it looks at its own end once a second only.
            if pid is not None and not _awaited(lambda: not self._mood() and not adopt.started_at(pid), STOP_SECONDS):
                raise SupervisionError(f"the process supervisor (process {pid}) of {self._sandbox.root} does not stop")
        for order in sorted((self._folder / "orders").glob("*.json")):
            with self._sandbox.lock(f"program-{order.stem}"):
                self._end(order.stem)
                self._forget(order.stem)
        if self._socket.parent != self._folder:
            shutil.rmtree(self._socket.parent, ignore_errors=True)

    # -- supervisord -------------------------------------------------------------------------------------------------

    def _call(self, method: str, *arguments: Any) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        with ServerProxy("http://127.0.0.1", transport=transport) as server:
            return getattr(server, method)(*arguments)

    def _mood(self) -> str | None:
        """RUNNING, SHUTTING_DOWN, or None where no supervisord listens."""
        try:
            return (
                RUNNING if self._call("supervisor.getState")["statecode"] == SupervisorStates.RUNNING else SHUTTING_DOWN
            )
        except (Fault, HTTPException):
            return SHUTTING_DOWN
        except OSError:
            return None

    def _answers(self) -> bool:
        return self._mood() == RUNNING

    def _daemon_pid(self) -> int | None:
        try:
            return int(self._call("supervisor.getPID"))
        except (OSError, HTTPException, Fault):
            return None

    def _activate(self, name: str) -> None:
        """Make supervisord know the program as its file says now, and run it."""
        with self._sandbox.lock("supervisor"):
            added, changed, _ = self._call("supervisor.reloadConfig")[0]
            if name in changed:
                self._deactivate(name)
            if name in changed or name in added:
                self._call("supervisor.addProcessGroup", name)
                return
        self._start(name)

    def _deactivate(self, name: str) -> None:
        self._stop(name)
        with _tolerating(Faults.BAD_NAME):
            self._call("supervisor.removeProcessGroup", name)

    def _start(self, name: str) -> None:
        with _tolerating(Faults.ALREADY_STARTED):
            self._call("supervisor.startProcess", name, False)

    def _stop(self, name: str) -> None:
        """Stop the program, watched by a wrapper or not."""
        with _tolerating(Faults.NOT_RUNNING, Faults.BAD_NAME):
            self._call("supervisor.stopProcess", name)
        self._end(name)

    def _descriptions(self) -> dict[str, str]:
        try:
            return {each["name"]: each["statename"] for each in self._call("supervisor.getAllProcessInfo")}
        except (OSError, HTTPException, Fault):
            return {}

    # -- programs ----------------------------------------------------------------------------------------------------

    def _state(self, name: str, descriptions: Mapping[str, str]) -> ProcessState:
        running = self._living(name)
        pid = running["pid"] if running else None
        return ProcessState(name, pid is not None, pid, descriptions.get(name, "UNSUPERVISED"))

    def _living(self, name: str) -> dict[str, Any] | None:
        return adopt.living(str(self._pid_file(name)))

    def _end(self, name: str) -> None:
        """Stop a program that no wrapper watches (both it and supervisord were killed)."""
        running = self._living(name)
        if running is None:
            return
        order = json.loads(self._order_file(name).read_text())
        for number in (signal.Signals[f"SIG{order['stop_signal']}"], signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(running["pid"], number)
            if _awaited(lambda: self._living(name) is None, order["stop_seconds"]):
                return
        raise SupervisionError(f"{name} (process {running['pid']}) does not stop")

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
            "environment": _inherited() | dict(program.environment),
            "owner": None if program.account is None else owner_of(program.account),
            "stop_signal": program.stop_signal,
            "stop_seconds": program.stop_seconds,
            "pid_file": str(self._pid_file(program.name)),
            "log": str(self.log(program.name)),
        }
        # Whose shell started it last must not decide whether a server is restarted.
        told = {key: value for key, value in order.items() if key != "environment"}
        told["environment"] = dict(program.environment)
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        return order | {"digest": digest}


def last_lines(path: Path, count: int) -> str:
    """The last lines of a log, joined by ` | ` for an error message of one line."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return "(no log)"
    return " | ".join(lines[-count:])


def _awaited(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True


@contextlib.contextmanager
def _tolerating(*codes: int) -> Iterator[None]:
    """Let these answers of supervisord pass as success: what was asked for is so already."""
    try:
        yield
    except Fault as fault:
        if fault.faultCode not in codes:
            raise SupervisionError(f"the process supervisor refuses: {fault.faultString}") from fault


def _told(make: Callable[..., Any], *arguments: Any) -> Any:
    """What `make` makes, a path that it cannot use being an error of ours."""
    try:
        return make(*arguments)
    except supervisord.Unusable as problem:
        raise SupervisionError(str(problem)) from problem


def _inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in INHERITED if name in os.environ}
