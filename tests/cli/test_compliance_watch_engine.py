"""`fortress compliance watch` with the real engine, on emulators that only record."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from localcloud.sandbox import CHECKOUT, Sandbox

pytestmark = pytest.mark.engine

ENVIRONMENT = "preview-42"
STACK = f"rehearsal-{ENVIRONMENT}"
COMMAND = "import sys; from cli.main import main; sys.argv[0] = 'fortress'; main()"
PATIENCE_SECONDS = 240.0


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", COMMAND, *arguments]


def fortress(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=CHECKOUT, capture_output=True, text=True)


def rehearse() -> None:
    answer = fortress("env", "rehearse", "--env", ENVIRONMENT)
    assert answer.returncode == 0, answer.stderr


def once(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Run one pass, and return its exit status and records."""
    answer = fortress("compliance", "watch", "-s", ENVIRONMENT, "--once", "--json", "--alert-at", "high", *arguments)
    return answer.returncode, [json.loads(line) for line in answer.stdout.splitlines()]


def findings(records: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [
        (record["event"], record["finding"]["control"], record["by"]["origin"])
        for record in records
        if "finding" in record
    ]


def allow_plain_connections(sandbox: Sandbox) -> None:
    """Change the record of the database's parameters behind the engine's back."""
    [path] = sandbox.root.glob("rehearsals/records/aws/*/*/aws-rds-parameterGroup-ParameterGroup/*-aws-0_*.json")
    document = json.loads(path.read_text())
    [parameter] = [entry for entry in document["inputs"]["parameters"] if entry["name"] == "rds.force_ssl"]
    parameter["value"] = "0"
    path.write_text(json.dumps(document))


@dataclass
class Running:
    """A watch in the background, and its output."""

    process: subprocess.Popen[str]
    records: list[dict[str, Any]] = field(default_factory=list)

    def until(self, event: str) -> list[dict[str, Any]]:
        """Return the records up to the next of this kind, that one included."""
        assert self.process.stdout
        found: list[dict[str, Any]] = []
        while not found or found[-1]["event"] != event:
            line = self.process.stdout.readline()
            assert line, "the watch has ended"
            found.append(json.loads(line))
        return found


@contextmanager
def running(*arguments: str) -> Iterator[Running]:
    process = subprocess.Popen(
        command("compliance", "watch", "-s", ENVIRONMENT, "--json", *arguments),
        cwd=CHECKOUT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    guard = threading.Timer(PATIENCE_SECONDS, process.kill)
    guard.start()
    try:
        yield Running(process)
    finally:
        guard.cancel()
        process.kill()
        process.communicate()


@pytest.fixture
def rehearsed(sandbox: Sandbox) -> Sandbox:
    rehearse()
    return sandbox


def history(sandbox: Sandbox) -> int:
    return len(list(sandbox.root.glob(f"rehearsals/state/.pulumi/history/*/{STACK}/*.history.json")))


def test_watch_finds_drift_repair_and_an_unreadable_state_and_is_silent_otherwise(
    rehearsed: Sandbox,
) -> None:
    entries = history(rehearsed)
    status, records = once()
    assert (status, findings(records)) == (0, [])
    assert history(rehearsed) == entries

    allow_plain_connections(rehearsed)
    status, records = once()
    assert (status, findings(records)) == (1, [("opened", "TLS-004", "drift")])
    [opened] = [record["finding"] for record in records if record["event"] == "opened"]
    assert opened["requirements"]["pci_dss"] == ["4.2.1"]
    assert opened["resource"].endswith("-aws-0")
    assert "rds.force_ssl" in opened["remedy"]
    assert records[-1]["drifted"] == [opened["urn"]]

    rehearse()
    status, records = once()
    assert (status, findings(records)) == (0, [("resolved", "TLS-004", "update")])
    [resolved] = [record for record in records if record["event"] == "resolved"]
    assert resolved["by"]["updates"][0]["author"]
    assert resolved["by"]["updates"][0]["message"]

    [state] = rehearsed.root.glob(f"rehearsals/state/.pulumi/stacks/*/{STACK}.json")
    text = state.read_text()
    state.write_text(text[: len(text) // 2])
    status, records = once()
    assert status == 3
    assert {control for event, control, _ in findings(records) if event == "opened"} == {"WATCH"}
    reasons = [record["finding"]["reason"] for record in records if record["event"] == "opened"]
    assert reasons
    assert all("pulumi" in reason and "ended with status" in reason for reason in reasons), reasons
    state.write_text(text)
    status, records = once()
    assert status == 0
    assert {(event, control) for event, control, _ in findings(records)} == {("resolved", "WATCH")}


def test_a_running_watch_sees_updates_at_once_and_resumes_after_a_kill(rehearsed: Sandbox, tmp_path: Path) -> None:
    with running("--every", "1h") as watch:
        watch.until("pass")
        assert fortress("compliance", "watch", "-s", ENVIRONMENT, "--once").returncode == 2, "two watches on one log"

        allow_plain_connections(rehearsed)
        assert once("--log", str(tmp_path / "other.jsonl"))[0] == 1
        assert findings(watch.until("pass")) == [("opened", "TLS-004", "drift")]
        watch.process.send_signal(signal.SIGKILL)
        watch.process.wait()

    rehearse()
    with running("--every", "1h") as watch:
        assert findings(watch.until("resolved")) == [("resolved", "TLS-004", "update")]
        watch.until("pass")
        watch.process.send_signal(signal.SIGTERM)
        assert watch.process.wait() == 0
