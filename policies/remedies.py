"""Fixes: pure functions from a resource's properties to properties that pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from policies.values import SIGNATURE, Unknown, WrongShape, unwrap
from policies.view import View

Properties: TypeAlias = Mapping[str, Any]
"""Properties as the engine wrote them, with its marks for secrets and unknown values."""
Fix: TypeAlias = Callable[[Properties], Properties]
"""Returns new properties and leaves the given ones alone; may raise Undeterminable."""
Change: TypeAlias = Callable[[Any], Any]
"""Makes one value of another and leaves that alone; may raise Undeterminable."""


@dataclass(frozen=True)
class Remedy:
    """A fix, and what it means to apply it."""

    fix: Fix
    types: tuple[str, ...] = ()
    """The resource types it is for; none means every type of its check."""
    replaces: bool = False
    """Whether the change could replace the resource; such a fix is applied only where it is asked for."""

    def is_for(self, token: str) -> bool:
        return not self.types or token in self.types


def sets(path: str, value: Any) -> Fix:
    """Return the fix that sets one property.

    Objects on the way are made. Lists on the way mean each of their items; a name that ends in `[]` is of a list, or of
    an object, that is never made: `orderedCacheBehaviors[].viewerProtocolPolicy`.
    """
    return changes(path, lambda _: value)


def changes(path: str, change: Change) -> Fix:
    """Return the fix that changes the value at a path, which may be None; paths are those of `sets`."""
    return lambda properties: _change(properties, path.split("."), change, "")


def at_least(path: str, number: float) -> Fix:
    """Return the fix that raises a number, and leaves one that is higher."""
    return lambda given: given if View(value=given).number(path) >= number else with_value(given, path, number)


def at_most(path: str, number: float) -> Fix:
    """Return the fix that lowers a number; 0, or none at all, means no limit, and is the highest."""
    return lambda given: given if 0 < View(value=given).number(path) <= number else with_value(given, path, number)


def in_turn(*fixes: Fix) -> Fix:
    """Return the fix that applies several, first to last."""

    def all_of_them(properties: Properties) -> Properties:
        for fix in fixes:
            properties = fix(properties)
        return properties

    return all_of_them


def with_value(properties: Properties, path: str, value: Any) -> Properties:
    """Return the properties with `value` at `path`; raises Undeterminable where the path leads nowhere known."""
    return sets(path, value)(properties)


def _change(node: Any, names: Sequence[str], change: Change, where: str) -> Any:
    if not names:
        return change(node)
    if isinstance(node, dict) and SIGNATURE in node:
        if "value" not in node:
            raise Unknown(where, "is encrypted")
        return {**node, "value": _change(node["value"], names, change, where)}
    node = unwrap(node, where)
    if isinstance(node, list):
        return [_change(item, names, change, f"{where}[{index}]") for index, item in enumerate(node)]
    if node is not None and not isinstance(node, dict):
        raise WrongShape(where, "an object", node)
    node, (name, *rest) = node or {}, names
    if name.endswith("[]"):
        name = name.removesuffix("[]")
        if node.get(name) is None:
            return node
    below = f"{where}.{name}" if where else name
    return {**node, name: _change(node.get(name), rest, change, below)}
