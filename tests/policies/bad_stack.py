"""A stack that fails every check: for each one a bad resource of its fixtures, with what stands around it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.control import Check
from policies.registry import everything, is_pattern
from tests.policies.cases import ENGINE, Fixture, fixtures, unmarked

OPTIONS = {"protectedStacks": ["test"], "maximumLogDays": 364}
"""Under which the stack is bad; a case that needs others has no place in it."""
APART = {
    "BKP-009/gcp": "alloydb",  # a kind of database of which nothing is a copy
    "LOG-004/gcp": "another",  # projects of their own, since elsewhere in the stack all services are audited
    "LOG-011/gcp": "shop",
    "RES-007/aws": "production",  # a source that no store of the stack is called after
    "RES-007/gcp": "production",
}
"""A word by which to take a case where the rest of the stack would make the first one good."""
OUTPUTS = "__outputs"
"""The input by which `accepting_provider.py` is told what the resource gives back besides its inputs."""
PROJECT, STACK = "tiny", "test"


@dataclass(frozen=True)
class Place:
    """Where a check must fail."""

    check: Check
    type: str
    urn: str

    @property
    def fixed(self) -> bool:
        """Whether a fix that replaces nothing must mend it."""
        return self.check.remedy_for(self.type) is not None


@dataclass(frozen=True)
class BadStack:
    """The resources for `bad_program.py`, and what must be said of them."""

    groups: list[dict[str, Any]]
    places: list[Place]


def bad_stack() -> BadStack:
    """One bad resource a check, those with a fix preferred; the engine's own types are the program's."""
    groups, places = [], []
    for number, (fixture, written) in enumerate(_chosen()):
        token = written.get("type", fixture.type)
        group = f"test:bad:Group{number}"
        groups.append({"type": group, "resources": list(_resources(token, written))})
        urn = f"urn:pulumi:{STACK}::{PROJECT}::{group}${token}::{written.get('name', 'subject')}"
        places.append(Place(fixture.check, token, urn))
    return BadStack(groups, places)


def _chosen() -> Iterator[tuple[Fixture, Mapping[str, Any]]]:
    by_check: dict[Check, list[tuple[Fixture, Mapping[str, Any]]]] = {}
    for fixture in fixtures():
        for case in _usable(fixture):
            by_check.setdefault(fixture.check, []).append((fixture, case))
    for check in everything():
        cases = by_check.get(check, [])
        cases.sort(key=lambda one: check.remedy_for(one[1].get("type", one[0].type)) is None)
        yield from [case for case in cases if APART.get(check.id, "") in f"{case[0].type} {json.dumps(case[1])}"][:1]


def _usable(fixture: Fixture) -> Iterator[Mapping[str, Any]]:
    for one in fixture.entry["bad"]:
        written = one if "given" in one else {"given": one}
        token = written.get("type", fixture.type)
        if written.get("options", {}).keys() <= OPTIONS.keys() and not (is_pattern(token) or token.startswith(ENGINE)):
            yield written


def _resources(token: str, written: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield _resource(token, written.get("name", "subject"), written)
    for number, other in enumerate(written.get("others", [])):
        if not other["type"].startswith(ENGINE):
            yield _resource(other["type"], other.get("name", f"other{number}"), other)


def _resource(token: str, name: str, written: Mapping[str, Any]) -> dict[str, Any]:
    given = unmarked(written.get("given", {}))
    return {
        "type": token,
        "name": name,
        "given": given | ({OUTPUTS: written["outputs"]} if "outputs" in written else {}),
        "refers": written.get("refers", []),
        "protect": written.get("protect", False),
        "ignoreChanges": written.get("ignore_changes", []),
        "provider": written.get("provider", {}),
        "cluster": written.get("provider_urn", ""),
    }
