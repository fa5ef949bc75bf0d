"""A look at a sandbox tells what is there, and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from localcloud import inventory
from localcloud.inventory import GatewayView, Inventory, PodView, look
from localcloud.postgres import server_registry
from localcloud.postgres.server_registry import ServerRecord
from localcloud.sandbox import Sandbox
from localcloud.supervision import ProcessState


def server(sandbox: Sandbox, key: str, **facts: object) -> None:
    (sandbox.folder("postgres", key)).mkdir(exist_ok=True)
    record = ServerRecord(
        key=key, cloud="aws", identifier=key, urn="urn:x", address="127.64.0.2", port=5432, complete=True, **facts
    )
    server_registry.save(sandbox, record)


def files(sandbox: Sandbox) -> set[Path]:
    return set(sandbox.root.rglob("*"))


def test_a_sandbox_that_nothing_was_made_in_is_empty_and_well(sandbox):
    before = files(sandbox)
    seen = look(sandbox)
    assert (seen.databases, seen.pods, seen.gateways, seen.processes) == ((), (), (), ())
    assert seen.well
    assert files(sandbox) == before


def test_databases_are_told_with_their_service_name_and_role(sandbox):
    server(sandbox, "production-aws-0")
    server(sandbox, "production-aws-0-replica", source="production-aws-0", database="ledger")
    primary, standby = look(sandbox).databases
    assert (primary.service, primary.role, primary.running) == ("aws-0", "primary", False)
    assert (standby.role, standby.database, standby.address) == ("standby", "ledger", "127.64.0.2")


def test_a_database_runs_while_its_process_does(sandbox, monkeypatch):
    server(sandbox, "aws-0")
    sandbox.folder("supervisor")
    process = ProcessState("postgres-aws-0", running=True, pid=1, description="RUNNING")
    monkeypatch.setattr(inventory.Supervisor, "states", lambda _: [process])
    assert look(sandbox).databases[0].running
    assert look(sandbox).well
    monkeypatch.setattr(inventory.Supervisor, "states", lambda _: [replace(process, running=False)])
    assert not look(sandbox).well


POD = PodView("aws", "ledger", "web", "127.64.0.3", (8440,), phase="Running", ready=True)
GATEWAY = GatewayView("aws", "ledger", "edge", "127.0.0.1", (8443,), ("aws.localhost",), "https://x", ready=True)


@pytest.mark.parametrize(
    ("pod", "gateway", "well"),
    [
        (POD, GATEWAY, True),
        (replace(POD, ready=False), GATEWAY, False),
        (replace(POD, ready=False, phase="Succeeded"), GATEWAY, True),
        (POD, replace(GATEWAY, ready=False), False),
    ],
)
def test_a_sandbox_is_well_while_all_that_should_answer_does(pod, gateway, well):
    seen = Inventory(service_file="", databases=(), pods=(pod,), gateways=(gateway,), processes=())
    assert seen.well is well
