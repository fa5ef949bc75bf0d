"""The policies before every change: what stops a run, its error lines, and a run without policies."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.compliance import gate
from cli.main import main
from localcloud.sandbox import CHECKOUT, Sandbox

ENVIRONMENT = "preview-43"
ISSUER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
URN = "urn:pulumi:rehearsal-dev::living-fortress::livingfortress:keys:AwsKey$aws:kms/key:Key::dev-aws"

Fortress = Callable[..., tuple[int, str]]


def event(level: str, message: str, urn: str = URN) -> str:
    document = {"resourceUrn": urn, "policyName": "KEY-001", "enforcementLevel": level, "message": message}
    return json.dumps({"sequence": 1, "policyEvent": document})


def test_a_blocking_violation_is_printed_once_in_one_line() -> None:
    events = [
        json.dumps({"sequence": 0, "preludeEvent": {}}),
        event("advisory", "It only warns."),
        event("mandatory", "It never\n  rotates. Rotate it.\n"),
        event("mandatory", "It never\n  rotates. Rotate it.\n"),
        event("mandatory", "Nothing is tagged.", urn=""),
    ]
    assert gate.violations("\n".join(events)) == [
        "KEY-001: dev-aws (aws:kms/key:Key): It never rotates. Rotate it.",
        "KEY-001: the stack: Nothing is tagged.",
    ]


def test_without_events_there_is_no_violation() -> None:
    assert gate.violations("") == []
    assert gate.summarize("") == "Policies: no violation blocks."


def test_a_run_ends_with_a_summary_of_the_policies() -> None:
    events = [event("advisory", "It only warns."), event("advisory", "Two not determinable yet.", urn="")]
    summary = gate.summarize("\n".join([*events, *events]))
    assert summary == "Policies: no violation blocks, 1 warnings on resources, 1 notes on the stack."


@pytest.fixture
def fortress(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Fortress:
    """Return a function that runs the command in this process: its exit status, and its error lines or output."""

    def run(command: str, *options: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["fortress", *command.split(), "--env", ENVIRONMENT, *options])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, error = capfd.readouterr()
        return int(stopped.value.code or 0), "\n".join(
            line for line in error.splitlines() if line.startswith("error: ")
        ) or out

    return run


@pytest.fixture
def require(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Return a function that sets options of the policies which the environments violate."""

    def configure(**options: Any) -> None:
        document = json.loads(gate.CONFIGURATION.read_text())
        document["all"] |= options
        path = tmp_path / "configuration.json"
        path.write_text(json.dumps(document))
        monkeypatch.setattr(gate, "CONFIGURATION", path)

    return configure


@pytest.mark.engine
def test_a_preview_stops_at_a_violation_unless_policies_are_switched_off(
    fortress: Fortress, require: Callable[..., None]
) -> None:
    status, shown = fortress("preview")
    assert status == 0, shown
    assert "fortress@v" in shown
    assert "not determinable yet" in shown

    status, lines = fortress("preview", "--strict")
    assert status != 0
    assert f"error: IAM-009: preview-43-aws-federation-aws ({ISSUER}): " in lines
    assert "cannot be determined: url is not known yet" in lines

    require(allowedRegistries=["registry.example/elsewhere"])
    status, lines = fortress("preview")
    assert status != 0
    violations = lines.splitlines()
    assert violations
    assert all(line.startswith("error: CHG-001: preview-43-aws-ledger-") for line in violations), lines
    assert {line.partition("(")[2].partition(")")[0] for line in violations} == {
        "kubernetes:apps/v1:Deployment",
        "kubernetes:batch/v1:Job",
    }
    assert fortress("preview", "--no-policies")[0] == 0


@pytest.mark.engine
def test_a_violation_found_during_an_update_stops_its_resource(
    fortress: Fortress, require: Callable[..., None], sandbox: Sandbox
) -> None:
    require(allowedIssuers=["https://issuer.example/*"])
    assert fortress("preview")[0] == 0

    status, lines = fortress("env rehearse")
    assert status != 0
    assert lines.startswith("error: IAM-009: preview-43-aws-federation-aws ")
    records = (sandbox.root / "rehearsals" / "records").rglob("*.json")
    types = {json.loads(path.read_text())["type"] for path in records}
    assert "aws:eks/cluster:Cluster" in types
    assert ISSUER not in types


@pytest.mark.slow
def test_make_passes_the_options_of_the_policies_on() -> None:
    def recipe(*variables: str) -> str:
        command = ["make", "--dry-run", "--always-make", "preview", "ENV=dev", *variables]
        return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout

    assert "--no-policies" not in recipe()
    assert "--strict" not in recipe()
    assert "--no-policies" in recipe("POLICIES=off")
    assert "--strict" in recipe("STRICT=1")
