"""What a check answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a resource's inputs: where, and what was expected."""

    path: str
    message: str


@dataclass(frozen=True)
class Checked:
    """Inputs as the cloud takes them, and what is wrong with them."""

    inputs: Mapping[str, Any]
    problems: tuple[Problem, ...] = ()


def shown(value: object) -> str:
    """A value as a message shows it: short, texts in quotes, truth values as the wire spells them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def one_of(values: tuple[object, ...]) -> str:
    """The allowed values as a message lists them."""
    listed = ", ".join(shown(value) for value in values[:12])
    more = f" and {len(values) - 12} more" if len(values) > 12 else ""
    return f"one of {listed}{more}" if len(values) > 1 else listed
