"""Resources with an emulator: what the provider asks of the emulator, and what it makes of its answers."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest

from localcloud import emulator
from localcloud.emulator import EmulatorError, Made, Properties, Resource
from localcloud.provider.guard import Simulated, SimulationMode
from localcloud.provider.lifecycle import Lifecycle
from localcloud.provider.naming import Urn
from localcloud.sandbox import Sandbox

QUEUE = "aws:sqs/queue:Queue"
VPC = "aws:ec2/vpc:Vpc"
URN = Urn.parse(f"urn:pulumi:test::project::{QUEUE}::jobs")


@dataclass
class Kitchen:
    """An emulator that counts what it is asked, and keeps what it made in memory."""

    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    resources: list[Resource] = field(default_factory=list)
    together: int = 0
    most_together: int = 0

    def create(self, sandbox: Sandbox, resource: Resource) -> Made:
        self.together += 1
        self.most_together = max(self.most_together, self.together)
        self.asked.append("create")
        self.resources.append(resource)
        threading.Event().wait(0.02)
        self.together -= 1
        if resource.inputs.get("name") == "broken":
            raise EmulatorError("the kitchen is closed: open it")
        identity = f"queue-{resource.inputs['name']}"
        self.made[identity] = dict(resource.inputs)
        return Made(identity, {"url": "https://127.0.0.1", "arn": "arn:of:the:emulator"})

    def read(self, sandbox: Sandbox, identity: str, state: Properties) -> Properties | None:
        self.asked.append("read")
        return {**state, **self.made[identity]} if identity in self.made else None

    def update(self, sandbox: Sandbox, identity: str, old: Properties, resource: Resource) -> Properties:
        self.asked.append("update")
        self.made[identity] = dict(resource.inputs)
        return {"url": "https://127.0.0.2"}

    def delete(self, sandbox: Sandbox, identity: str, state: Properties) -> None:
        self.asked.append("delete")
        self.made.pop(identity, None)


@pytest.fixture(autouse=True)
def kitchen(monkeypatch: pytest.MonkeyPatch) -> Kitchen:
    """The emulator of queues and networks."""
    kitchen = Kitchen()
    monkeypatch.setattr("localcloud.provider.lifecycle.emulator_for", {QUEUE: kitchen, VPC: kitchen}.get)
    return kitchen


def lifecycle(sandbox: Sandbox, simulated: SimulationMode = SimulationMode.LOCAL, **provider: Any) -> Lifecycle:
    settings: Mapping[str, Any] = {"allowedAccountIds": ["000000000000"], **provider}
    return Lifecycle("aws", sandbox, Simulated(simulated, "eu-central-1"), settings, lambda urn, text: None)


def test_a_emulator_gets_the_resource_and_its_answers_are_the_outputs(sandbox, kitchen):
    life = lifecycle(sandbox, region="eu-central-1")
    found = life.create(URN, {"name": "jobs", "__defaults": []}, timeout=30)
    [resource] = kitchen.resources
    assert (resource.urn, resource.type, resource.name) == (URN.text, QUEUE, "jobs")
    assert (resource.inputs, resource.timeout) == ({"name": "jobs"}, 30)
    assert resource.provider["region"] == "eu-central-1"
    assert found.id == "queue-jobs"
    assert found.state == {"name": "jobs", "url": "https://127.0.0.1", "arn": "arn:of:the:emulator"}


def test_refresh_asks_the_emulator(sandbox, kitchen):
    life = lifecycle(sandbox)
    found = life.create(URN, {"name": "jobs", "delaySeconds": 1}, timeout=0)
    kitchen.made["queue-jobs"]["delaySeconds"] = 5
    now = life.read(URN, found.id, found.inputs, found.state)
    assert now is not None
    assert now.inputs == {"name": "jobs", "delaySeconds": 5}
    kitchen.made.clear()
    assert life.read(URN, found.id, found.inputs, found.state) is None


def test_an_import_finds_the_inputs_in_the_record(sandbox):
    identity = lifecycle(sandbox).create(URN, {"name": "jobs"}, timeout=0).id
    now = lifecycle(sandbox).read(URN, identity, {}, {})
    assert now is not None
    assert now.inputs == {"name": "jobs"}
    assert now.state["url"] == "https://127.0.0.1"


def test_an_update_changes_the_emulator_and_a_delete_ends_it(sandbox, kitchen):
    life = lifecycle(sandbox)
    found = life.create(URN, {"name": "jobs"}, timeout=0)
    state = life.update(URN, found.id, found.state, found.inputs, {"name": "jobs", "delaySeconds": 2}, timeout=0)
    assert state["url"] == "https://127.0.0.2"
    life.delete(URN, found.id, state)
    assert kitchen.made == {}
    assert kitchen.asked == ["create", "update", "delete"]
    assert life.store.get(URN, found.id) is None


def test_a_failed_create_leaves_no_record(sandbox):
    life = lifecycle(sandbox)
    with pytest.raises(EmulatorError):
        life.create(URN, {"name": "broken"}, timeout=0)
    assert life.store.of_urn(URN) == []


def test_a_rehearsal_makes_no_emulators(sandbox, kitchen):
    life = lifecycle(sandbox, SimulationMode.REHEARSAL)
    found = life.create(URN, {"name": "jobs"}, timeout=0)
    life.update(URN, found.id, found.state, found.inputs, {"name": "jobs"}, timeout=0)
    life.read(URN, found.id, {}, {})
    life.delete(URN, found.id, found.state)
    assert kitchen.asked == []


def test_two_runs_at_once_work_on_one_emulator_one_after_the_other(sandbox, kitchen):
    lives = [lifecycle(sandbox) for _ in range(4)]
    runs = [threading.Thread(target=life.create, args=(URN, {"name": "jobs"}, 0)) for life in lives]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(kitchen.resources) == 4
    assert kitchen.most_together == 1
    assert len(lives[0].store.of_urn(URN)) == 1


def test_what_a_emulator_complains_of_is_one_line_with_the_urn(plugin):
    with pytest.raises(grpc.RpcError) as error:
        plugin("aws").create(QUEUE, "jobs", {"name": "broken"})
    assert error.value.details() == f"{plugin('aws').urn(QUEUE, 'jobs')}: the kitchen is closed: open it"


def test_a_replacement_waits_until_the_emulator_of_the_old_one_is_gone(plugin):
    aws = plugin("aws")
    assert aws.diff(VPC, "a", "vpc-1", {"cidrBlock": "10.0.0.0/16"}, {"cidrBlock": "10.1.0.0/16"}).deleteBeforeReplace


def test_a_stopped_run_is_told_to_the_emulator(sandbox, kitchen):
    life = lifecycle(sandbox)
    life.create(URN, {"name": "jobs"}, timeout=0)
    life.interrupted.set()
    assert kitchen.resources[0].interrupted.is_set()


def test_every_registered_emulator_can_be_loaded():
    for token in emulator.FACTORIES:
        made = emulator.emulator_for(token)
        assert all(callable(getattr(made, call)) for call in ("create", "read", "update", "delete")), token
    assert emulator.emulator_for("aws:ec2/vpc:Vpc") is None
