"""Property paths as messages write them, and the patterns of them that facts use.

A path names one place: `spec.template.spec.containers[0].image`. A pattern names a property wherever it occurs: lists
on the way are passed over (`spec.template.spec.containers.image`), and `*` stands for any key of a map or any item.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

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
