"""Inputs and outputs of one resource, laid over one another and taken apart, object by object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from localcloud.contract import UNKNOWN

Properties: TypeAlias = dict[str, Any]

INTERNAL = "__"
"""What keys of the engine and of the providers themselves begin with."""


def public(properties: Mapping[str, Any]) -> Properties:
    """The properties that belong to the resource."""
    return {key: value for key, value in properties.items() if not key.startswith(INTERNAL)}


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> Properties:
    """`below` with `above` laid over it; only objects are merged, everything else is replaced."""
    result = dict(below)
    for key, value in above.items():
        mine = result.get(key)
        result[key] = merged(mine, value) if isinstance(mine, Mapping) and isinstance(value, Mapping) else value
    return result


def echoed(inputs: Any) -> Any:
    """Inputs as a cloud gives them back: Azure takes a resource's identities as a list, and tells them as a map."""
    if isinstance(inputs, list):
        return [echoed(item) for item in inputs]
    if not isinstance(inputs, Mapping):
        return inputs
    return {
        key: _identities(value) if key == "userAssignedIdentities" else echoed(value) for key, value in inputs.items()
    }


def _identities(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return UNKNOWN if UNKNOWN in value else {identity: {} for identity in value}


def unknown(value: Any) -> Any:
    """`value` with everything in it unknown, but the places known."""
    return {key: unknown(item) for key, item in value.items()} if isinstance(value, Mapping) and value else UNKNOWN


def without(whole: Mapping[str, Any], part: Mapping[str, Any]) -> Properties:
    """What `whole` has at places where `part` has nothing."""
    rest = {key: value for key, value in whole.items() if key not in part}
    for key, value in part.items():
        mine = whole.get(key)
        if isinstance(mine, Mapping) and isinstance(value, Mapping) and (inner := without(mine, value)):
            rest[key] = inner
    return rest


def projected(shape: Any, now: Any) -> Any:
    """The part of `now` that lies where `shape` has values: how inputs look after their state has drifted."""
    if isinstance(shape, Mapping) and isinstance(now, Mapping):
        kept = {key: value for key, value in shape.items() if key.startswith(INTERNAL)}
        return kept | {key: projected(value, now[key]) for key, value in public(shape).items() if key in now}
    if isinstance(shape, list) and isinstance(now, Mapping):
        return shape if set(shape) == set(now) else list(now)
    if isinstance(shape, list) and isinstance(now, list) and len(shape) == len(now):
        return [projected(mine, theirs) for mine, theirs in zip(shape, now, strict=True)]
    return now
