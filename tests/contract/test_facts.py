"""The facts keep to their format, and speak only of properties that the SDKs have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.contract.contracts import Contract, contract_of
from localcloud.contract.facts import FOLDER, BadFacts, Facts, read_facts
from localcloud.contract.kubernetes import is_custom
from localcloud.contract.sources import PACKAGES
from localcloud.contract.terms import Anything, Either, ListOf, MapOf, Object, Term

FILES = sorted(path for package in PACKAGES for path in (FOLDER / package).glob("*.yaml"))


def paths_of(facts: Facts) -> Iterator[str]:
    yield from (*facts.replace, *facts.required)
    for limits in (facts.ranges, facts.lengths, facts.patterns, facts.allowed):
        yield from limits


def leads_somewhere(contract: Contract, term: Term, names: list[str]) -> bool:
    """Whether a pattern's names lead to a property from `term`, lists passed over."""
    match term:
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
            return found is not None and leads_somewhere(contract, found.term, names[1:])
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
        if first not in properties or not leads_somewhere(contract, properties[first].term, rest):
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
