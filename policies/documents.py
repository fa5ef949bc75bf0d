"""Values as JSON and YAML: frozen, camelCase, and each fault named with its place."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel


class Part(BaseModel):
    """Frozen; camelCase in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True)


class _Loader(yaml.SafeLoader):
    """YAML in which days stay text, and which refuses a name that stands twice in one entry: which is meant?

    A day that no month has is then a fault of its entry, not of the whole file.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - the library's own
        first: [resolver for resolver in resolvers if resolver[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        for name in names:
            if isinstance(name, str) and names.count(name) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{name} stands here twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load_yaml(text: str) -> Any:
    """Return the document; raises yaml.YAMLError."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader


def first_problem(error: ValidationError) -> str:
    """Describe the first fault that pydantic found: where, and what is wrong, in words of YAML and JSON."""
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].replace("valid tuple", "valid list")
    return f"{where}: {message}" if where else message


def on_one_line(error: Exception) -> str:
    """Return the error's text on one line."""
    return " ".join(str(error).split())
