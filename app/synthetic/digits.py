"""Numbers and UUIDs as text of a fixed width, a whole column at a time, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

GROUP = 4
"""Digits that are written by one look into a table."""
TABLE = np.array([f"{number:0{GROUP}}".encode() for number in range(10**GROUP)]).view(np.uint32)
"""The digits of each number of a group, as one number of four bytes."""
ZERO = ord("0")
DASHES = (8, 13, 18, 23)
HEXADECIMAL = np.array([f"{byte:02x}".encode() for byte in range(256)]).view(np.uint16)
"""The two hexadecimal digits of each byte, as one number of two bytes."""


def parted(numbers: NDArray[np.int64], by: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return quotients and remainders, much faster than NumPy's `divmod`."""
    quotients = numbers // by
    return quotients, numbers - quotients * by


def digits(numbers: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
    """Return the last `width` digits of each number, as ASCII."""
    groups = -(-width // GROUP)
    written = np.empty((len(numbers), groups), dtype=np.uint32)
    left = numbers
    for place in range(groups - 1, -1, -1):
        left, group = parted(left, 10**GROUP)
        written[:, place] = TABLE[group]
    return written.view(np.uint8)[:, groups * GROUP - width :]


def filled(template: str, marks: Mapping[str, NDArray[np.int64]], rows: int) -> pa.StringArray:
    """Fill a template such as `bbbb-bbb`, where a mark's letters stand for the digits of its number."""
    text = np.empty((rows, len(template)), dtype=np.uint8)
    text[:] = np.frombuffer(template.encode("ascii"), dtype=np.uint8)
    for mark, numbers in marks.items():
        done, written = 0, digits(numbers, template.count(mark))
        for run in re.finditer(f"{mark}+", template):
            size = run.end() - run.start()
            text[:, run.start() : run.end()] = written[:, done : done + size]
            done += size
    return fixed_width(text)


def characters(texts: pa.StringArray, width: int) -> NDArray[np.uint8]:
    """Return the ASCII characters of texts without spaces and hyphens, padded left with zeros.

    Texts that are too long, or missing, or not ASCII become empty characters.
    """
    plain = pc.replace_substring_regex(texts, "[ -]", "")
    usable = pc.and_(pc.less_equal(pc.utf8_length(plain), width), pc.string_is_ascii(plain))
    padded = pc.utf8_lpad(pc.if_else(pc.fill_null(usable, False), plain, "\0"), width, "0")
    return np.frombuffer(padded.buffers()[2], dtype=np.uint8, count=len(texts) * width).reshape(len(texts), width)


def uuids(rng: np.random.Generator, rows: int) -> pa.Array:
    """Draw UUIDs of version 4 (RFC 9562)."""
    raw = np.frombuffer(rng.bytes(16 * rows), dtype=np.uint8).reshape(rows, 16).copy()
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    digits = HEXADECIMAL[raw].view(np.uint8)
    text = np.empty((rows, 36), dtype=np.uint8)
    start = 0
    for dash in (*DASHES, 36):
        width = dash - start
        taken = start - DASHES.index(start - 1) - 1 if start else 0
        text[:, start:dash] = digits[:, taken : taken + width]
        if dash < 36:
            text[:, dash] = ord("-")
        start = dash + 1
    return fixed_width(text)


def fixed_width(text: NDArray[np.uint8]) -> pa.Array:
    """Convert rows of UTF-8 bytes of one width to strings."""
    rows, width = text.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(text)))
