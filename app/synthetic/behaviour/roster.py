"""The people that other rows are about: records of another schema, made again as they are there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

import pyarrow as pa

from app.synthetic.chunks import ROWS, Chunk
from app.synthetic.errors import SchemaCycle, UnknownField, require
from app.synthetic.places.kinds import Place
from app.synthetic.schema import Field, Schema
from app.synthetic.schema_file import schema_named

PLACE = "place"
KEPT = 4
"""Chunks of people that are kept: those that workers are at."""
_loading: ContextVar[tuple[str, ...]] = ContextVar("loading", default=())


class Roster:
    """Some fields of the records of a schema, by their numbers in a data set of the same seed.

    They are the records of a data set with chunks of the usual size. If there are not `people` of them but more, or
    fewer, those of the last chunk may be others. Raises what loading the schema raises, SchemaCycle, UnknownField and
    ImpossibleParameters.
    """

    def __init__(self, of: str, fields: tuple[str, ...], people: int | None) -> None:
        require(people is None or people > 0, f"people is {people}: it must be above 0")
        with _once(of):
            self.schema = _with_places(schema_named(of))
        known = {field.name: field.column.type for field in self.schema.order}
        for name in fields:
            if name not in known:
                raise UnknownField("field", name, known, place=self.schema.place())
        require(self.schema.expanding is None, f"of is {of}: nobody knows how many records that has")
        self.fields = fields
        self.types = {name: known[name] for name in fields}
        self.people = people
        self._made = lru_cache(KEPT)(self._make)

    def records(self, start: int, rows: int, seed: int) -> dict[str, pa.Array]:
        """Make the fields of `rows` records."""
        chunks = [self._made(index, seed) for index in range(start // ROWS, -(-(start + rows) // ROWS))]
        skipped = start // ROWS * ROWS
        return {
            name: pa.concat_arrays([chunk[name] for chunk in chunks]).slice(start - skipped, rows)
            for name in self.fields
        }

    def _make(self, index: int, seed: int) -> dict[str, pa.Array]:
        start = index * ROWS
        rows = ROWS if self.people is None else min(ROWS, self.people - start)
        return self.schema.columns(Chunk(index, start, rows, seed), self.fields)


def _with_places(schema: Schema) -> Schema:
    """Return the schema with a draw of places, as if it showed one."""
    if any(field.name == PLACE for field in schema.order):
        return schema
    return Schema(schema.name, (*schema.fields, Field(PLACE, Place(), hidden=True)))


@contextmanager
def _once(of: str) -> Iterator[None]:
    """Raise SchemaCycle where a schema's people are its own records, directly or not."""
    loading = (*_loading.get(), of)
    if of in _loading.get():
        raise SchemaCycle(loading)
    token = _loading.set(loading)
    try:
        yield
    finally:
        _loading.reset(token)
