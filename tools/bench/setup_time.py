"""Duration of a new user's first `make setup`."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from tools.bench.measurement import Limit, Recorder

CHECKOUT = Path(__file__).resolve().parents[2]
COLD = Limit(360, "s")
WARM = Limit(15, "s")


def measure(recorder: Recorder) -> None:
    """A fresh clone with nothing cached (engine, Go, contract, wheels), then once more with everything there."""
    with tempfile.TemporaryDirectory(prefix="lf-setup-") as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(CHECKOUT), str(clone)], check=True)
        environment = _without_caches(Path(folder) / "cache")
        recorder.take("make setup, nothing cached, engine built from Go modules", COLD, [_timed(clone, environment)])
        recorder.take("make setup again", WARM, [_timed(clone, environment) for _ in range(3)])
        # The Go module cache is read-only on purpose; only Go itself removes it without trouble.
        subprocess.run(["go", "clean", "-modcache"], env=environment, check=False)


def _without_caches(cache: Path) -> dict[str, str]:
    """Return the caller's environment with own caches and no engine on PATH."""
    path = os.pathsep.join(
        part for part in os.environ["PATH"].split(os.pathsep) if not (Path(part) / "pulumi").exists()
    )
    return {
        **{key: value for key, value in os.environ.items() if key not in ("FORTRESS_CACHE", "VIRTUAL_ENV")},
        "PATH": path,
        "XDG_CACHE_HOME": str(cache),
        "GOCACHE": str(cache / "go-build"),
        "GOMODCACHE": str(cache / "go-mod"),
    }


def _timed(clone: Path, environment: dict[str, str]) -> float:
    started = time.monotonic()
    subprocess.run(["make", "setup"], cwd=clone, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started
