"""Engine versions that this project accepts: the one its Go modules pin, and newer ones of the same major."""

from __future__ import annotations

import re
from pathlib import Path

from tools.gobuild import pinned_version

MODULES = Path(__file__).resolve().parent / "modules"

Version = tuple[int, int, int]


def parse(text: str) -> Version | None:
    """Return the release in a line such as `v3.259.0` or `3.260.0-alpha.1`; None if there is none."""
    found = re.search(r"(?<![\d.])v?(\d+)\.(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def pinned() -> str:
    """Return the release to install or build if none is found, for example `3.259.0`."""
    return pinned_version(MODULES, "github.com/pulumi/pulumi/pkg/v3")


def is_new_enough(version: Version) -> bool:
    """Return True if the engine speaks our SDK's protocol: the same major, at least the pinned minor."""
    minimum = parse(pinned())
    return minimum is not None and version[0] == minimum[0] and version >= (*minimum[:2], 0)
