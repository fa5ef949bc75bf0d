"""What a resource may be given and what it gives back, for every type of the four SDKs.

Names, nesting, types and required properties are read from the installed SDK's source; what the SDK does not say
comes from the facts beside it. See `localcloud/facts/README.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.contract.check import Checker, find_broken_limits
from localcloud.contract.contracts import KUBERNETES_IDENTITY, UnknownType, contract_of
from localcloud.contract.facts import BadFacts, common_facts, facts_of
from localcloud.contract.placeholders import Context, render
from localcloud.contract.problems import Checked, Problem
from localcloud.contract.type_expr import UNKNOWN, AssetValue, TypeExpr, Unknown

__all__ = [
    "UNKNOWN",
    "AssetValue",
    "BadFacts",
    "Checked",
    "Context",
    "Problem",
    "Unknown",
    "UnknownType",
    "always_replaced_by",
    "check",
    "computed",
    "outputs",
    "replaced_by",
    "replaced_by_removal_of",
    "secret_outputs",
]

_LENIENT = ("aws", "gcp")
"""The bridged providers turn text into numbers and truth values and back; the other two take JSON as it comes."""


def check(package: str, token: str, inputs: Mapping[str, Any]) -> Checked:
    """The inputs as the cloud takes them, and what is wrong with them: no problem means it would take them.

    Nulls and the engine's `__` keys are dropped. An unregistered type is a problem at the path "".
    """
    try:
        contract = contract_of(token)
    except UnknownType as error:
        return Checked(inputs, (Problem("", str(error)),))
    checker = Checker(contract, lenient=package in _LENIENT)
    checked = checker.root(inputs)
    facts = facts_of(token)
    limits = tuple(find_broken_limits(facts, checked)) if facts else ()
    found = {problem.path for problem in checker.problems}
    return Checked(checked, (*checker.problems, *(limit for limit in limits if limit.path not in found)))


def replaced_by(token: str) -> tuple[str, ...] | None:
    """Patterns of the inputs whose change replaces the resource (lists are passed over, `*` is any key).

    None where nothing but `always_replaced_by` is known.
    """
    facts = facts_of(token)
    always = always_replaced_by(token)
    if facts is None:
        return always if token.startswith("kubernetes:") else None
    inputs = contract_of(token).root.properties
    common = [name for name in common_facts(token.partition(":")[0]).replace if name in inputs]
    return tuple(dict.fromkeys((*always, *facts.replace, *common)))


def replaced_by_removal_of(token: str) -> tuple[str, ...]:
    """Patterns of the inputs that can be set or changed in place, but whose removal replaces the resource."""
    facts = facts_of(token)
    return facts.replace_when_removed if facts else ()


def always_replaced_by(token: str) -> tuple[str, ...]:
    """Of those, the inputs that need no fact: the path of an Azure resource, the identity of a Kubernetes object."""
    try:
        contract = contract_of(token)
    except UnknownType:
        return ()
    if token.startswith("kubernetes:"):
        return tuple(path for path in KUBERNETES_IDENTITY if path.partition(".")[0] in contract.root.properties)
    return contract.path_parameters


def outputs(token: str) -> Mapping[str, TypeExpr]:
    """The outputs of a type under their wire names; raises UnknownType."""
    return contract_of(token).outputs


def secret_outputs(token: str) -> tuple[str, ...]:
    """The outputs that are secret whatever the inputs were; raises UnknownType."""
    return contract_of(token).secret_outputs


def computed(token: str, context: Context) -> dict[str, Any]:
    """The outputs that the cloud would choose, as far as facts tell them, and always an `id`."""
    return render(token, context)
