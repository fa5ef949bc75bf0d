"""What a check answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

MOST_LISTED = 16
LONGEST_SHOWN = 60


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
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def one_of(values: Collection[object]) -> str:
    """The allowed values as a message lists them."""
    listed = _listed([shown(value) for value in values])
    return f"one of {listed}" if len(values) > 1 else listed


def names(known: Iterable[str]) -> str:
    """The properties of an object as a message lists them."""
    return _listed(sorted(known)) or "none"


def unknown_name(name: str, known: Iterable[str]) -> str:
    """That an object has no such property, with the one that was probably meant."""
    meant = get_close_matches(name, known, n=1)
    return f"unknown property{f', did you mean {meant[0]}?' if meant else ''}; known are {names(known)}"


def _listed(texts: list[str]) -> str:
    more = f" and {len(texts) - MOST_LISTED} more" if len(texts) > MOST_LISTED else ""
    return ", ".join(texts[:MOST_LISTED]) + more
