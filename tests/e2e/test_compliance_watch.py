"""Drift of a running server's settings is found, named, and resolved by an update."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.conftest import Local

pytestmark = [pytest.mark.engine, pytest.mark.servers, pytest.mark.xdist_group("local")]


def turn_tls_off(local: Local) -> None:
    """Change the parameter group of the RDS server."""
    [path] = (local.sandbox.root / "rds-parameter-groups").glob("*.json")
    group = json.loads(path.read_text())
    [parameter] = [entry for entry in group["parameters"] if entry["name"] == "rds.force_ssl"]
    parameter["value"] = "0"
    path.write_text(json.dumps(group))


def watch_once(local: Local, *options: str) -> tuple[int, list[dict[str, Any]]]:
    answer = local.fortress("compliance", "watch", "--env", "local", "--once", "--json", *options, check=False)
    records = [json.loads(line) for line in answer.stdout.splitlines()]
    return answer.returncode, [record for record in records if record.get("finding", {}).get("control") == "TLS-004"]


def test_watch_finds_a_server_that_no_longer_requires_tls_and_names_the_remedy(local: Local) -> None:
    assert watch_once(local)[1] == []
    turn_tls_off(local)
    status, [opened] = watch_once(local, "--alert-at", "high")
    assert status == 1
    assert (opened["event"], opened["by"]["origin"]) == ("opened", "drift")
    finding = opened["finding"]
    assert finding["resource"] == "local-aws-0"
    assert finding["reason"] == "rds.force_ssl is 0"
    assert finding["requirements"].keys() >= {"soc2", "iso27001", "gdpr", "pci_dss"}
    assert "rds.force_ssl" in finding["remedy"]

    local.fortress("up")
    status, [resolved] = watch_once(local, "--alert-at", "high")
    assert (status, resolved["event"], resolved["by"]["origin"]) == (0, "resolved", "update")
