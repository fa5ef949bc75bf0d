"""What is changed on a running server's settings behind the engine's back is found, named, and gone after an update."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.servers, pytest.mark.xdist_group("local")]


def turn_tls_off(local: Any) -> None:
    """In the group of parameters that the RDS server takes its own from."""
    [path] = (local.sandbox.root / "rds-parameter-groups").glob("*.json")
    group = json.loads(path.read_text())
    [parameter] = [one for one in group["parameters"] if one["name"] == "rds.force_ssl"]
    parameter["value"] = "0"
    path.write_text(json.dumps(group))


def looked(local: Any, *options: str) -> tuple[int, list[dict[str, Any]]]:
    answer = local.fortress("compliance", "watch", "-s", "local", "--once", "--json", *options, check=False)
    records = [json.loads(line) for line in answer.stdout.splitlines()]
    return answer.returncode, [one for one in records if one.get("finding", {}).get("control") == "TLS-004"]


def test_a_server_that_no_longer_demands_tls_is_found_with_resource_controls_and_remedy(local: Any) -> None:
    assert looked(local)[1] == []
    turn_tls_off(local)
    status, [opened] = looked(local, "--alert-at", "high")
    assert status == 1
    assert (opened["event"], opened["by"]["origin"]) == ("opened", "drift")
    finding = opened["finding"]
    assert finding["resource"] == "local-aws-0"
    assert finding["reason"] == "rds.force_ssl is 0"
    assert finding["requirements"].keys() >= {"soc2", "iso27001", "gdpr", "pci_dss"}
    assert "rds.force_ssl" in finding["remedy"]

    local.fortress("up")
    status, [resolved] = looked(local, "--alert-at", "high")
    assert (status, resolved["event"], resolved["by"]["origin"]) == (0, "resolved", "update")
