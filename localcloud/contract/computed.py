"""Outputs that the cloud would choose, rendered from the templates of facts: ids, names of endpoints, defaults.

Everything that is random on a real cloud is here derived from the URN, so that it is the same on every run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from localcloud.contract.contracts import contract_of
from localcloud.contract.facts import Facts, Template, common_facts, facts_of
from localcloud.contract.places import Context, Places
from localcloud.contract.unknown import UNKNOWN

_PLACE = re.compile(r"\{([^{}]+)\}")
_FALLBACK_IDS: Mapping[str, tuple[str, ...]] = {
    "azure-native": ("/subscriptions/{subscription}/resourceGroups/{inputs.resourceGroupName}/{autoname}",),
    "kubernetes": ("{inputs.metadata.namespace}/{inputs.metadata.name}", "{inputs.metadata.name}"),
}
"""Ids for types without facts; nothing but an id is ever made up for them."""


def render(token: str, context: Context) -> dict[str, Any]:
    """The outputs that facts compute, `id` always among them; UNKNOWN where an input that they need is unknown."""
    facts = facts_of(token)
    places = Places(context)
    for name, template in (facts.defaults if facts else {}).items():
        if context.inputs.get(name) is None:
            places.outputs[name] = _rendered(template, places)
    places.outputs["id"] = _identity(token, facts, places)
    for name, template in _templates(token, facts).items():
        value = _rendered(template, places)
        given = context.inputs.get(name)
        places.outputs[name] = _merged(value, given) if isinstance(given, Mapping) else value
    return {name: value for name, value in places.outputs.items() if value is not None}


def _identity(token: str, facts: Facts | None, places: Places) -> Any:
    own = (facts.computed["id"],) if facts and "id" in facts.computed else ()
    alternatives = own or (*_FALLBACK_IDS.get(token.partition(":")[0], ()), "{autoname}")
    return next(value for value in (_rendered(template, places) for template in alternatives) if value is not None)


def _templates(token: str, facts: Facts | None) -> Mapping[str, Template]:
    """The templates of a type, and those of every type of its package that it has an output for."""
    if facts is None:
        return {}
    outputs = contract_of(token).outputs
    common = common_facts(token.partition(":")[0]).computed
    every = {name: template for name, template in common.items() if name in outputs}
    return {name: template for name, template in {**every, **facts.computed}.items() if name != "id"}


def _merged(value: Any, given: Any) -> Any:
    """What the cloud makes of an object: what was given stays, at every depth, and what it chose is added."""
    if not isinstance(value, Mapping) or not isinstance(given, Mapping):
        return given
    return {**given, **{key: _merged(inner, given[key]) if key in given else inner for key, inner in value.items()}}


def _rendered(template: Template, places: Places) -> Any:
    """The value of a template; None where a place of it has no value."""
    if isinstance(template, Mapping):
        inner = {key: _rendered(value, places) for key, value in template.items()}
        return {key: value for key, value in inner.items() if value is not None}
    if isinstance(template, list):
        return [value for value in (_rendered(item, places) for item in template) if value not in (None, {})]
    return _text(template, places) if isinstance(template, str) else template


def _text(template: str, places: Places) -> Any:
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
