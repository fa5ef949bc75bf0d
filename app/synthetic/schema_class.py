"""Schemas as dataclasses: what a field holds stands in its annotation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, get_type_hints

from app.synthetic.columns import Column
from app.synthetic.errors import InvalidSchema, placed
from app.synthetic.registry import column_of
from app.synthetic.schema import Field, Schema


@dataclass(frozen=True)
class Nulls:
    """In an annotation: the share of values that are missing."""

    share: float


def schema_of(
    record: type,
    *,
    name: str | None = None,
    hidden: Mapping[str, Column] | None = None,
    correlations: Mapping[str, Mapping[str, float]] | None = None,
) -> Schema:
    """Return the schema of a dataclass such as

        @dataclass
        class Customer:
            id: Annotated[str, Uuid()]
            plan: Annotated[str | None, Choice(values=["basic", "plus"]), Nulls(0.1)]
            email: Annotated[str, "person.email"]

    `hidden` are columns that others need and no record shows. Raises what a schema file with the same would raise.
    """
    name = name or record.__name__.lower()
    if not is_dataclass(record):
        raise InvalidSchema(f"{record.__name__} is no dataclass", place=f"schema {name}")
    hints = get_type_hints(record, include_extras=True)
    schema = Schema(
        name,
        (
            *(Field(each, column, hidden=True) for each, column in (hidden or {}).items()),
            *(_field(name, field.name, getattr(hints[field.name], "__metadata__", ())) for field in fields(record)),
        ),
    )
    return schema.correlated(correlations) if correlations else schema


def _field(schema: str, name: str, annotations: tuple[Any, ...]) -> Field:
    with placed(f"schema {schema}, field {name}"):
        columns = [annotation for annotation in annotations if isinstance(annotation, Column | str | Mapping)]
        if len(columns) != 1:
            raise InvalidSchema("its annotation must name one column: Annotated[str, Uuid()]")
        column = columns[0] if isinstance(columns[0], Column) else column_of(columns[0])
        nulls = [annotation.share for annotation in annotations if isinstance(annotation, Nulls)]
        return Field(name, column, nulls=nulls[0] if nulls else 0.0)
