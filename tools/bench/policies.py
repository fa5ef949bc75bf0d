"""Cost of the policies: previews with and without the pack, in turn, and a report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from localcloud.sandbox import Sandbox
from tools.bench.measurement import Limit, Recorder
from tools.engine import locate
from tools.engine.simulation import engine_variables

CHECKOUT = Path(__file__).resolve().parents[2]
FORTRESS = Path(sys.executable).parent / "fortress"
PACK = CHECKOUT / "policies" / "fortress"
PROGRAM = Path(__file__).parent / "thousand_resources"
ROUNDS = 5
COST = Limit(1.3, "times")
REPORT = Limit(10, "s")


def measure(recorder: Recorder) -> None:
    """Production from nothing and unchanged, a generated stack of 1,000 resources, and production's report."""
    with _sandbox() as environment:

        def production(*options: str) -> float:
            return _timed([FORTRESS, "preview", "--env", "production", *options], CHECKOUT, environment)

        _compare(recorder, "fortress preview --env production, new stack", production, (), ("--no-policies",))
        _timed([FORTRESS, "env", "rehearse", "--env", "production"], CHECKOUT, environment)
        _compare(recorder, "fortress preview --env production, unchanged", production, (), ("--no-policies",))
        folder = environment["LOCALCLOUD_HOME"]
        report = (FORTRESS, "compliance", "report", "--env", "production", "--out", folder)
        samples = [_timed(report, CHECKOUT, environment) for _ in range(ROUNDS)]
        recorder.take("fortress compliance report --env production, all formats", REPORT, samples)
    with _sandbox() as environment:
        _measure_thousand(recorder, Path(environment["LOCALCLOUD_HOME"]), environment)


def _measure_thousand(recorder: Recorder, folder: Path, environment: dict[str, str]) -> None:
    """Three clouds and a cluster, in a project of its own."""
    engine = locate()
    variables = {**environment, **engine_variables(engine, Sandbox.open(folder))}
    project = folder / "project"
    project.mkdir()
    (project / "__main__.py").symlink_to(PROGRAM / "__main__.py")
    runtime = {"name": "python", "options": {"virtualenv": str(CHECKOUT / ".venv")}}
    (project / "Pulumi.yaml").write_text(json.dumps({"name": "thousand", "runtime": runtime}))
    (project / "policies.json").write_text(json.dumps({"all": {"enforcementLevel": "advisory"}}))
    pulumi = str(engine.pulumi)
    _timed([pulumi, "stack", "init", "test", "--secrets-provider", "passphrase"], project, variables)

    def preview(*options: str) -> float:
        command = [pulumi, "preview", "--stack", "test", "--suppress-progress", "--non-interactive", *options]
        return _timed(command, project, variables)

    packed = ("--policy-pack", str(PACK), "--policy-pack-config", str(project / "policies.json"))
    _compare(recorder, "pulumi preview of 1,000 generated resources, new stack", preview, packed, ())


def _compare(
    recorder: Recorder, name: str, preview: Callable[..., float], packed: tuple[str, ...], bare: tuple[str, ...]
) -> None:
    """In turn, so that what else the machine does meets both; each sample is the ratio of two neighbours."""
    preview(*packed)  # what is cached once is cached for both
    taken = [(preview(*packed), preview(*bare)) for _ in range(ROUNDS)]
    with_pack, without = ([pair[at] for pair in taken] for at in (0, 1))
    ratios = [one / other for one, other in taken]
    recorder.take(f"{name}: with policies to without", COST, ratios, raw={"with s": with_pack, "without s": without})


@contextmanager
def _sandbox() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="lf-bench-", dir="/tmp") as folder:
        yield {**os.environ, "LOCALCLOUD_HOME": folder}


def _timed(command: Sequence[str | Path], cwd: Path, environment: dict[str, str]) -> float:
    started = time.monotonic()
    subprocess.run(command, cwd=cwd, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return time.monotonic() - started
