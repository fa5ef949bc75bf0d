"""Install the requirements of a program or plugin (`pulumi install`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pulumi.runtime.proto import language_pb2 as language

from tools.engine.language_host.children import Children
from tools.engine.language_host.plugins import spoken
from tools.engine.language_host.runtime import PythonRuntime


class InstallFailed(Exception):
    """A command of the installation failed; its output has been streamed."""


def install_dependencies(folder: Path, runtime: PythonRuntime, children: Children) -> Iterator[Any]:
    """Install, and yield the output as responses of `InstallDependencies`; raise InstallFailed."""
    for command in commands(folder, runtime):
        process = children.start(command, folder=folder, environment=runtime.environment(os.environ), piped=True)
        for stream, data in spoken(process):
            yield language.InstallDependenciesResponse(**{stream: data})
        if children.wait(process) != 0:
            raise InstallFailed(f"this failed: {' '.join(str(part) for part in command)}")


def commands(folder: Path, runtime: PythonRuntime) -> Iterator[Sequence[str | Path]]:
    """Yield the commands of an installation, in order."""
    if runtime.virtualenv and not os.access(runtime.interpreter, os.X_OK):
        yield [sys.executable, "-m", "venv", runtime.virtualenv]
    if (folder / "requirements.txt").is_file():
        yield [runtime.interpreter, "-m", "pip", "install", "--requirement", "requirements.txt"]
