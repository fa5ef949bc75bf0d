"""What becomes of the inputs of a resource or provider before anything else: names filled in, the contract kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localcloud import contract
from localcloud.contract import Problem
from localcloud.contract.contracts import contract_of
from localcloud.provider import guard, kubernetes, naming
from localcloud.provider.differences import Change, changes
from localcloud.provider.guard import Refused
from localcloud.provider.naming import Urn
from localcloud.provider.properties import INTERNAL, Properties


@dataclass(frozen=True)
class Difference:
    """What differs between old and new inputs, and what that means for the resource."""

    changes: tuple[Change, ...]
    delete_first: bool = False
    """Whether old and new cannot exist side by side."""
    replacement_unknown: bool = False
    """Whether nothing is known about which changes replace resources of this type."""

    @property
    def replaces(self) -> bool:
        """Whether the resource is replaced rather than changed."""
        return any(change.replaces for change in self.changes)


def checked(
    package: str, urn: Urn, inputs: Properties, old: Properties, seed: bytes, namespace: str | None
) -> tuple[Properties, tuple[Problem, ...]]:
    """The inputs as the cloud takes them, and what is wrong with them."""
    given = _named(package, urn, inputs, old, seed, namespace)
    answer = contract.check(package, urn.type, given)
    internal = {key: value for key, value in given.items() if key.startswith(INTERNAL)}
    return {**answer.inputs, **internal}, answer.problems


def _named(
    package: str, urn: Urn, inputs: Properties, old: Properties, seed: bytes, namespace: str | None
) -> Properties:
    if package == "kubernetes":
        return kubernetes.placed(urn.type, urn.name, inputs, old, seed, namespace)
    try:
        return naming.named(package, contract_of(urn.type), urn.name, inputs, old, seed)
    except contract.UnknownType:
        return inputs


def difference(package: str, token: str, old: Properties, new: Properties) -> Difference:
    """What a change of inputs means: an update in place, or a replacement where facts say so."""
    known = contract.replaced_by(token)
    replaced_by = contract.always_replaced_by(token) if known is None else known
    found = tuple(changes(old, new, replaced_by, contract.replaced_by_removal_of(token)))
    return Difference(
        found,
        delete_first=_is_fixed(package, token, old, new),
        replacement_unknown=bool(found) and known is None and not any(change.replaces for change in found),
    )


def _is_fixed(package: str, token: str, old: Properties, new: Properties) -> bool:
    if package == "kubernetes":
        return kubernetes.is_fixed(token, old, new)
    try:
        return naming.is_fixed(package, contract_of(token), old, new)
    except contract.UnknownType:
        return False


def checked_provider(package: str, urn: Urn, configuration: Mapping[str, Any]) -> tuple[Problem, ...]:
    """What is wrong with the settings of a provider instance: a default one, a real account, an unknown setting."""
    if guard.is_default(urn.name):
        return (
            Problem(
                "",
                f"a {package} resource has no explicit provider, and localcloud's emulator simulates nothing by "
                "default: give the resource an explicit provider (opts=ResourceOptions(provider=…))",
            ),
        )
    settings = guard.settings(configuration)
    try:
        guard.simulated(package, settings)
    except Refused as refusal:
        return (Problem(guard.setting_of(package), str(refusal)),)
    return contract.check(package, f"pulumi:providers:{package}", settings).problems


def provider_difference(package: str, old: Properties, new: Properties) -> Difference:
    """What a change of a provider's settings means: another account, region or cluster replaces what lies in it."""
    before, after = guard.settings(old), guard.settings(new)
    moved = _scope(package, before) != _scope(package, after)
    replacing = (guard.setting_of(package), "region") if moved else ()
    return Difference(tuple(changes(before, after, replacing)))


def _scope(package: str, settings: Mapping[str, Any]) -> Any:
    try:
        return guard.simulated(package, settings)
    except Refused:
        return None
