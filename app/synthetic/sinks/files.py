"""Files that are there whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from app.synthetic.errors import CannotWrite


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, beside `path` under another name; it takes that name when all is written, and safe on disk.

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
