"""Formats of files: what a worker makes of a batch, and how that becomes a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from app.synthetic.errors import UnknownFormat
from app.synthetic.sinks.text import json_text, moment_text

ROW_GROUP = 1 << 17
"""Rows of a group in Parquet, at least: small groups make large files that are slow to read."""


class Format(Protocol):
    """One format of files."""

    def encode(self, batch: pa.RecordBatch) -> Any:
        """Encode a batch; several workers call this at a time."""

    def writer(self, file: BinaryIO, schema: pa.Schema) -> AbstractContextManager[Callable[[Any], object]]:
        """Begin and end a file; the given function writes the encoded batches in order."""


class Csv:
    """Comma-separated values as PostgreSQL reads them: a missing value is empty, an empty text is `""`."""

    def encode(self, batch: pa.RecordBatch) -> pa.Buffer:
        """Encode the rows, without the names."""
        return csv_rows(batch)

    @contextmanager
    def writer(self, file: BinaryIO, schema: pa.Schema) -> Iterator[Callable[[pa.Buffer], object]]:
        """Write the names first."""
        file.write(csv_rows(schema.empty_table(), header=True))
        yield file.write


class JsonLines:
    """One JSON object a line."""

    def encode(self, batch: pa.RecordBatch) -> pa.Buffer:
        """Join the lines column by column in Arrow, because orjson needs a dict of every row."""
        pieces: list[Any] = []
        for place, (name, column) in enumerate(zip(batch.schema.names, batch.columns, strict=True)):
            key = json_text(pa.array([name]))[0].as_py()
            pieces += [f"{',' if place else '{'}{key}:", json_text(column)]
        lines = pc.binary_join_element_wise(*pieces, "}\n", "")
        return pa.concat_arrays([lines]).buffers()[2] or pa.py_buffer(b"")

    @contextmanager
    def writer(self, file: BinaryIO, schema: pa.Schema) -> Iterator[Callable[[pa.Buffer], object]]:
        """Write nothing before or after the lines."""
        yield file.write


class Parquet:
    """Parquet, compressed."""

    def encode(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch: the writer encodes, because offsets in the file depend on what came before."""
        return batch

    @contextmanager
    def writer(self, file: BinaryIO, schema: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], object]]:
        """Collect chunks into row groups of a useful size; write names and types last."""
        from pyarrow.parquet import ParquetWriter

        gathered: list[pa.RecordBatch] = []

        def write() -> None:
            writer.write_table(pa.Table.from_batches(gathered, schema))
            gathered.clear()

        def take(batch: pa.RecordBatch) -> None:
            gathered.append(batch)
            if sum(waiting.num_rows for waiting in gathered) >= ROW_GROUP:
                write()

        with ParquetWriter(file, schema, compression="zstd") as writer:
            yield take
            if gathered:
                write()


class ArrowFile:
    """Arrow's own file format, which readers map into memory."""

    def encode(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch: the file holds batches."""
        return batch

    @contextmanager
    def writer(self, file: BinaryIO, schema: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], object]]:
        """Write names and types first and last."""
        with pa.ipc.new_file(file, schema) as writer:
            yield writer.write_batch


FORMATS: Mapping[str, Format] = {
    ".csv": Csv(),
    ".jsonl": JsonLines(),
    ".ndjson": JsonLines(),
    ".parquet": Parquet(),
    ".arrow": ArrowFile(),
}


def format_of(path: Path) -> Format:
    """Return the format of a file's suffix; raise UnknownFormat."""
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        raise UnknownFormat("format", path.suffix or path.name, FORMATS, place=str(path)) from None


def csv_rows(batch: pa.RecordBatch | pa.Table, *, header: bool = False) -> pa.Buffer:
    """Encode rows as CSV, with `header` after a line of names."""
    from pyarrow.csv import WriteOptions, write_csv

    columns = [moment_text(column) if pa.types.is_timestamp(column.type) else column for column in batch.columns]
    out = pa.BufferOutputStream()
    write_csv(type(batch).from_arrays(columns, names=batch.schema.names), out, WriteOptions(include_header=header))
    return out.getvalue()
