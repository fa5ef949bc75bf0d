"""A deliberately bad stack, in the real engine: every check fails on it, and every fix mends what it is for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from localcloud.sandbox import CHECKOUT
from policies.registry import everything
from policies.resource import cloud_of, drop_api_version
from tests.engine.conftest import Project
from tests.policies.bad_stack import OPTIONS, BadStack, bad_stack

pytestmark = pytest.mark.engine

HERE = Path(__file__).parent
LEVEL = "enforcementLevel"


class Bad(Project):
    """The program, the provider that accepts it, and the pack."""

    def __init__(self, folder: Path, stack: BadStack) -> None:
        super().__init__(folder)
        for package in ("aws", "azure-native", "gcp", "kubernetes"):
            self._plugin(folder / "plugins" / f"pulumi-resource-{package}", HERE / "accepting_provider.py")
        self.environment["PULUMI_DEBUG_COMMANDS"] = "true"
        runtime = f"{{name: python, options: {{virtualenv: {CHECKOUT / '.venv'}}}}}"
        self.write("Pulumi.yaml", f"name: tiny\nruntime: {runtime}\n")
        self.program((HERE / "bad_program.py").read_text())
        self.write("groups.json", json.dumps(stack.groups))

    def told(self, command: str, level: str, *options: str) -> list[dict[str, Any]]:
        """The engine's events of a run with all controls at this level."""
        configuration = self.write("policies.json", json.dumps({"all": {LEVEL: level, **OPTIONS}}))
        events = self.folder / "events"
        events.unlink(missing_ok=True)
        pack = ("--policy-pack", str(CHECKOUT / "policies" / "fortress"), "--policy-pack-config", str(configuration))
        answer = self.run(command, *options, *pack, "--event-log", str(events))
        assert events.exists(), answer.stdout
        return [json.loads(line) for line in events.read_text().splitlines()]


def violations(events: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Control and resource of all that is said to be violated."""
    said = (event["policyEvent"] for event in events if "policyEvent" in event)
    open_ = re.compile(r"not determinable yet|cannot be determined|exempt")
    return {(one["policyName"], one.get("resourceUrn", "")) for one in said if not open_.search(one["message"])}


def check_id(control: str, urn: str) -> str:
    return f"{control}/{cloud_of(drop_api_version(urn.split('::')[2].rpartition('$')[2]))}"


def operations(events: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for event in events:
        if "resourcePreEvent" in event:
            metadata = event["resourcePreEvent"]["metadata"]
            found.setdefault(metadata["op"], set()).add(metadata["urn"])
    return found


def test_a_bad_stack_fails_every_check_and_passes_after_its_fixes(tmp_path: Path) -> None:
    stack = bad_stack()
    project = Bad(tmp_path, stack)
    project.ok("stack", "init", "test")

    before = violations(project.told("up", "advisory", "--yes", "--skip-preview"))
    assert {check_id(*one) for one in before} == set(everything().ids)
    unseen = [
        f"{place.check.id} {place.urn}" for place in stack.places if (place.check.control.id, place.urn) not in before
    ]
    assert not unseen, "\n".join(unseen)

    events = project.told("preview", "remediate")
    after = violations(events)
    fixed = [place for place in stack.places if place.fixed]
    assert {one.check.id for one in fixed} == set(everything().fixable_ids)
    assert [(one.check.id, one.urn) for one in fixed if (one.check.control.id, one.urn) in after] == []
    assert operations(events).keys() == {"same", "update"}
    assert {one.urn for one in fixed} <= operations(events)["update"]
