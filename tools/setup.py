"""Make this checkout ready to use: `make setup` runs this with any Python 3.11 or newer, before anything is installed.

Each step leaves a stamp of what it was done with, so that a second run does only what changed. Standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
STAMPS = VENV / "stamps"
BOOTSTRAP = CHECKOUT / "requirements" / "bootstrap.txt"
LOCKED = CHECKOUT / "requirements" / "locked.txt"
MINIMUM_PYTHON = (3, 11)
WHOLE_VENV = "import pip, sys; assert sys.version_info >= (3, 11)"
SHOWN_LINES = 20

Command = Sequence[str | Path]


class SetupFailed(Exception):
    """A step could not be done; the message says which and what helps."""


def main() -> int:
    try:
        check_machine()
        with alone():
            make_venv()
            step("uv, the package installer", "uv", [BOOTSTRAP], install_uv)
            step("packages, pinned by hash", "packages", [LOCKED], install_packages)
            step("this project", "project", [CHECKOUT / "pyproject.toml"], install_project)
            install_engine()
    except SetupFailed as reason:
        print(f"setup: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nsetup: interrupted; the next run goes on from here", file=sys.stderr)
        return 130
    return 0


def check_machine() -> None:
    if sys.version_info < MINIMUM_PYTHON:
        found = sys.version.split()[0]
        raise SetupFailed(f"Python 3.11 or newer is needed, this is {found}; try: make setup PYTHON=python3.11")
    if not os.access(CHECKOUT, os.W_OK):
        raise SetupFailed(f"this user cannot write to {CHECKOUT}")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Of two setups of one checkout at once the second waits, and then finds everything done."""
    with Path(__file__).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("setup: another setup of this checkout is running; waiting for it", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make_venv() -> None:
    """A virtual environment with pip; one that is incomplete, or whose Python is gone, is replaced."""
    if succeeds([PYTHON, "-c", WHOLE_VENV]):
        return
    if not succeeds([sys.executable, "-c", "import ensurepip, venv"]):
        raise SetupFailed("Python's venv module is missing; on Debian: apt-get install python3-venv")
    print("setup: virtual environment", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    run([sys.executable, "-m", "venv", VENV])


def step(title: str, name: str, inputs: Sequence[Path], do: Callable[[], None]) -> None:
    """Do a step unless it was done with exactly these inputs."""
    stamp = STAMPS / name
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in inputs)).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"setup: {title}", flush=True)
    do()
    STAMPS.mkdir(exist_ok=True)
    stamp.write_text(wanted)


def install_uv() -> None:
    run([PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes", "--requirement", BOOTSTRAP])


def install_packages() -> None:
    run([UV, "pip", "install", "--python", PYTHON, "--require-hashes", "--requirement", LOCKED])


def install_project() -> None:
    run([UV, "pip", "install", "--python", PYTHON, "--no-deps", "--no-build-isolation", "--editable", CHECKOUT])


def install_engine() -> None:
    """The engine decides for itself what there is to do; a long build shows its own progress."""
    if subprocess.run([PYTHON, "-m", "tools.engine"], cwd=CHECKOUT, check=False).returncode != 0:
        raise SetupFailed("the Pulumi engine could not be brought onto this machine")


def succeeds(command: Command) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run(command: Command) -> None:
    """Run quietly; a failure shows the command and the end of its output."""
    answer = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=installer_environment(), check=False
    )
    if answer.returncode != 0:
        said = "\n".join(answer.stdout.splitlines()[-SHOWN_LINES:])
        raise SetupFailed(f"this failed: {' '.join(str(part) for part in command)}\n{said}")


def installer_environment() -> dict[str, str]:
    """Return uv's settings: pip's mirrors and certificates, and nothing else of the environment."""
    kept = {
        name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"}
    }
    for ours, theirs in (("UV_DEFAULT_INDEX", "PIP_INDEX_URL"), ("SSL_CERT_FILE", "PIP_CERT")):
        if theirs in kept:
            kept.setdefault(ours, kept[theirs])
    if ssl.create_default_context().get_ca_certs():
        # Behind an inspecting proxy only the machine's own certificates will do; uv's own serve where there are none.
        kept.setdefault("UV_SYSTEM_CERTS", "true")
    return kept


if __name__ == "__main__":
    sys.exit(main())
