"""The engine from the official download site, through the SDK's own installer."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

from tools.engine.engine import Engine, Origin
from tools.gobuild import Cache, Entry, Progress

SITE = "https://get.pulumi.com/"
ANSWER_SECONDS = 5.0
DOWNLOAD_SECONDS = 300
INSTALL = """
import sys
from pulumi.automation import PulumiCommand
from semver import VersionInfo
PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))
"""


class OfficialUnavailable(Exception):
    """The download site cannot be used from this machine; says why."""


def cached(version: str) -> Engine | None:
    """The engine of an earlier installation, if it is still whole."""
    entry = Entry(_cache().folder / _key(version))
    return _engine(entry, version) if entry.is_whole() else None


def install(version: str) -> Engine:
    """Download the engine into the cache; raises OfficialUnavailable within seconds where the site is out of reach."""
    if not answers(SITE):
        raise OfficialUnavailable("the official download site does not answer")
    with Progress(f"Pulumi {version} from the official download site"):
        entry = _cache().obtain(_key(version), lambda folder: _run_installer(folder, version))
    return _engine(entry, version)


def answers(address: str, seconds: float = ANSWER_SECONDS) -> bool:
    """Return True if `address` answers in time; name resolution, which has no timeout, counts too."""
    answered = threading.Event()

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=seconds):  # noqa: S310
                answered.set()
        except (OSError, ValueError):
            return

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    return answered.is_set()


def _run_installer(folder: Path, version: str) -> None:
    try:
        subprocess.run(
            [sys.executable, "-I", "-c", INSTALL, str(folder), version],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise OfficialUnavailable(f"the official download took more than {DOWNLOAD_SECONDS} s") from None
    except subprocess.CalledProcessError as error:
        last = error.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise OfficialUnavailable(f"the official installer failed: {last[0]}") from None


def _cache() -> Cache:
    return Cache.of("engine")


def _key(version: str) -> str:
    return f"{version}-official-{sys.platform}-{os.uname().machine}"


def _engine(entry: Entry, version: str) -> Engine:
    return Engine(bin=entry.folder / "bin", version=version, origin=Origin.INSTALLER)
