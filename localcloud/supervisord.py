"""What supervisord reads: its own configuration and a section for each program, and where its socket is."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import stat
import sys
from pathlib import Path

from localcloud import adopt

SOCKET_PATH_LIMIT = 90
"""A unix socket's path may have 107 bytes; supervisord adds its pid while it binds."""
SHORT_FOLDER = Path("/tmp")  # noqa: S108 - the same for every caller, and what lies in it is checked to be ours alone
GRACE_SECONDS = 5
"""How much longer than the program's own stop time supervisord waits for the wrapper to see to it."""
START_TRIES = 20


class Unusable(ValueError):
    """A path that supervisord could not be told of."""


def daemon_section(folder: Path, socket: Path, logs: Path) -> str:
    """The configuration of the daemon, whose programs lie in `conf.d` of its folder."""
    return f"""[unix_http_server]
file={_escaped(socket)}
chmod=0700

[supervisord]
logfile={_escaped(folder / "supervisord.log")}
logfile_maxbytes=1MB
logfile_backups=1
pidfile={_escaped(folder / "supervisord.pid")}
childlogdir={_escaped(logs)}
umask=077
nocleanup=true
{"user=root" if os.geteuid() == 0 else ""}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[include]
files=conf.d/*.conf
"""


def program_section(name: str, order: Path, log: Path, stop_seconds: int) -> str:
    """A program, run by its order under the adopting wrapper."""
    # The interpreter itself, not the name it was called by: another name for it must not restart a server.
    wrapper = (Path(sys.executable).resolve(), "-I", "-S", adopt.__file__, order)
    twice = _escaped(_escaped(log))  # this one value is expanded twice
    return f"""[program:{name}]
command={" ".join(_escaped(shlex.quote(str(word))) for word in wrapper)}
autorestart=true
startsecs=1
startretries={START_TRIES}
stopwaitsecs={stop_seconds + GRACE_SECONDS}
redirect_stderr=true
stdout_logfile={twice}
stdout_logfile_maxbytes=0
stdout_logfile_backups=0
"""


def socket_path(folder: Path) -> Path:
    """In the sandbox's folder where that is short enough, else in a private folder that is named after it."""
    path = folder / "s.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    short = SHORT_FOLDER / f"living-fortress-{os.geteuid()}-{digest}"
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise Unusable(f"{short} is not a private folder of ours: remove it")
    return short / "s.sock"


def _escaped(value: Path | str) -> str:
    """A value for supervisord's files, where % expands and ` ;` or ` #` begins a comment."""
    text = str(value)
    if re.search(r"\s[;#]|[\r\n]", text):
        raise Unusable(f"the path {text!r} cannot be used: it has ' ;' or ' #' or a line break in it")
    return text.replace("%", "%%")
