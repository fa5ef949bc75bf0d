"""Checks of a single property, as data: a row names resource type, property path, expected value, what absence means.

check_properties(
    encrypted,
    Property("aws:efs/fileSystem:FileSystem", "encrypted", ON, fix=True, replaces=True),
    Property("aws:kinesis/stream:Stream", "encryptionType", "KMS", absent="NONE"),
)
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from policies.control import Check, Control, applies_to, fixed_by
from policies.remedies import sets
from policies.resource import Resource
from policies.verdicts import Verdict, passes_if
from policies.view import View


class State(enum.Enum):
    """What is expected of a property that is no text."""

    ON = "on"
    OFF = "off"
    SET = "set"
    """A text, such as the name of a key, that is not empty."""


ON, OFF, SET = State
NO_FIX = object()
Expected: TypeAlias = State | str | tuple[str, ...] | Callable[[View, str], Verdict]
"""A state, one text or several, or a function of the resource and the path."""


@dataclass(frozen=True)
class Property:
    """One property of one resource type, or of several, that must have an expected value."""

    types: str | tuple[str, ...]
    path: str
    expected: Expected
    absent: str | bool | None = None
    """The value that the cloud takes where the property is absent; without one, absence is not as expected."""
    name: str = ""
    """What the reason calls the property; its last name where nothing is given."""
    found: str = ""
    """The whole reason, where it is not the name and the value."""
    fix: Any = NO_FIX
    """The value that the fix sets."""
    replaces: bool = False
    """Whether the fix could replace the resource."""

    def judge(self, resource: Resource) -> Verdict:
        """Compare the property with what is expected; raises Undeterminable."""
        name = self.name or self.path.rpartition(".")[2]
        if callable(self.expected):
            return self.expected(resource, self.path)
        if self.expected is SET:
            return passes_if(resource.has(self.path), self.found or f"{name} is not set")
        if isinstance(self.expected, State):
            on = resource.flag(self.path, default=bool(self.absent))
            return passes_if(on is (self.expected is ON), self.found or f"{name} is {'on' if on else 'off'}")
        value = resource.text(self.path, str(self.absent or "not set"))
        allowed = (self.expected,) if isinstance(self.expected, str) else self.expected
        return passes_if(value in allowed, self.found or f"{name} is {value}")


def check_properties(control: Control, *properties: Property) -> tuple[Check, ...]:
    """Return a check of the control for each property."""
    return tuple(control(_declare(row)) for row in properties)


def _declare(row: Property) -> Any:
    def judge(resource: Resource) -> Verdict:
        return row.judge(resource)

    judge.__name__ = f"check of {row.path}"
    types = (row.types,) if isinstance(row.types, str) else row.types
    declaration = applies_to(*types, reads=[row.path])(judge)
    if row.fix is NO_FIX:
        return declaration
    return fixed_by(sets(row.path, row.fix), replaces=row.replaces)(declaration)
