"""Streams a data set into tables of PostgreSQL, by COPY."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle
from typing import TypeAlias

import psycopg
import pyarrow as pa
from psycopg import sql

from app.synthetic.errors import CannotWrite
from app.synthetic.generate import DataSet
from app.synthetic.schema import Schema
from app.synthetic.sinks.files import Progress, watched
from app.synthetic.sinks.formats import csv_rows

Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]
TYPES: Mapping[pa.DataType, str] = {
    pa.bool_(): "boolean",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.date32(): "date",
    pa.timestamp("us", "UTC"): "timestamptz",
}


def copy_into(connections: Sequence[Connection], table: str, data: DataSet, progress: Progress | None = None) -> int:
    """Copy a data set into a table, chunk by chunk across databases; return the number of bytes sent.

    A database takes all of its share or nothing, and none is committed before all have taken theirs. The table is
    `name` or `schema.name`, and is made where it is missing; one that is there must have columns of the fields' names,
    of types that read their text (`uuid` reads identifiers). CSV it is, because Arrow writes that without a loop over
    rows. Raises CannotWrite, and what making the data raises.
    """
    sent = 0
    try:
        with ExitStack() as transactions:
            for connection in connections:
                transactions.enter_context(connection.transaction())
            with ExitStack() as ends:
                copies = [ends.enter_context(_copying(connection, table, data.schema)) for connection in connections]
                for piece, copy in zip(watched(data, csv_rows, progress), cycle(copies)):
                    copy.write(memoryview(piece))
                    sent += piece.size
    except psycopg.Error as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CannotWrite(f"could not be loaded: {reason}", place=f"table {table}") from error
    return sent


@contextmanager
def _copying(connection: Connection, table: str, schema: Schema) -> Iterator[psycopg.Copy]:
    with connection.cursor() as cursor:
        cursor.execute(_create(table, schema))
        with cursor.copy(_copy(table, schema)) as copy:
            yield copy


def _create(table: str, schema: Schema) -> sql.Composed:
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(_type(field.type))) for field in schema.arrow
    ]
    return sql.SQL("create table if not exists {} ({})").format(_identifier(table), sql.SQL(", ").join(columns))


def _copy(table: str, schema: Schema) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, schema.arrow.names))
    return sql.SQL("copy {} ({}) from stdin (format csv)").format(_identifier(table), names)


def _identifier(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))


def _type(of: pa.DataType) -> str:
    """Return the column type for these values; text for all others."""
    return TYPES.get(of.value_type if pa.types.is_dictionary(of) else of, "text")
