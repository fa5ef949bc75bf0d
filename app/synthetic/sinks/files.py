"""Write files that are complete or absent, and stream data sets into them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, TypeAlias, TypeVar

import pyarrow as pa

from app.synthetic.errors import CannotWrite
from app.synthetic.generate import DataSet
from app.synthetic.sinks.formats import format_of

T = TypeVar("T")
Progress: TypeAlias = Callable[[int], object]
"""Told how many rows have gone so far."""


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`; rename it to `path` when all is written and synced.

    Until then, and for good if anything fails, `path` is what it was before. Raises CannotWrite.
    """
    target = path.resolve()
    part = target.with_name(f".{token_hex(8)}.part")
    try:
        if target.is_dir():
            raise CannotWrite("is a folder", place=str(path))
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise CannotWrite(f"could not be written: {error.strerror or error}", place=str(path)) from error
    finally:
        part.unlink(missing_ok=True)


def write_file(data: DataSet, path: Path, progress: Progress | None = None) -> int:
    """Write a data set to a file in the format of its suffix; return its size in bytes.

    The same data set gives the same bytes. Raises UnknownFormat, CannotWrite, and what making the data raises.
    """
    chosen = format_of(path)
    with whole_file(path) as file:
        with chosen.writer(file, data.schema.arrow) as write:
            for piece in watched(data, chosen.encode, progress):
                write(piece)
        return file.tell()


def watched(data: DataSet, encode: Callable[[pa.RecordBatch], T], progress: Progress | None) -> Iterator[T]:
    """Yield the encoded chunks of a data set; report each when the next one is requested."""
    gone = 0
    for rows, piece in data.encoded(lambda batch: (batch.num_rows, encode(batch))):
        yield piece
        gone += rows
        if progress is not None:
            progress(gone)
