"""The promises of README: two commands, a grant over HTTP, and the same grant in the database of its home."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e.conftest import Local

pytestmark = [pytest.mark.engine, pytest.mark.servers, pytest.mark.xdist_group("local")]
CLOUDS = ("aws", "azure", "gcp")


def account_at(local: Local, cloud: str, token: str) -> str:
    """Return an account whose home is the cloud."""
    for number in range(200):
        answer = local.request("aws", "GET", f"/accounts/probe-{number}", token=token)
        if answer.status_code == 404:
            answer = local.grant("aws", f"probe-{number}", 1, token=token)
        if answer.json()["home"] == cloud:
            return f"probe-{number}"
    raise AssertionError(f"no account of 200 has its home in {cloud}")


def test_three_databases_and_three_apps_run(local: Local) -> None:
    inventory = local.inventory
    assert {database.service for database in inventory.databases} == {"aws-0", "azure-0", "gcp-0"}
    assert all(database.running for database in inventory.databases)
    assert {pod.cluster for pod in inventory.pods if pod.ready} == {f"local-{cloud}" for cloud in CLOUDS}


@pytest.mark.parametrize("home", CLOUDS)
@pytest.mark.parametrize("ingress", CLOUDS)
def test_a_grant_is_stored_in_its_accounts_home_whichever_cloud_takes_it(local: Local, ingress: str, home: str) -> None:
    token = local.token()
    account = account_at(local, home, token)
    before = local.request(ingress, "GET", f"/accounts/{account}", token=token).json()["balance"]
    answer = local.grant(ingress, account, 100, token=token)
    assert answer.status_code == 201
    assert answer.json()["balance"] == before + 100
    (stored,) = local.rows(f"{home}-0", "select max(total) from events where stream = %s", account)
    assert stored[0] == before + 100
    elsewhere = [cloud for cloud in CLOUDS if cloud != home]
    for cloud in elsewhere:
        assert local.rows(f"{cloud}-0", "select count(*) from events where stream = %s", account) == [(0,)]


def test_the_lines_that_up_prints_work_as_they_stand(local: Local) -> None:
    assert re.search(r"Resources:\s+\+ \d+ created", local.first_up), local.first_up
    script = local.first_up.split("Try it:")[1].rsplit("The API is described", 1)[0]
    result = local.bash(script)
    assert '"balance":100' in result.replace(" ", "")
    assert "Granted" in result


def test_what_runs_passes_the_policies_with_nothing_left_open(local: Local, tmp_path: Path) -> None:
    local.fortress("compliance", "report", "--strict", "--format", "json", "--out", str(tmp_path))
    document = json.loads((tmp_path / "compliance.json").read_text())
    tally, source = document["tally"], document["source"]
    assert source["origin"] == "the state of local"
    assert tally["passed"] > 500
    assert tally["failed"] == tally["notDeterminable"] == 0
    assert all(verdict["exemption"] for verdict in document["verdicts"] if verdict["status"] == "exempt")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("ledger grant operator-made 5 --key once", "operator-made on "),
        ("events archive --days 30", "events of 0 streams are archived"),
        ("app migrate status", "aws-0: 0003_events applied"),
        ("decoy sightings", ""),
        ("shards status", "gcp-0"),
        ("privacy erasures list", ""),
    ],
)
def test_after_up_every_command_on_shards_works_without_variables(local: Local, command: str, expected: str) -> None:
    assert not [name for name in local.variables if name.startswith("FORTRESS_")]
    assert expected in local.fortress(*command.split()).stdout


def test_status_prints_a_table_or_json(local: Local) -> None:
    assert "aws-0" in local.fortress("status").stdout
    document = json.loads(local.fortress("status", "--json").stdout)
    assert {database["service"] for database in document["databases"]} == {"aws-0", "azure-0", "gcp-0"}


def test_without_a_token_nothing_is_granted(local: Local) -> None:
    answer = local.request("gcp", "POST", "/accounts/mallory/grants", token="", json={"amount": 5})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    reader = local.token("credits:read")
    assert local.grant("gcp", "mallory", 5, token=reader).status_code == 403
