"""The fixtures beside these tests: for each check and resource type, resources with the verdict they must get."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from localcloud.contract.problems import select
from policies import Resource, Stack, Status, View, with_value
from policies.control import Check
from policies.evaluation import Evaluator
from policies.registry import everything, is_pattern
from policies.resource import normalize_type
from policies.values import SIGNATURE
from tests.policies.pod_fixtures import by_type

FAST_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The fixtures are half a megabyte, which every test process reads."""
FOLDER = Path(__file__).parent / "fixtures"
KEYS = {"good", "bad", "other", "absent", "unknown", "wrong", "replaces_nothing"}
CASE_KEYS = {
    "given",
    "type",
    "others",
    "protect",
    "ignore_changes",
    "provider",
    "provider_urn",
    "outputs",
    "options",
    "name",
}
ENGINE = "pulumi:"
"""The types that are the engine's own: no SDK describes them."""
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""The engine's mark of a text that is not known yet."""


class BadFixture(Exception):
    """A fixture that does not keep to the format of `policies/README.md`."""


@dataclass(frozen=True)
class Case:
    """One resource, in its stack, and the options it is judged by."""

    resource: Resource
    stack: Stack
    options: Mapping[str, Any] = field(default_factory=dict)

    def status(self, check: Check, evaluator: Evaluator) -> Status:
        """The verdict of the check with this case's options."""
        return self.result(check, evaluator).status

    def result(self, check: Check, evaluator: Evaluator) -> Any:
        return self.told(check, evaluator).judge(check, self.resource, self.stack)

    def told(self, check: Check, evaluator: Evaluator) -> Evaluator:
        """The evaluator with this case's options."""
        return replace(evaluator, options={check.control.id: check.control.options.model_validate(self.options)})


@dataclass(frozen=True)
class Fixture:
    """What stands under one control and resource type."""

    check: Check
    type: str
    entry: Mapping[str, Any]

    @property
    def id(self) -> str:
        return f"{self.check.control.id} {self.type}"

    @property
    def good(self) -> list[Case]:
        return [self.case(one) for one in self.entry["good"]]

    @property
    def bad(self) -> list[Case]:
        return [self.case(one) for one in self.entry["bad"]]

    @property
    def other(self) -> Iterator[tuple[Status, Case]]:
        """Cases with another verdict than pass."""
        for status, cases in self.entry.get("other", {}).items():
            yield from ((Status(status), self.case(case)) for case in cases)

    @property
    def absent(self) -> Iterator[tuple[str, Status, Case]]:
        """The first good case without what the check reads: all of it, or each named property."""
        said = self.entry["absent"]
        roots = {path.partition(".")[0] for path in self.reads}
        if isinstance(said, str):
            yield "all", Status(said), self._without(roots)
            return
        for path, status in said.items():
            yield path, Status(status), self._without({path})

    @property
    def unknown(self) -> Iterator[tuple[str, Status, Case]]:
        """The first good case with each thing that the check reads, as far as it is there, unknown."""
        said = self.entry.get("unknown", {})
        for path, _ in self._read_and_there():
            yield path, Status(said.get(path, "not determinable")), self._with(path, UNKNOWN)

    @property
    def wrong(self) -> Iterator[tuple[str, Status, Case]]:
        """The same with something of another kind in its place."""
        said = self.entry.get("wrong", {})
        for path, value in self._read_and_there():
            yield path, Status(said.get(path, "not determinable")), self._with(path, _wrong(value))

    @property
    def reads(self) -> tuple[str, ...]:
        return self.check.reads[self.type]

    def case(self, written: Mapping[str, Any]) -> Case:
        """A case as written: the properties alone, or `given` with what goes beside them."""
        whole = written if "given" in written else {"given": written}
        strangers = whole.keys() - CASE_KEYS
        if strangers:
            raise BadFixture(f"{self.id}: unknown key {min(strangers)} beside `given`")
        subject = _resource(whole.get("type", self.type), whole.get("name", "subject"), whole)
        others = [_other(one, subject) for one in whole.get("others", [])]
        return Case(subject, Stack([subject, *others]), whole.get("options", {}))

    def _first(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        first = self.entry["good"][0]
        whole = first if "given" in first else {"given": first}
        return whole, whole["given"]

    def _read_and_there(self) -> Iterator[tuple[str, Any]]:
        """The paths that are read and that the first good case has, with the first value each."""
        _, given = self._first()
        for path in self.reads:
            found = next((value for _, value in select(path, given)), None)
            if found is not None:
                yield path, found

    def _with(self, path: str, value: Any) -> Case:
        whole, given = self._first()
        return self.case({**whole, "given": with_value(given, path, value)})

    def _without(self, paths: set[str]) -> Case:
        whole, given = self._first()
        for path in paths:
            given = _removed(given, path.split("."))
        return self.case({**whole, "given": given})


def _wrong(value: Any) -> Any:
    """A value of another kind, which no lossless reading makes right."""
    return {"wrong": ["shape"]} if isinstance(value, str | bool | int | float) else "of the wrong shape"


def unmarked(node: Any) -> Any:
    """What is given, without the marks of secrets."""
    if isinstance(node, list):
        return [unmarked(item) for item in node]
    if not isinstance(node, dict):
        return node
    if SIGNATURE in node:
        return unmarked(node["value"]) if "value" in node else "ciphertext"
    return {key: unmarked(item) for key, item in node.items()}


def _removed(node: Any, names: list[str]) -> Any:
    if isinstance(node, list):
        return [_removed(item, names) for item in node]
    if not isinstance(node, dict) or names[0] not in node:
        return node
    if len(names) == 1:
        return {key: value for key, value in node.items() if key != names[0]}
    return {**node, names[0]: _removed(node[names[0]], names[1:])}


def _resource(token: str, name: str, written: Mapping[str, Any], **joins: Any) -> Resource:
    return Resource(
        value=written.get("given", {}),
        outputs=View(value=written.get("outputs", {}), path="outputs"),
        urn=f"urn:pulumi:test::shop::{token}::{name}",
        type=normalize_type(token),
        provider=View(value=written.get("provider", {}), path="provider"),
        provider_urn=written.get("provider_urn", ""),
        protect=written.get("protect", False),
        ignore_changes=tuple(written.get("ignore_changes", ())),
        **joins,
    )


def _other(written: Mapping[str, Any], subject: Resource) -> Resource:
    """Another resource of the stack; `refers: [bucket]` says which of its properties came from the subject."""
    known = {"type", "name", "given", "refers", "outputs", "protect", "provider", "provider_urn"}
    if written.keys() - known or "type" not in written:
        raise BadFixture(f"{subject.type}: of `others` each has a type and of {sorted(known)} what it needs")
    joins = {path.partition(".")[0]: (subject.urn,) for path in written.get("refers", [])}
    dependencies = (subject.urn,) if joins else ()
    name = written.get("name", "other")
    return _resource(written["type"], name, written, property_dependencies=joins, dependencies=dependencies)


@functools.cache
def documents() -> dict[str, dict[str, Mapping[str, Any]]]:
    """All fixtures, by control id and then by resource type."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        for control, types in (yaml.load(path.read_text(encoding="utf-8"), FAST_LOADER) or {}).items():
            for token, entry in by_type(types):
                strangers = entry.keys() - KEYS
                if strangers:
                    raise BadFixture(f"{path.name}: {control}: {token}: unknown key {min(strangers)}")
                if token in found.setdefault(control, {}):
                    raise BadFixture(f"{path.name}: {control}: {token} has fixtures already")
                found[control][token] = entry
    return found


def pairs() -> list[tuple[Check, str]]:
    """Every check with each of its resource types."""
    return [(check, token) for check in everything() for token in check.types]


@functools.cache
def fixtures() -> tuple[Fixture, ...]:
    """The fixtures of every check and type that has any."""
    return tuple(
        Fixture(check, token, documents()[check.control.id][token])
        for check, token in pairs()
        if token in documents().get(check.control.id, {})
    )


def written_cases() -> Iterator[tuple[Fixture, str, Mapping[str, Any]]]:
    """Everything that fixtures give to resources of a certain type, with that type."""
    for fixture in fixtures():
        others = [case for cases in fixture.entry.get("other", {}).values() for case in cases]
        for written in [*fixture.entry["good"], *fixture.entry["bad"], *others]:
            whole = written if "given" in written else {"given": written}
            token = whole.get("type", fixture.type)
            if not is_pattern(token) and not token.startswith(ENGINE):
                yield fixture, token, whole
