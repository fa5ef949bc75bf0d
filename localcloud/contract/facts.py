"""What the SDKs do not say: the facts of `localcloud/facts/<package>/<service>.yaml`, read per service when asked for.

The format is told in `localcloud/facts/README.md`. A file that does not keep to it is refused as a whole, with the
file, the type, the key and what is allowed.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from localcloud.contract.problems import is_pattern

FOLDER = Path(__file__).resolve().parent.parent / "facts"
Scalar: TypeAlias = str | int | float | bool
Bounds: TypeAlias = tuple[float | None, float | None]
Template: TypeAlias = Any
"""Text with `{places}`, or a map or list of templates, or a number or truth value as it is."""


class BadFacts(Exception):
    """A facts file does not keep to the format; says where, what it says, and what is allowed."""


class _Loader(yaml.CSafeLoader):
    """YAML that refuses to give one key twice instead of forgetting the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep=deep)
        if len(mapping) < len(node.value):
            raise yaml.constructor.ConstructorError(problem="a key stands here twice", problem_mark=node.start_mark)
        return mapping


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of one resource type over and above its SDK; paths are those of wire names."""

    source: tuple[str, ...]
    replace: tuple[str, ...] = ()
    replace_when_removed: tuple[str, ...] = ()
    ranges: Mapping[str, Bounds] = field(default_factory=dict)
    lengths: Mapping[str, Bounds] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    allowed: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    defaults: Mapping[str, Template] = field(default_factory=dict)
    computed: Mapping[str, Template] = field(default_factory=dict)


def facts_of(token: str) -> Facts | None:
    """The facts of a type, None where there are none."""
    return _service(file_of(token)).get(token)


def common_facts(package: str) -> Facts:
    """What holds for every type of a package that has facts of its own and such a property."""
    return facts_of(f"{package}:*:*") or Facts(source=())


def file_of(token: str) -> Path:
    """The file that holds the facts of a type: the service is the part of the module before a slash."""
    package, module, _ = token.split(":", 2)
    service = "every" if module == "*" else module.partition("/")[0]
    return FOLDER / package / f"{service}.yaml"


@functools.cache
def _service(path: Path) -> Mapping[str, Facts]:
    """All facts of one file, empty where there is no file."""
    return read_facts(path) if path.is_file() else {}


def read_facts(path: Path) -> dict[str, Facts]:
    """All facts of one file; raises BadFacts at the first thing that the format does not know."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise BadFacts(f"{path}: not YAML: {error}") from error
    if not isinstance(document, dict):
        raise BadFacts(f"{path}: expected a map from type token to facts")
    return {token: _facts(path, token, groups) for token, groups in document.items()}


def _facts(path: Path, token: Any, groups: Any) -> Facts:
    """The facts of one type: one group, or a list of groups with a source each."""
    if not isinstance(token, str) or token.count(":") != 2:
        raise BadFacts(f"{path}: {token!r} is no type token such as aws:rds/instance:Instance")
    if file_of(token).name != path.name:
        raise BadFacts(f"{path}: {token}: the facts of this type belong into {file_of(token).name}")
    merged: dict[str, Any] = {}
    for group in groups if isinstance(groups, list) else [groups]:
        for key, value in _group(f"{path}: {token}", group).items():
            merged[key] = _join(f"{path}: {token}: {key}", merged[key], value) if key in merged else value
    return Facts(**merged)


def _join(where: str, first: Any, second: Any) -> Any:
    """What two groups say of one key; each property has one limit or template."""
    if not isinstance(first, Mapping):
        return (*first, *second)
    twice = first.keys() & second.keys()
    if twice:
        raise BadFacts(f"{where}: {min(twice)} stands in two groups")
    return {**first, **second}


def _group(where: str, group: Any) -> dict[str, Any]:
    if not isinstance(group, dict) or not group.get("source"):
        raise BadFacts(f"{where}: every group of facts names its source")
    known = {entry.name for entry in fields(Facts)}
    unknown = set(group) - known
    if unknown:
        raise BadFacts(f"{where}: unknown key {min(unknown)}; known are {', '.join(sorted(known))}")
    return {key: _READERS[key](f"{where}: {key}", value) for key, value in group.items()}


def _sources(where: str, value: Any) -> tuple[str, ...]:
    return _texts(where, [value] if isinstance(value, str) else value)


def _texts(where: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadFacts(f"{where}: expected a list of texts, got {value!r}")
    return tuple(value)


def _paths(where: str, value: Any) -> tuple[str, ...]:
    for path in _texts(where, value):
        _path(where, path)
    return tuple(value)


def _path(where: str, path: Any) -> None:
    if not isinstance(path, str) or not is_pattern(path):
        raise BadFacts(f"{where}: {path!r} is no property path such as spec.containers.image")


def _map(where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadFacts(f"{where}: expected a map from property path, got {value!r}")
    for path in value:
        _path(where, path)
    return value


def _bounds(where: str, value: Any) -> dict[str, Bounds]:
    return {path: _bound(f"{where}: {path}", pair) for path, pair in _map(where, value).items()}


def _bound(where: str, pair: Any) -> Bounds:
    numbers = isinstance(pair, list) and len(pair) == 2 and all(_is_limit(limit) for limit in pair)
    if not numbers or (None not in pair and pair[0] > pair[1]):
        raise BadFacts(f"{where}: expected [lowest, highest] with null for no limit, got {pair!r}")
    return pair[0], pair[1]


def _is_limit(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _patterns(where: str, value: Any) -> dict[str, str]:
    for path, pattern in _map(where, value).items():
        try:
            re.compile(pattern)
        except (re.error, TypeError) as error:
            raise BadFacts(f"{where}: {path}: not a regular expression: {error}") from error
    return dict(value)


def _allowed(where: str, value: Any) -> dict[str, tuple[Scalar, ...]]:
    for path, choices in _map(where, value).items():
        if not isinstance(choices, Sequence) or isinstance(choices, str) or not choices:
            raise BadFacts(f"{where}: {path}: expected a list of allowed values, got {choices!r}")
    return {path: tuple(choices) for path, choices in value.items()}


def _templates(where: str, value: Any) -> dict[str, Template]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise BadFacts(f"{where}: expected a map from output name, got {value!r}")
    return value


_READERS = {
    "source": _sources,
    "replace": _paths,
    "replace_when_removed": _paths,
    "ranges": _bounds,
    "lengths": _bounds,
    "patterns": _patterns,
    "allowed": _allowed,
    "defaults": _templates,
    "computed": _templates,
}
