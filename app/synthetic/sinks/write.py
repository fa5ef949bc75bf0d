"""Streams a data set into a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias, TypeVar

import pyarrow as pa

from app.synthetic.generate import DataSet
from app.synthetic.sinks.files import whole_file
from app.synthetic.sinks.formats import format_of

T = TypeVar("T")
Progress: TypeAlias = Callable[[int], object]
"""Told how many rows have gone so far."""


def write_file(data: DataSet, path: Path, progress: Progress | None = None) -> int:
    """Write a data set to a file in the format of its suffix; how many bytes it has.

    The same data set gives the same bytes. Raises UnknownFormat, CannotWrite, and what making the data raises.
    """
    chosen = format_of(path)
    with whole_file(path) as file:
        with chosen.writer(file, data.schema.arrow) as write:
            for piece in watched(data, chosen.encode, progress):
                write(piece)
        return file.tell()


def watched(data: DataSet, encode: Callable[[pa.RecordBatch], T], progress: Progress | None) -> Iterator[T]:
    """The encoded chunks of a data set; each is reported when the next one is asked for."""
    gone = 0
    for rows, piece in data.encoded(lambda batch: (batch.num_rows, encode(batch))):
        yield piece
        gone += rows
        if progress is not None:
            progress(gone)
