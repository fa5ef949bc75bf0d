"""Delay from a change outside the engine to the finding of `fortress compliance watch`."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tools.bench.local_environment import CHECKOUT, FORTRESS
from tools.bench.measurement import Limit, Recorder, Unbounded

ROUNDS = 5
EVERY_SECONDS = 15
FOUND = Limit(30, "s")
CONTROL = "TLS-004"
PARAMETER = "rds.force_ssl"
PATIENCE_SECONDS = 180.0
LOOK_SECONDS = 0.05


def measure(recorder: Recorder) -> None:
    """The RDS parameter that demands TLS is turned off on the local environment, found, and put back by an update."""
    with tempfile.TemporaryDirectory(prefix="lf-bench-", dir="/tmp") as folder:
        root = Path(folder) / "sandbox"
        root.parent.chmod(0o711)
        environment = {**os.environ, "LOCALCLOUD_HOME": str(root)}
        _fortress(environment, "up")
        try:
            passes, drifts, quiet = _rounds(environment, root)
        finally:
            _fortress(environment, "down")
    recorder.take(
        "compliance watch, local, scheduled pass to finding of drift",
        FOUND,
        passes,
        raw={"s a pass without drift": quiet},
        note="the finding names the resource, the controls of all frameworks and the remedy; two refreshes and judging",
    )
    recorder.take(
        f"compliance watch --every {EVERY_SECONDS}s, local, drift to finding",
        Unbounded("s"),
        drifts,
        note=f"with the time until the next pass, at most {EVERY_SECONDS} s",
    )


def _rounds(environment: Mapping[str, str], root: Path) -> tuple[list[float], list[float], list[float]]:
    passes, drifts = [], []
    log = root.parent / "findings.jsonl"
    with _watching(environment, log):
        _await(log, 0, {"event": "pass"})
        for _ in range(ROUNDS):
            place = log.stat().st_size
            drifted = datetime.datetime.now(datetime.UTC)
            _turn_tls_off(root)
            opened = _await(log, place, {"event": "opened"})
            passed = _await(log, place, {"event": "pass", "at": opened["at"]})
            _complete(opened["finding"])
            passes.append(_seconds(passed["began"], opened["at"]))
            drifts.append((datetime.datetime.fromisoformat(opened["at"]) - drifted).total_seconds())
            _fortress(environment, "up")
            _await(log, place, {"event": "resolved"})
        quiet = [_seconds(record["began"], record["at"]) for record in _records(log, 0) if _is_quiet(record)]
    return passes, drifts, quiet


@contextmanager
def _watching(environment: Mapping[str, str], log: Path) -> Iterator[None]:
    command = [str(FORTRESS), "compliance", "watch", "-s", "local", "--every", f"{EVERY_SECONDS}s", "--log", str(log)]
    process = subprocess.Popen(
        command, cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _turn_tls_off(root: Path) -> None:
    [path] = (root / "rds-parameter-groups").glob("*.json")
    group = json.loads(path.read_text())
    for parameter in group["parameters"]:
        if parameter["name"] == PARAMETER:
            parameter["value"] = "0"
    path.write_text(json.dumps(group))


def _await(log: Path, place: int, wanted: Mapping[str, Any]) -> Any:
    """The first record after a place in the log that has these values; of findings, one of the violated control."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for record in _records(log, place):
            about = record.get("finding", {}).get("control", CONTROL)
            if about == CONTROL and wanted.items() <= record.items():
                return record
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"no record with {dict(wanted)} in {log} within {PATIENCE_SECONDS:g} s")


def _records(log: Path, place: int) -> list[Any]:
    if not log.exists():
        return []
    *lines, _ = log.read_bytes()[place:].split(b"\n")
    return [json.loads(line) for line in lines]


def _complete(finding: Mapping[str, Any]) -> None:
    if not (finding["resource"] and finding["remedy"] and finding["requirements"]):
        raise ValueError(f"the finding lacks resource, remedy or control ids: {finding}")


def _is_quiet(record: Mapping[str, Any]) -> bool:
    return record["event"] == "pass" and not record["drifted"] and not record["updates"] and not record["failed"]


def _seconds(began: str, ended: str) -> float:
    return (datetime.datetime.fromisoformat(ended) - datetime.datetime.fromisoformat(began)).total_seconds()


def _fortress(environment: Mapping[str, str], command: str) -> None:
    subprocess.run([FORTRESS, command], cwd=CHECKOUT, env=environment, check=True, stdout=subprocess.DEVNULL)
