"""What is wrong with inputs, and where: problems, property paths, and the patterns of paths that facts use.

A path names one place: `spec.template.spec.containers[0].image`. A pattern names a property wherever it occurs: lists
on the way are skipped (`spec.template.spec.containers.image`), and `*` stands for any key of a map or any item."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
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


def show(value: object) -> str:
    """A value as a message shows it: short, texts in quotes, truth values as the wire spells them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def list_allowed(values: Collection[object]) -> str:
    """The allowed values as a message lists them."""
    listed = _list([show(value) for value in values])
    return f"one of {listed}" if len(values) > 1 else listed


def names(known: Iterable[str]) -> str:
    """The properties of an object as a message lists them."""
    return _list(sorted(known)) or "none"


def explain_unknown_name(name: str, known: Iterable[str]) -> str:
    """That an object has no such property, with the one that was probably meant."""
    meant = get_close_matches(name, known, n=1)
    return f"unknown property{f', did you mean {meant[0]}?' if meant else ''}; known are {names(known)}"


def _list(texts: list[str]) -> str:
    more = f" and {len(texts) - MOST_LISTED} more" if len(texts) > MOST_LISTED else ""
    return ", ".join(texts[:MOST_LISTED]) + more


_PATTERN = re.compile(r"([\w$-]+|\*)(\.([\w$-]+|\*))*")
_PLAIN_KEY = re.compile(r"[\w$-]+")
ANY = "*"


def is_pattern(text: str) -> bool:
    """Whether `text` is a pattern: names and `*` joined by dots."""
    return _PATTERN.fullmatch(text) is not None


def join(path: str, key: str) -> str:
    """The path of property `key` of what stands at `path`; a key with dots or brackets is quoted."""
    if not _PLAIN_KEY.fullmatch(key):
        quoted = key.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{quoted}"]'
    return f"{path}.{key}" if path else key


def select(pattern: str, document: Any) -> Iterator[tuple[str, Any]]:
    """Every value of `document` that `pattern` means, each with its own path."""
    return _select(tuple(pattern.split(".")), document, "")


def _select(names: tuple[str, ...], value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not names:
        yield path, value
    elif isinstance(value, list):
        remaining = names[1:] if names[0] == ANY else names
        for index, item in enumerate(value):
            yield from _select(remaining, item, f"{path}[{index}]")
    elif isinstance(value, Mapping):
        for key in value if names[0] == ANY else names[:1]:
            if key in value:
                yield from _select(names[1:], value[key], join(path, key))


def items(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The value itself, or each item where it is a list."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from items(f"{path}[{index}]", item)
    else:
        yield path, value
