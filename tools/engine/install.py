"""Choose the engine: from PATH, else the official installer, else a build from Go modules."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from tools.engine import from_modules, official, on_path, version
from tools.engine.engine import Engine, engine_folder

say = functools.partial(print, flush=True)


def install(folder: Path | None = None, report: Callable[[str], None] = say) -> Engine:
    """Return the checkout's engine; install it if needed, and record it for `locate`."""
    place = folder or engine_folder()
    engine = _find(place) or _fetch(place, report)
    engine.record(place)
    return engine


def _find(folder: Path) -> Engine | None:
    return on_path.find(folder) or official.cached(version.pinned()) or from_modules.cached(folder)


def _fetch(folder: Path, report: Callable[[str], None]) -> Engine:
    try:
        return official.install(version.pinned())
    except official.OfficialUnavailable as reason:
        report(f"Pulumi engine: {reason}; building it from Go modules instead")
    return from_modules.install(folder)
