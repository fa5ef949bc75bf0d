"""Outputs that the cloud would choose, rendered from the templates of facts: ids, names of endpoints, defaults.

A template is text with `{placeholders}`: inputs, settings of the provider, and what a cloud would choose at random.
The random parts are derived from the URN here, so they are the same on every run."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.contract.contracts import contract_of
from localcloud.contract.facts import Facts, Template, common_facts, facts_of
from localcloud.contract.type_expr import UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the templates of one resource can speak of."""

    urn: str
    inputs: Mapping[str, Any]
    """Checked inputs; UNKNOWN where a preview does not know yet."""
    provider: Mapping[str, Any]
    """The configuration of the provider instance, nested settings decoded."""
    mode: str
    """`local` or `rehearsal`: the domain under which simulated clusters answer."""

    @property
    def name(self) -> str:
        """The resource's logical name."""
        return self.urn.rpartition("::")[2]

    def digest(self, label: str) -> bytes:
        """Bytes that belong to this URN and label alone."""
        return hashlib.sha256(f"{self.urn}\n{label}".encode()).digest()


class Placeholders:
    """The values that the places of one resource's templates have; None for one that has none."""

    def __init__(self, context: Context) -> None:
        self.outputs: dict[str, Any] = {}
        """The outputs rendered so far."""
        self._context = context
        provider, inputs = context.provider, context.inputs
        project = inputs.get("project") or provider.get("project")
        self._settings: dict[str, Any] = {
            "name": context.name,
            "autoname": f"{context.name}-{context.digest('name').hex()[:7]}",
            "urn_hash": context.digest("").hex(),
            "region": inputs.get("region") or provider.get("region"),
            "zone": inputs.get("zone") or provider.get("zone"),
            "account": _only(provider.get("allowedAccountIds")),
            "subscription": provider.get("subscriptionId"),
            "tenant": provider.get("tenantId") or str(uuid.UUID(int=0)),
            "project": project,
            "project_number": _project_number(project),
            "mode": context.mode,
        }

    def value(self, place: str) -> Any:
        """The first of the alternatives `a|b` that has a value."""
        values = (self._single(alternative) for alternative in place.split("|"))
        return next((value for value in values if value is not None), None)

    def _single(self, place: str) -> Any:
        if place.startswith("="):
            return place[1:]
        function, _, argument = place.partition(":")
        if function in _CHOSEN:
            return _CHOSEN[function](self._context, argument)
        if argument and function in _OF_VALUES:
            value = self._single(argument.rpartition(":")[2])
            return value if value in (None, UNKNOWN) else _OF_VALUES[function](value, argument)
        head, _, rest = place.partition(".")
        if head == "inputs":
            return inside(self._context.inputs, rest.split("."))
        if head == "outputs":
            return inside({**self.outputs, **self._context.inputs}, rest.split("."))
        return self.outputs["id"] if place == "id" else self._settings.get(place)


def inside(value: Any, path: list[str]) -> Any:
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


def _project_number(project: Any) -> Any:
    """Twelve digits that belong to a Google project's name."""
    if not isinstance(project, str):
        return project
    return str(int.from_bytes(hashlib.sha256(project.encode()).digest(), "big"))[:12]


def _hex(context: Context, argument: str) -> str:
    length, _, label = argument.partition(":")
    return context.digest(label).hex()[: int(length)]


def _base32(context: Context, argument: str) -> str:
    length, _, label = argument.partition(":")
    return base64.b32encode(context.digest(label)).decode()[: int(length)]


def _digits(context: Context, argument: str) -> str:
    length, _, label = argument.partition(":")
    return str(int.from_bytes(context.digest(label), "big"))[-int(length) :]


def _uuid(context: Context, argument: str) -> str:
    return str(uuid.UUID(bytes=context.digest(argument)[:16], version=4))


def _octet(context: Context, argument: str) -> str:
    return str(1 + context.digest(argument)[0] % 254)


def _when(value: Any, _: str) -> str | None:
    return "" if value else None


def _host(network: Any, argument: str) -> str:
    return str(ipaddress.ip_network(network, strict=False)[int(argument.partition(":")[0])])


def _last(value: Any, _: str) -> str:
    return str(value).rpartition("/")[2]


def _first_label(value: Any, _: str) -> str:
    return str(value).partition(".")[0]


def _without_scheme(value: Any, _: str) -> str:
    return str(value).partition("://")[2]


_CHOSEN: Mapping[str, Callable[[Context, str], str]] = {
    "hex": _hex,
    "base32": _base32,
    "digits": _digits,
    "uuid": _uuid,
    "octet": _octet,
}
"""What a cloud would choose at random, each with an optional `:label` for a second one."""

_OF_VALUES: Mapping[str, Callable[[Any, str], str | None]] = {
    "when": _when,
    "host": _host,
    "last": _last,
    "first_label": _first_label,
    "without_scheme": _without_scheme,
}
"""Functions of another place, e.g. `{last:inputs.role}`."""


_PLACE = re.compile(r"\{([^{}]+)\}")
_FALLBACK_IDS: Mapping[str, tuple[str, ...]] = {
    "azure-native": ("/subscriptions/{subscription}/resourceGroups/{inputs.resourceGroupName}/{autoname}",),
    "kubernetes": ("{inputs.metadata.namespace}/{inputs.metadata.name}", "{inputs.metadata.name}"),
}
"""Ids for types without facts; nothing but an id is ever made up for them."""


def render(token: str, context: Context) -> dict[str, Any]:
    """The outputs that facts compute, `id` always among them; UNKNOWN where an input that they need is unknown."""
    facts = facts_of(token)
    places = Placeholders(context)
    for name, template in (facts.defaults if facts else {}).items():
        if context.inputs.get(name) is None:
            places.outputs[name] = _render(template, places)
    places.outputs["id"] = _identity(token, facts, places)
    for name, template in _templates(token, facts).items():
        value = _render(template, places)
        given = context.inputs.get(name)
        places.outputs[name] = _merge(value, given) if isinstance(given, Mapping) else value
    return {name: value for name, value in places.outputs.items() if value is not None}


def _identity(token: str, facts: Facts | None, places: Placeholders) -> Any:
    own = (facts.computed["id"],) if facts and "id" in facts.computed else ()
    alternatives = own or (*_FALLBACK_IDS.get(token.partition(":")[0], ()), "{autoname}")
    return next(value for value in (_render(template, places) for template in alternatives) if value is not None)


def _templates(token: str, facts: Facts | None) -> Mapping[str, Template]:
    """The templates of a type, and those of every type of its package that it has an output for."""
    if facts is None:
        return {}
    outputs = contract_of(token).outputs
    common = common_facts(token.partition(":")[0]).computed
    every = {name: template for name, template in common.items() if name in outputs}
    return {name: template for name, template in {**every, **facts.computed}.items() if name != "id"}


def _merge(value: Any, given: Any) -> Any:
    """What the cloud makes of an object: what was given stays, at every depth, and what it chose is added."""
    if not isinstance(value, Mapping) or not isinstance(given, Mapping):
        return given
    return {**given, **{key: _merge(inner, given[key]) if key in given else inner for key, inner in value.items()}}


def _render(template: Template, places: Placeholders) -> Any:
    """The value of a template; None where a place of it has no value."""
    if isinstance(template, Mapping):
        inner = {key: _render(value, places) for key, value in template.items()}
        return {key: value for key, value in inner.items() if value is not None}
    if isinstance(template, list):
        return [value for value in (_render(item, places) for item in template) if value not in (None, {})]
    return _text(template, places) if isinstance(template, str) else template


def _text(template: str, places: Placeholders) -> Any:
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
