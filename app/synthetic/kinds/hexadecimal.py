"""Random identifiers, written as text without a loop over rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

DASHES = (8, 13, 18, 23)
DIGITS = np.array([f"{byte:02x}".encode() for byte in range(256)]).view(np.uint16)
"""The two hexadecimal digits of each byte, as one number of two bytes."""


def uuids(rng: np.random.Generator, rows: int) -> pa.Array:
    """So many UUIDs of version 4 (RFC 9562)."""
    raw = np.frombuffer(rng.bytes(16 * rows), dtype=np.uint8).reshape(rows, 16).copy()
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    digits = DIGITS[raw].view(np.uint8)
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
    """Rows of UTF-8 bytes, all of one width, as strings."""
    rows, width = text.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(text)))
