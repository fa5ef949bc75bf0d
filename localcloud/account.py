"""The unprivileged account that servers run under when we are root: PostgreSQL refuses to run as root."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from pathlib import Path

ACCOUNT = "living-fortress"
FALLBACK = "nobody"


def unprivileged() -> str | None:
    """The account's name, created on first use; None where we are not root and everything runs as ourselves."""
    if os.geteuid() != 0:
        return None
    return ACCOUNT if _exists(ACCOUNT) or _created() else FALLBACK


def owner_of(account: str | None) -> tuple[int, int]:
    """User and group id of `account`, our own where it is None."""
    if account is None:
        return os.geteuid(), os.getegid()
    entry = pwd.getpwnam(account)
    return entry.pw_uid, entry.pw_gid


def give(path: Path, account: str | None) -> None:
    """Make `account` the owner of one file or folder; nothing to do where it is None."""
    if account is not None:
        os.chown(path, *owner_of(account), follow_symlinks=False)


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _created() -> bool:
    """Whether a system account could be made (also by a process that was faster than this one)."""
    command = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if command is not None:
        with contextlib.suppress(OSError):
            nothing_to_log_in_to = ("--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin")
            subprocess.run(
                [command, "--system", "--user-group", *nothing_to_log_in_to, ACCOUNT],
                check=False,
                capture_output=True,
            )
    return _exists(ACCOUNT)
