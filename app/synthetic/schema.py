"""What a record holds, and in which order its columns are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

import pyarrow as pa
import pyarrow.compute as pc

from app.synthetic.chunks import Chunk
from app.synthetic.columns import Column, Expanding, FromFields, Joint, Needed
from app.synthetic.errors import BrokenColumn, InvalidSchema, SchemaCycle, UnknownField, placed, require
from app.synthetic.numbers.correlation import Correlated, copula_of
from app.synthetic.registry import kinds

CORRELATIONS = "correlations"
"""Name of the hidden draw that correlated fields share."""


@dataclass(frozen=True)
class Field:
    """A column of a record, or a hidden one that others need; raises ImpossibleParameters."""

    name: str
    column: Column
    nulls: float = 0.0
    """Share of values that are missing, 0 to 1."""
    hidden: bool = False

    def __post_init__(self) -> None:
        require(0 <= self.nulls <= 1, f"nulls is {self.nulls}: it is a share, from 0 to 1")

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        """Make the field's values of a chunk; raise BrokenColumn where they break the column's promise."""
        values = self.column.make(chunk, needed)
        rows = len(values) if isinstance(self.column, Expanding) else chunk.rows
        if len(values) != rows or values.type != self.column.type:
            raise BrokenColumn(
                f"{type(self.column).__name__} made {len(values)} values of {values.type},"
                f" not {rows} of {self.column.type}"
            )
        return without(values, chunk.rng("nulls").random(chunk.rows) < self.nulls) if self.nulls else values


@dataclass(frozen=True)
class Schema:
    """Fields of a record; raises SchemaCycle, UnknownField and InvalidSchema when it is made.

    A joint draw that a field needs and that is not among `fields` is added with its default parameters.
    """

    name: str
    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        with placed(self.place()):
            self._check()
            _ = self.order

    @cached_property
    def arrow(self) -> pa.Schema:
        """The record's columns as Arrow types."""
        return pa.schema([pa.field(field.name, field.column.type) for field in self.visible])

    @cached_property
    def visible(self) -> tuple[Field, ...]:
        """The fields that a record shows, in its order."""
        return tuple(field for field in self.fields if not field.hidden)

    @cached_property
    def expanding(self) -> Expanding | None:
        """The draw that decides how many rows there are, if the schema has one."""
        return next((field.column for field in self.order if isinstance(field.column, Expanding)), None)

    @cached_property
    def order(self) -> tuple[Field, ...]:
        """All fields that are made, each after those that it needs."""
        known = self._complete()
        try:
            order = TopologicalSorter({name: field.column.needs for name, field in known.items()}).static_order()
            found = [known[name] for name in order]
        except CycleError as error:
            raise SchemaCycle(reversed(error.args[1])) from None
        return tuple(sorted(found, key=lambda field: not isinstance(field.column, Expanding)))

    def place(self, field: str = "") -> str:
        """Return the name of the schema, or of one of its fields, for errors."""
        return f"schema {self.name}, field {field}" if field else f"schema {self.name}"

    def correlated(self, pairs: Mapping[str, Mapping[str, float]]) -> Schema:
        """Return the same schema with Spearman's correlations between pairs of its fields: `{"age": {"income": 0.4}}`.

        Raises UnknownField and ImpossibleParameters.
        """
        with placed(f"{self.place()}, {CORRELATIONS}"):
            copula = copula_of(pairs, [field.name for field in self.fields])
        return Schema(
            self.name,
            (
                Field(CORRELATIONS, copula, hidden=True),
                *(self._bound(field) if field.name in copula.names else field for field in self.fields),
            ),
        )

    def check_rows(self, rows: int) -> None:
        """Raise ImpossibleParameters where a field cannot make so many."""
        for field in self.order:
            most = field.column.capacity
            with placed(self.place(field.name)):
                require(most is None or rows <= most, f"{rows} rows want different values, and there are {most}")

    def make(self, chunk: Chunk) -> pa.RecordBatch:
        """Make the records of a chunk; of a chunk of subjects where the schema has an expanding draw."""
        made = self._made(chunk, self.order)
        return pa.RecordBatch.from_arrays([made[field.name] for field in self.visible], schema=self.arrow)

    def columns(self, chunk: Chunk, names: Iterable[str]) -> dict[str, pa.Array]:
        """Make some columns of a chunk, hidden ones too, as in a full run; raise UnknownField."""
        wanted = list(names)
        known = {field.name: field for field in self.order}
        needed: set[str] = set()
        while wanted:
            name = wanted.pop()
            if name not in known:
                raise UnknownField("field", name, known, place=self.place())
            if name not in needed:
                needed.add(name)
                wanted += known[name].column.needs
        return self._made(chunk, [field for field in self.order if field.name in needed])

    def _made(self, chunk: Chunk, fields: Iterable[Field]) -> dict[str, pa.Array]:
        made: dict[str, pa.Array] = {}
        for field in fields:
            with placed(self.place(field.name)):
                needed = {name: made[name] for name in field.column.needs}
                made[field.name] = field.make(chunk.of(field.name), needed)
                if isinstance(field.column, Expanding):
                    chunk = chunk.expanded(len(made[field.name]))
        return made

    def _check(self) -> None:
        names = [field.name for field in self.fields]
        if len(set(names)) < len(names):
            raise InvalidSchema(f"a field's name is used twice: {', '.join(names)}")
        if not self.visible:
            raise InvalidSchema("it has no field to show")
        for field in self.visible:
            if isinstance(field.column, Joint):
                raise InvalidSchema(
                    "is drawn for other fields only: list it under `hidden`", place=self.place(field.name)
                )
        self._check_expanding()
        for field in self.fields:
            if not isinstance(field.column, _joint_kind(field.name) or Column):
                raise InvalidSchema(
                    "has the name of a joint draw, which others would take it for: rename it",
                    place=self.place(field.name),
                )

    def _check_expanding(self) -> None:
        found = [field for field in self.order if isinstance(field.column, Expanding)]
        if len(found) > 1:
            names = " and ".join(field.name for field in found)
            raise InvalidSchema(f"{names} all say how many rows there are: keep one")
        for field in found:
            if field.nulls or field.column.needs:
                place = self.place(field.name)
                raise InvalidSchema("is made first, and whole: it has no nulls and needs nothing", place=place)

    def _bound(self, field: Field) -> Field:
        with placed(self.place(field.name)):
            return replace(field, column=Correlated(name=field.name, column=field.column, copula=CORRELATIONS))

    def _complete(self) -> dict[str, Field]:
        """Return the fields by name, with the joint draws that they need but the schema does not list."""
        known = {field.name: field for field in self.fields}
        waiting = list(known.values())
        while waiting:
            field = waiting.pop()
            for name in field.column.needs:
                needed = self._needed(field, name, known)
                if name not in known:
                    known[name] = needed
                    waiting.append(needed)
        return known

    def _needed(self, field: Field, name: str, known: Mapping[str, Field]) -> Field:
        from_fields = isinstance(field.column, FromFields)
        joint = None if from_fields else _joint_kind(name)
        found = Field(name, joint(), hidden=True) if joint and name not in known else known.get(name)
        if found is None or (from_fields and isinstance(found.column, Joint)):
            shown = [each for each, other in known.items() if not isinstance(other.column, Joint)]
            raise UnknownField("field", name, shown, place=self.place(field.name))
        return found


def _joint_kind(name: str) -> type[Column] | None:
    """Return the kind of joint draws with that name, if any."""
    found = kinds().get(name)
    return found if found is not None and issubclass(found, Joint) else None


def without(values: pa.Array, missing: object) -> pa.Array:
    """Return the values, null where `missing` (booleans) is true."""
    if pa.types.is_dictionary(values.type):
        return pa.DictionaryArray.from_arrays(without(values.indices, missing), values.dictionary)
    return pc.if_else(pa.array(missing), pa.scalar(None, values.type), values)
