"""Which program on this machine a container image stands for."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from localcloud.emulator import EmulatorError

APP = re.compile(r"(?:.*/)?living-fortress/app(?:[:@].+)?")


@dataclass(frozen=True)
class Image:
    """What an image brings along."""

    entrypoint: tuple[str, ...]
    """Runs where the container names no command."""
    arguments: tuple[str, ...]
    """Follow the entrypoint where the container names neither command nor arguments."""
    path: str
    """Where its programs are looked for."""


def image_named(reference: str) -> Image:
    """The app's image is this checkout, whatever registry, tag or digest it is named with; no other has an emulator."""
    if not APP.fullmatch(reference):
        raise EmulatorError(f"no emulator for image {reference!r}: only living-fortress/app runs on this machine")
    programs = str(Path(sys.executable).parent)
    return Image(("fortress",), ("serve",), os.pathsep.join((programs, "/usr/local/bin", "/usr/bin", "/bin")))
