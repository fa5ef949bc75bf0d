"""The local environment: seconds to start, to find nothing to change, and to stop; memory while it runs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from localcloud.sandbox import Sandbox
from localcloud.supervision import Supervisor
from tools.bench.measurement import Limit, Recorder
from tools.bench.processes import descendants, listening, mentioning, resident_megabytes

CHECKOUT = Path(__file__).resolve().parents[2]
FORTRESS = Path(sys.executable).parent / "fortress"
ROUNDS = 3
UP = Limit(60, "s")
UP_AGAIN = Limit(10, "s")
MEMORY = Limit(1500, "MB")
NOTHING = Limit(0, "left over")
PREVIEW = Limit(20, "s")


def measure(recorder: Recorder) -> None:
    """`make up` from nothing and again, memory, `make down`, in sandboxes of their own."""
    first, again, memory, leftovers = [], [], [], []
    for _ in range(ROUNDS):
        root = Path(tempfile.mkdtemp(prefix="lf-bench-", dir="/tmp"))
        root.chmod(0o711)
        environment = {**os.environ, "LOCALCLOUD_HOME": str(root)}
        first.append(_timed(environment, "up"))
        again.append(_timed(environment, "up"))
        memory.append(_resident(root))
        prefix = Sandbox(root).address_prefix
        _timed(environment, "down")
        leftovers.append(float(len(mentioning(str(root))) + len(listening(prefix)) + root.exists()))
    recorder.take("fortress up, local, from nothing", UP, first)
    recorder.take("fortress up, local, again (0 changes)", UP_AGAIN, again)
    recorder.take("memory of the local environment (PSS)", MEMORY, memory)
    recorder.take("processes, ports and folders after fortress down", NOTHING, leftovers)


def measure_preview(recorder: Recorder) -> None:
    """`make preview ENV=production`, against nothing and against a rehearsed base."""
    with tempfile.TemporaryDirectory(prefix="lf-bench-", dir="/tmp") as folder:
        environment = {**os.environ, "LOCALCLOUD_HOME": folder}
        samples = [_timed(environment, "preview", "--env", "production") for _ in range(ROUNDS)]
        recorder.take("fortress preview --env production, new stack", PREVIEW, samples)
        _timed(environment, "env", "rehearse", "--env", "production")
        samples = [_timed(environment, "preview", "--env", "production") for _ in range(ROUNDS)]
        recorder.take("fortress preview --env production, after a rehearsal", PREVIEW, samples)


def _timed(environment: dict[str, str], *command: str) -> float:
    started = time.monotonic()
    subprocess.run([FORTRESS, *command], cwd=CHECKOUT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def _resident(root: Path) -> float:
    """Everything under the sandbox's supervisor, and the supervisor itself."""
    daemon = int((root / "supervisor" / "supervisord.pid").read_text())
    programs = {state.pid for state in Supervisor(Sandbox(root)).states() if state.pid}
    return resident_megabytes(set().union(*(descendants(pid) for pid in {daemon, *programs})))
