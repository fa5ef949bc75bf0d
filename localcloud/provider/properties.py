"""Inputs and outputs of one resource, laid over one another and taken apart, object by object.

A cloud returns some inputs in another shape than it takes them: `echoed` knows which.
"""

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
    """`below` with `above` laid over it, object by object; lists of as many objects are merged item by item."""
    return {**below, **{key: _over(below[key], value) if key in below else value for key, value in above.items()}}


def _over(below: Any, above: Any) -> Any:
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return merged(below, above)
    if _are_objects(below, above):
        return [merged(*pair) for pair in zip(below, above, strict=True)]
    return above


def _are_objects(one: Any, other: Any) -> bool:
    """Whether both are lists of equally many objects."""
    are_lists = isinstance(one, list) and isinstance(other, list) and len(one) == len(other)
    return are_lists and all(isinstance(item, Mapping) for item in [*one, *other])


def with_outputs(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Properties:
    """A resource's whole state: its inputs as the cloud gives them back, and what the cloud adds."""
    return merged(echoed(public(inputs)), outputs)


def unknown(value: Any) -> Any:
    """`value` with everything in it unknown, but the places known."""
    return {key: unknown(item) for key, item in value.items()} if isinstance(value, Mapping) and value else UNKNOWN


def without(whole: Mapping[str, Any], part: Mapping[str, Any]) -> Properties:
    """What `whole` has at places where `part` has nothing, so that merging the two gives both."""
    rest = {key: _beyond(value, part[key]) if key in part else value for key, value in whole.items()}
    return {key: value for key, value in rest.items() if key not in part or value}


def _beyond(whole: Any, part: Any) -> Any:
    """What there is of one property over and above `part`; nothing where it is not made of objects."""
    if isinstance(whole, Mapping) and isinstance(part, Mapping):
        return without(whole, part)
    if _are_objects(whole, part):
        rest = [without(*pair) for pair in zip(whole, part, strict=True)]
        return rest if any(rest) else None
    return None


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


AS_MAP = "userAssignedIdentities"
"""Azure takes the identities of a resource as a list, and tells them as a map, with what it knows of each."""


def echoed(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a resource as its outputs."""
    return {key: _identities(value) if key == AS_MAP else _inside(value) for key, value in inputs.items()}


def _inside(value: Any) -> Any:
    if isinstance(value, list):
        return [_inside(item) for item in value]
    return echoed(value) if isinstance(value, Mapping) else value


def _identities(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return UNKNOWN if UNKNOWN in value else {identity: {} for identity in value}
