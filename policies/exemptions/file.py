"""Exemptions in a YAML file: a list of entries, each judged for itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from policies.exemptions.exemption import Exemption, Origin
from policies.exemptions.exemptions import Exemptions, Problem


def read_exemptions(path: Path) -> Exemptions:
    """The file's exemptions. A file or entry that cannot be understood exempts nothing and is a problem."""
    try:
        document = loaded(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return Exemptions(problems=(Problem(str(path), f"cannot be read: {_line(error)}"),))
    if document is None:
        return Exemptions()
    if not isinstance(document, list):
        return Exemptions(problems=(Problem(str(path), "must be a list of exemptions"),))
    return parsed(document, str(path), "file")


def loaded(text: str) -> Any:
    """The document; raises YAMLError, also for a name that stands twice in one entry: which was meant?"""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader


class _Loader(yaml.SafeLoader):
    """Days stay text: a day that no month has is then a fault of its entry, not of the whole file."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the library's own
        first: [one for one in resolvers if one[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        for name in names:
            if isinstance(name, str) and names.count(name) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{name} stands there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def parsed(document: list[Any], where: str, origin: Origin) -> Exemptions:
    """Entries that were read from somewhere; `where` is for messages."""
    entries, problems = [], []
    for number, entry in enumerate(document, start=1):
        try:
            given = {**entry, "origin": origin} if isinstance(entry, dict) else entry
            entries.append(Exemption.model_validate(given))
        except ValidationError as error:
            problems.append(Problem(f"{where}, entry {number}", _first(error)))
    return Exemptions(tuple(entries), tuple(problems))


def _first(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {problem['msg']}" if where else problem["msg"]


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
