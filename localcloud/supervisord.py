"""One supervisord: its configuration, its start, and the calls of its XML-RPC interface."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.states import SupervisorStates
from supervisor.xmlrpc import SupervisorTransport

from localcloud import log_rotation, process_shim
from localcloud.sandbox import write_atomically

SOCKET_PATH_LIMIT = 90
"""A unix socket's path may have 107 bytes; supervisord adds its pid while it binds."""
SHORT_FOLDER = Path("/tmp")  # noqa: S108 - the same for every caller, and what lies in it is checked to be ours alone
GRACE_SECONDS = 2
"""How much longer than a program's own stop time supervisord waits, so that a waiting shim can KILL first."""
START_TRIES = 20

RUNNING = "RUNNING"
SHUTTING_DOWN = "SHUTTING_DOWN"
UNREACHABLE = (OSError, HTTPException, Fault)


class SupervisionError(Exception):
    """Processes of this sandbox cannot be run; the text says what was tried and what the log says."""


class Supervisord:
    """The daemon of one folder. Its programs lie in `conf.d`, a file each."""

    def __init__(self, folder: Path, logs: Path) -> None:
        self.folder = folder
        self._logs = logs
        self._socket = _socket_path(folder)

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it in the background; programs that outlived an earlier one are taken over."""
        configuration = self.folder / "supervisord.conf"
        write_atomically(configuration, self._configuration())
        result = subprocess.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            start_new_session=True,
            check=False,
        )
        if result.returncode:
            raise SupervisionError((result.stderr or result.stdout).strip())

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of its `supervisor` namespace; raises one of UNREACHABLE, or a Fault that it answers."""
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        with ServerProxy("http://127.0.0.1", transport=transport) as server:
            return getattr(server, f"supervisor.{method}")(*arguments)

    def mood(self) -> str | None:
        """Return RUNNING, SHUTTING_DOWN, or None where no supervisord listens."""
        try:
            return RUNNING if self.call("getState")["statecode"] == SupervisorStates.RUNNING else SHUTTING_DOWN
        except (Fault, HTTPException):
            return SHUTTING_DOWN
        except OSError:
            return None

    def pid(self) -> int | None:
        """Return its process id; None where it does not answer."""
        try:
            return int(self.call("getPID"))
        except UNREACHABLE:
            return None

    def forget_socket(self) -> None:
        """Remove the folder of a socket that lies outside its own folder."""
        if self._socket.parent != self.folder:
            shutil.rmtree(self._socket.parent, ignore_errors=True)

    def _configuration(self) -> str:
        rotate = _command(log_rotation.__file__, self._logs)
        return f"""[unix_http_server]
file={_escape(self._socket)}
chmod=0700

[supervisord]
logfile={_escape(self.folder / "supervisord.log")}
logfile_maxbytes=1MB
logfile_backups=1
pidfile={_escape(self.folder / "supervisord.pid")}
childlogdir={_escape(self._logs)}
umask=077
nocleanup=true
{"user=root" if os.geteuid() == 0 else ""}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[eventlistener:log-rotation]
command={rotate}
events=TICK_60
stderr_logfile=NONE

[include]
files=conf.d/*.conf
"""


def program_section(name: str, order: Path, log: Path, stop_signal: str, stop_seconds: int) -> str:
    """Return the configuration of a program: the shim, which becomes what the order says."""
    twice = _escape(_escape(log))  # this one value is expanded twice
    return f"""[program:{name}]
command={_command(process_shim.__file__, order)}
autorestart=true
startsecs=1
startretries={START_TRIES}
stopsignal={stop_signal}
stopwaitsecs={stop_seconds + GRACE_SECONDS}
killasgroup=true
redirect_stderr=true
stdout_logfile={twice}
stdout_logfile_maxbytes=0
stdout_logfile_backups=0
"""


@contextlib.contextmanager
def accept(*codes: int) -> Iterator[None]:
    """Let these answers of supervisord pass as success: what was asked for is so already."""
    try:
        yield
    except Fault as fault:
        if fault.faultCode not in codes:
            raise SupervisionError(f"the process supervisor refuses: {fault.faultString}") from fault


def _command(script: str, argument: Path) -> str:
    # The interpreter itself, not the name it was called by: another name for it must not restart a server.
    words = (Path(sys.executable).resolve(), "-I", "-S", script, argument)
    return " ".join(_escape(shlex.quote(str(word))) for word in words)


def _socket_path(folder: Path) -> Path:
    """Return a path in the folder if that is short enough, else in a private folder that is named after it."""
    path = folder / "s.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    short = SHORT_FOLDER / f"living-fortress-{os.geteuid()}-{digest}"
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise SupervisionError(f"{short} is not a private folder of this user: remove it")
    return short / "s.sock"


def _escape(value: Path | str) -> str:
    """Escape a value for supervisord's files, where % expands and ` ;` or ` #` begins a comment."""
    text = str(value)
    if re.search(r"\s[;#]|[\r\n]", text):
        raise SupervisionError(f"the path {text!r} cannot be used: it has ' ;' or ' #' or a line break in it")
    return text.replace("%", "%%")
