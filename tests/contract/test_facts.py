"""The facts keep to their format, and speak only of properties that the SDKs have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud import contract
from localcloud.contract.contracts import Contract, contract_of, is_custom
from localcloud.contract.facts import FOLDER, Facts, read_facts
from localcloud.contract.sources import PACKAGES
from localcloud.contract.type_expr import Anything, Either, ListOf, MapOf, Object, TypeExpr

CHOSEN = {"hex", "base32", "digits", "uuid", "octet"}
FUNCTIONS = {"last", "first_label", "without_scheme", "host", "when"}
SETTINGS = {"id", "name", "autoname", "urn_hash", "region", "zone", "mode"} | {
    *("account", "subscription", "tenant", "project", "project_number")
}
PROVIDERS = {
    "aws": {"region": "eu-central-1", "allowedAccountIds": ["000000000000"]},
    "azure-native": {"subscriptionId": "00000000-0000-0000-0000-000000000000"},
    "gcp": {"project": "living-fortress-local", "region": "europe-west3"},
    "kubernetes": {},
}
FILES = sorted(path for package in PACKAGES for path in (FOLDER / package).glob("*.yaml"))


def paths_of(facts: Facts) -> Iterator[str]:
    yield from (*facts.replace, *facts.replace_when_removed)
    for limits in (facts.ranges, facts.lengths, facts.patterns, facts.allowed):
        yield from limits


def leads_somewhere(contract: Contract, expr: TypeExpr, names: list[str]) -> bool:
    """Whether a pattern's names lead to a property from `expr`, lists passed over."""
    match expr:
        case _ if not names:
            return True
        case Anything():
            return True
        case ListOf(item):
            return leads_somewhere(contract, item, names[1:] if names[0] == "*" else names)
        case MapOf(inner):
            return leads_somewhere(contract, inner, names[1:])
        case Object(name):
            found = contract.shape(name).properties.get(names[0])
            return found is not None and leads_somewhere(contract, found.expr, names[1:])
        case Either(members):
            return any(leads_somewhere(contract, member, names) for member in members)
        case _:
            return False


def unknown_names(token: str, facts: Facts) -> set[str]:
    contract = contract_of(token)
    properties = contract.root.properties
    wrong = set()
    for path in paths_of(facts):
        first, *rest = path.split(".")
        if first not in properties or not leads_somewhere(contract, properties[first].expr, rest):
            wrong.add(path)
    return wrong | ({*facts.computed, *facts.defaults} - {*contract.outputs, "id"})


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_facts_name_only_properties_that_exist(path: Path) -> None:
    wrong = {
        token: names
        for token, facts in read_facts(path).items()
        if not token.endswith(":*:*") and not is_custom(token)
        if (names := unknown_names(token, facts))
    }
    assert not wrong


def texts_of(template: object) -> Iterator[str]:
    """Every text of a template, also of those inside."""
    if isinstance(template, str):
        yield template
    elif isinstance(template, dict):
        for inner in template.values():
            yield from texts_of(inner)
    elif isinstance(template, list):
        for inner in template:
            yield from texts_of(inner)


def known_place(contract: Contract, place: str, outputs: set[str]) -> bool:
    """Whether one alternative of a place can ever have a value."""
    if place.startswith("="):
        return True
    function, _, argument = place.partition(":")
    if argument and function in FUNCTIONS:
        return known_place(contract, argument.rpartition(":")[2], outputs)
    head, _, path = place.partition(".")
    first, *rest = [step for step in path.split(".") if not step.isdigit()]
    if head == "inputs":
        found = contract.root.properties.get(first)
        return found is not None and leads_somewhere(contract, found.expr, rest)
    return first in outputs if head == "outputs" else function in CHOSEN or place in SETTINGS


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_templates_speak_only_of_what_there_is(path: Path) -> None:
    for token, facts in read_facts(path).items():
        if token.endswith(":*:*") or is_custom(token):
            continue
        outputs = {*contract_of(token).root.properties, *facts.defaults, *facts.computed}
        for text in (*texts_of(dict(facts.defaults)), *texts_of(dict(facts.computed))):
            for place in re.findall(r"\{([^{}]*)\}", text):
                for alternative in place.split("|"):
                    assert known_place(contract_of(token), alternative, outputs), f"{token}: {text}: {alternative}"
            assert not re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", text)), f"{token}: {text}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_generated_inputs_render_their_outputs(path: Path, generate: Callable[[str], Any]) -> None:
    for token in read_facts(path):
        if token.endswith(":*:*") or is_custom(token):
            continue
        context = contract.Context(
            urn=f"urn:pulumi:test::fortress::{token}::ledger",
            inputs=contract.check(token.partition(":")[0], token, generate(token).inputs).inputs,
            provider=PROVIDERS[token.partition(":")[0]],
            mode="local",
        )
        outputs = contract.computed(token, context)
        assert outputs == contract.computed(token, context)
        assert isinstance(outputs["id"], str)
        assert "None" not in outputs["id"]
        assert not re.search(r"[{}]", outputs["id"])
