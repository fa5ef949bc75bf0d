"""Run checks beside the tests: `python -m tools.checks lint types -- pytest …`, what `make test` does.

The tests print as they go. Each check prints when they are done, all of it at once, so that nothing is mixed; a check
that fails says so at once in one line. The exit status is that of the tests if they fail, else 1 if a check fails.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tools.gobuild.cache import default_root

CHECKOUT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
KEPT_CACHES = 4
"""Folders of mypy that a machine keeps, each about 100 MB: one a checkout and lock file."""

Command = tuple[str, ...]


def main() -> int:
    """Run the named checks, and the command after `--` beside them."""
    names, command = _split(sys.argv[1:])
    unknown = [name for name in names if name not in CHECKS]
    if unknown or not names:
        print(f"checks: unknown {unknown}; known are {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    try:
        return run({name: CHECKS[name]() for name in names}, command)
    except KeyboardInterrupt:
        return 130


def lint_commands() -> list[Command]:
    """Return the checks of style, of imports, of workflows and of commit messages."""
    return [
        (str(BIN / "ruff"), "check"),
        (str(BIN / "ruff"), "format", "--check"),
        (str(BIN / "lint-imports"),),
        (sys.executable, "-m", "tools.actionlint"),
        (sys.executable, "-m", "tools.commits"),
    ]


def type_commands() -> list[Command]:
    """Return the check of all types, with the cache of this checkout."""
    lock = (CHECKOUT / "requirements" / "locked.txt").read_bytes()
    return [(str(BIN / "mypy"), "--cache-dir", str(find_cache(default_root() / "mypy", lock, CHECKOUT)))]


CHECKS: Mapping[str, Callable[[], list[Command]]] = {"lint": lint_commands, "types": type_commands}


def find_cache(root: Path, lock: bytes, checkout: Path) -> Path:
    """Return the folder of mypy's cache for a checkout and a lock file; a new one begins as a copy of the latest.

    mypy trusts an entry whose source has the same content, wherever it lies: a fresh clone checks its changes only.
    """
    packages = hashlib.sha256(lock).hexdigest()[:12]
    folder = root / f"{packages}-{hashlib.sha256(bytes(checkout)).hexdigest()[:12]}"
    if folder.exists():
        os.utime(folder)
        return folder
    root.mkdir(parents=True, exist_ok=True)
    others = sorted(root.glob(f"{packages}-*"), key=lambda path: path.stat().st_mtime)
    with tempfile.TemporaryDirectory(dir=root, prefix=".new-", ignore_cleanup_errors=True) as draft:
        copied = Path(draft) / "cache"
        if others:
            shutil.copytree(others[-1], copied)
        else:
            copied.mkdir()
        if not folder.exists():
            copied.rename(folder)
    os.utime(folder)
    for old in sorted(root.glob("*-*"), key=lambda path: path.stat().st_mtime)[:-KEPT_CACHES]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


@dataclass
class Result:
    """The output, verdict and duration of a check."""

    name: str
    output: str
    passed: bool
    seconds: float


class Check(threading.Thread):
    """A check in the background: its commands one after the other, all of them even if one fails."""

    def __init__(self, name: str, commands: Sequence[Command], shown_at_once: IO[str] | None) -> None:
        super().__init__(name=name, daemon=True)
        self.commands = commands
        self.shown_at_once = shown_at_once
        self.result: Result | None = None

    def run(self) -> None:
        began = time.monotonic()
        printed, passed = [], True
        for command in self.commands:
            answer = subprocess.run(
                command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
            )
            printed.append(answer.stdout)
            passed = passed and answer.returncode == 0
        self.result = Result(self.name, "".join(printed), passed, time.monotonic() - began)
        if self.shown_at_once and not passed:
            self.shown_at_once.write(f"\n{self.name} failed; its output comes after the tests\n")
            self.shown_at_once.flush()


def run(checks: Mapping[str, Sequence[Command]], command: Sequence[str]) -> int:
    """Run the checks beside `command` and print their output after it; return the exit status of all."""
    threads = [Check(name, commands, sys.stderr if command else None) for name, commands in checks.items()]
    for thread in threads:
        thread.start()
    status = subprocess.run(command, check=False).returncode if command else 0
    failed = []
    for thread in threads:
        thread.join()
        result = thread.result or Result(thread.name, "the check could not be run\n", False, 0)
        print(f"── {result.name}: {'passed' if result.passed else 'FAILED'} in {result.seconds:.0f} s")
        print(result.output, end="", flush=True)
        if not result.passed:
            failed.append(result.name)
    if command and status:
        failed.insert(0, "tests")
    if failed:
        print(f"failed: {', '.join(failed)}", flush=True)
    return status or bool(failed)


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    place = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:place], arguments[place + 1 :]


if __name__ == "__main__":
    sys.exit(main())
