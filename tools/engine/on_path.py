"""Find a Pulumi that the machine already has."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tools.engine import version
from tools.engine.engine import RECORD, Engine, Origin

ENOUGH_SECONDS = 20
LANGUAGE_HOST = "pulumi-language-python"


def find(folder: Path, search_path: str | None = None) -> Engine | None:
    """Return the first new enough Pulumi on PATH whose Python language host runs; None if there is none.

    Where the command's folder is not named `bin`, a link to it is made in `folder`.
    """
    path = os.environ.get("PATH", os.defpath) if search_path is None else search_path
    for command in _candidates(path):
        release = version.parse(_output([str(command), "version"]))
        if release and version.is_new_enough(release) and _runs_python(command, path):
            text = ".".join(str(part) for part in release)
            return Engine(bin=_named_bin(command, folder), version=text, origin=Origin.PATH)
    return None


def _candidates(path: str) -> Iterator[Path]:
    for entry in path.split(os.pathsep):
        command = shutil.which("pulumi", path=entry) if entry else None
        # A shell that `make shell` opened has this checkout's own engine on PATH, which is not the machine's.
        if command and not (Path(entry).parent / RECORD).exists():
            yield Path(command).absolute()


def _runs_python(command: Path, path: str) -> bool:
    beside = command.resolve().with_name(LANGUAGE_HOST)
    host = str(beside) if os.access(beside, os.X_OK) else shutil.which(LANGUAGE_HOST, path=path)
    return host is not None and version.parse(_output([host, "--version"])) is not None


def _named_bin(command: Path, folder: Path) -> Path:
    if command.parent.name == "bin":
        return command.parent
    link = folder / "bin" / "pulumi"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(command)
    return link.parent


def _output(command: list[str]) -> str:
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=ENOUGH_SECONDS, env=environment, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
