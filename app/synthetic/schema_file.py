"""Schemas as YAML files: those that ship, and anybody's own."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from app.synthetic.errors import InvalidSchema, NoSchemaFile, SyntheticError, UnknownSchema, placed
from app.synthetic.registry import column_of
from app.synthetic.schema import Field, Schema

SHIPPED = Path(__file__).parent / "schemas"


class SchemaFile(BaseModel):
    """The contents of a schema file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    fields: dict[str, Any]
    """From the name of a field to the name of its kind, or to a mapping: `kind`, its parameters, and `nulls`."""
    hidden: dict[str, Any] = {}
    """The same for columns that others need and no record shows: joint draws above all."""
    correlations: dict[str, dict[str, float]] = {}
    """Spearman's correlations of pairs of fields: `{age: {income: 0.4}}`."""


class SchemaLoader(yaml.SafeLoader):
    """Safe YAML that refuses what would otherwise be lost, the first of two values of one key, or would never end."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a node; raise InvalidSchema for an alias of a node that contains it."""
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            node = self.anchors.get(event.anchor)
            if isinstance(node, yaml.CollectionNode) and node.end_mark is None:
                line = event.start_mark.line + 1 if event.start_mark else 0
                raise InvalidSchema(f"line {line}: {event.anchor!r} stands within itself, so it would never end")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Construct a mapping; raise InvalidSchema for a repeated key."""
        known: set[object] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in known:
                    raise InvalidSchema(f"line {key.start_mark.line + 1}: {key.value!r} is given twice")
                known.add(key.value)
        return super().construct_mapping(node, deep=deep)


def shipped() -> list[str]:
    """Return the names of the shipped schemas."""
    return sorted(file.stem for file in SHIPPED.glob("*.yaml"))


def schema_named(name: str) -> Schema:
    """Read a shipped schema or a schema file; raise UnknownSchema and what `parse_schema` raises."""
    file = SHIPPED / f"{name}.yaml" if name in shipped() else Path(name)
    if not file.is_file():
        raise _not_there(name)
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidSchema(f"is no text in UTF-8: {error}", place=name) from None
    return parse_schema(text, source=name)


def _not_there(name: str) -> SyntheticError:
    """Return the error for a name or a path that does not exist."""
    if Path(name).suffix or len(Path(name).parts) > 1:
        return NoSchemaFile("there is no such file", place=name)
    return UnknownSchema("schema", name, shipped())


def parse_schema(text: str, *, source: str = "schema") -> Schema:
    """Parse a schema in YAML; raise InvalidSchema and, with the field's place, any error of its columns."""
    with placed(source):
        try:
            loaded = yaml.load(text, SchemaLoader)  # noqa: S506  it is a safe one
            if not isinstance(loaded, Mapping):
                raise InvalidSchema("holds no mapping; write lines such as `name: x` and `fields: {id: uuid}`")
            file = SchemaFile.model_validate(loaded)
        except RecursionError:
            raise InvalidSchema("is nested too deeply to be read") from None
        except yaml.YAMLError as error:
            raise InvalidSchema(f"is no YAML: {' '.join(str(error).split())}") from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise InvalidSchema(f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}") from None
    columns = [
        *(_field(file.name, name, given, hidden=True) for name, given in file.hidden.items()),
        *(_field(file.name, name, given, hidden=False) for name, given in file.fields.items()),
    ]
    schema = Schema(file.name, tuple(columns))
    return schema.correlated(file.correlations) if file.correlations else schema


def _field(schema: str, name: str, given: Any, *, hidden: bool) -> Field:
    with placed(f"schema {schema}, field {name}"):
        nulls = 0.0
        if isinstance(given, Mapping) and "nulls" in given:
            nulls = given["nulls"]
            given = {key: value for key, value in given.items() if key != "nulls"}
        if isinstance(nulls, bool) or not isinstance(nulls, int | float):
            raise InvalidSchema(f"nulls is {nulls!r}: it is a share, from 0 to 1")
        return Field(name, column_of(given), nulls=nulls, hidden=hidden)
