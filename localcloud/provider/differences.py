"""What differs between two sets of inputs, place by place, and which of it replaces the resource."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from localcloud.contract.problems import ANY

Step: TypeAlias = str | int
Path: TypeAlias = tuple[Step, ...]

PLAIN_KEY = re.compile(r"[A-Za-z_$][\w$-]*")
MISSING = object()


class Kind(Enum):
    """How a place changed."""

    ADD = "ADD"
    DELETE = "DELETE"
    UPDATE = "UPDATE"


@dataclass(frozen=True)
class Change:
    """One place that differs."""

    path: Path
    kind: Kind
    replaces: bool = False

    @property
    def text(self) -> str:
        """The place as the engine writes it, e.g. `tags["cost.centre"]` or `rules[0].port`."""
        return path_text(self.path)


def path_text(path: Path) -> str:
    """A property path in the engine's notation."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step)}]"
    return text


def changes(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    replaced_by: Collection[str] = (),
    replaced_by_removal_of: Collection[str] = (),
) -> list[Change]:
    """The places where `new` differs from `old`; the latter two are patterns of inputs that replace the resource."""
    wanted = [tuple(path.split(".")) for path in replaced_by]
    kept = [tuple(path.split(".")) for path in replaced_by_removal_of]
    return [
        Change(
            path,
            kind,
            replaces=any(_touches(path, values, replacing) for replacing in wanted)
            or any(_takes_away(path, kind, values, needed) for needed in kept),
        )
        for path, kind, values in _walk((), old, new)
    ]


_Difference: TypeAlias = tuple[Path, Kind, tuple[Any, Any]]


def _walk(path: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[_Difference]:
    for key in [*old, *(key for key in new if key not in old)]:
        if not key.startswith("__"):
            yield from _compare((*path, key), old.get(key, MISSING), new.get(key, MISSING))


def _compare(path: Path, old: Any, new: Any) -> Iterator[_Difference]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _walk(path, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from _compare((*path, index), _item(old, index), _item(new, index))
    elif old is MISSING:
        yield path, Kind.ADD, (old, new)
    elif new is MISSING:
        yield path, Kind.DELETE, (old, new)
    elif isinstance(old, bool) != isinstance(new, bool) or old != new:
        yield path, Kind.UPDATE, (old, new)


def _item(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else MISSING


def _touches(path: Path, values: tuple[Any, Any], pattern: tuple[str, ...]) -> bool:
    """Whether a change at `path` changes an input of `pattern`: at it, below it, or by a whole object that holds it."""
    if not pattern:
        return True
    if not path:
        return any(_holds(value, pattern) for value in values)
    step, rest = path[0], path[1:]
    if pattern[0] in (ANY, step):
        return _touches(rest, values, pattern[1:])
    return isinstance(step, int) and _touches(rest, values, pattern)


def _takes_away(path: Path, kind: Kind, values: tuple[Any, Any], pattern: tuple[str, ...]) -> bool:
    """Whether a change removes what stands at `pattern`, by itself or with an object that holds it."""
    names = [step for step in path if not isinstance(step, int)]
    return kind is Kind.DELETE and len(names) <= len(pattern) and _touches(path, values, pattern)


def _holds(value: Any, pattern: tuple[str, ...]) -> bool:
    """Whether there is something at `pattern` in `value`."""
    if not pattern:
        return value is not MISSING
    if isinstance(value, list):
        rest = pattern[1:] if pattern[0] == ANY else pattern
        return any(_holds(item, rest) for item in value)
    if not isinstance(value, Mapping):
        return False
    inner = value.values() if pattern[0] == ANY else [value.get(pattern[0], MISSING)]
    return any(_holds(item, pattern[1:]) for item in inner)
