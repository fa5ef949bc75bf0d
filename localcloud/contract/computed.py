"""Outputs that the cloud would choose, rendered from the templates of facts: ids, names of endpoints, defaults.

Everything that is random on a real cloud is here derived from the URN, so that it is the same on every run.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.contract.facts import Facts, Template
from localcloud.contract.unknown import UNKNOWN

_PLACE = re.compile(r"\{([^{}]+)\}")
_FALLBACK_IDS: Mapping[str, str] = {
    "azure-native": "/subscriptions/{subscription}/resourceGroups/{inputs.resourceGroupName}/{autoname}"
    "|/subscriptions/{subscription}/{autoname}",
    "kubernetes": "{inputs.metadata.namespace}/{inputs.metadata.name}|{inputs.metadata.name}|{autoname}",
}
"""Ids for types without facts; nothing but an id is ever made up for them."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the templates of one resource can speak of."""

    urn: str
    inputs: Mapping[str, Any]
    """Checked inputs; UNKNOWN where a preview does not know yet."""
    provider: Mapping[str, Any]
    """The configuration of the provider instance, nested settings decoded."""
    world: str
    """`local` or `rehearsal`: the domain under which simulated clusters answer."""

    @property
    def name(self) -> str:
        """The resource's logical name."""
        return self.urn.rpartition("::")[2]

    def digest(self, label: str) -> bytes:
        """Bytes that belong to this URN and label alone."""
        return hashlib.sha256(f"{self.urn}\n{label}".encode()).digest()


def render(package: str, facts: Facts | None, context: Context) -> dict[str, Any]:
    """The outputs that facts compute, `id` always among them; UNKNOWN where an input that they need is unknown."""
    templates = dict(facts.computed) if facts else {}
    identity = templates.pop("id", None) or _FALLBACK_IDS.get(package, "{autoname}")
    places = _Places(context)
    places.values["id"] = _alternatives(identity, places)
    outputs: dict[str, Any] = {"id": places.values["id"]}
    for name, template in templates.items():
        outputs[name] = _rendered(template, places)
    for name, template in (facts.defaults if facts else {}).items():
        if context.inputs.get(name) is None:
            outputs[name] = _rendered(template, places)
    return {name: value for name, value in outputs.items() if value is not None}


def _alternatives(template: str, places: _Places) -> Any:
    """The first of several whole templates, parted by `|` outside of braces, that has all it needs."""
    for alternative in re.split(r"\|(?![^{]*\})", template):
        value = _rendered(alternative, places)
        if value is not None:
            return value
    return None


def _rendered(template: Template, places: _Places) -> Any:
    if isinstance(template, Mapping):
        inner = {key: _rendered(value, places) for key, value in template.items()}
        return {key: value for key, value in inner.items() if value is not None}
    if isinstance(template, list):
        return [value for value in (_rendered(item, places) for item in template) if value is not None]
    return _text(template, places) if isinstance(template, str) else template


def _text(template: str, places: _Places) -> Any:
    """The text with its places filled; the value itself where there is nothing but one place."""
    whole = _PLACE.fullmatch(template)
    if whole:
        return places.value(whole.group(1))
    values = {place: places.value(place) for place in _PLACE.findall(template)}
    if None in values.values():
        return None
    if UNKNOWN in values.values():
        return UNKNOWN
    return _PLACE.sub(lambda found: str(values[found.group(1)]), template)


class _Places:
    """The values of `{places}`."""

    def __init__(self, context: Context) -> None:
        self._context = context
        provider, inputs = context.provider, context.inputs
        self.values: dict[str, Any] = {
            "name": context.name,
            "autoname": f"{context.name}-{context.digest('name').hex()[:7]}",
            "urn_hash": context.digest("").hex(),
            "region": inputs.get("region") or provider.get("region"),
            "zone": inputs.get("zone") or provider.get("zone"),
            "account": _only(provider.get("allowedAccountIds")),
            "subscription": provider.get("subscriptionId"),
            "tenant": provider.get("tenantId") or str(uuid.UUID(int=0)),
            "project": inputs.get("project") or provider.get("project"),
            "world": context.world,
        }

    def value(self, place: str) -> Any:
        """The first of the alternatives `a|b` that has a value, None where none has."""
        for alternative in place.split("|"):
            value = self._single(alternative)
            if value is not None:
                return value
        return None

    def _single(self, place: str) -> Any:
        head, _, rest = place.partition(".")
        if head == "inputs":
            return _inside(self._context.inputs, rest.split("."))
        function, _, argument = place.partition(":")
        if function in _CHOSEN:
            return _CHOSEN[function](self._context, argument)
        return self.values.get(place)


def _inside(value: Any, path: list[str]) -> Any:
    """What stands at a path of names and list indices, None where nothing does."""
    for step in path:
        if value is UNKNOWN or value is None:
            return value
        if isinstance(value, list):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _only(accounts: Any) -> Any:
    return accounts[0] if isinstance(accounts, list) and accounts else accounts


def _hex(context: Context, argument: str) -> str:
    length, _, label = argument.partition(":")
    return context.digest(label).hex()[: int(length)]


def _digits(context: Context, argument: str) -> str:
    length, _, label = argument.partition(":")
    return str(int.from_bytes(context.digest(label), "big"))[-int(length) :]


def _uuid(context: Context, argument: str) -> str:
    return str(uuid.UUID(bytes=context.digest(argument)[:16], version=4))


def _octet(context: Context, argument: str) -> str:
    return str(1 + context.digest(argument)[0] % 254)


_CHOSEN = {"hex": _hex, "digits": _digits, "uuid": _uuid, "octet": _octet}
"""What a cloud would choose at random, each with an optional `:label` for a second one."""
