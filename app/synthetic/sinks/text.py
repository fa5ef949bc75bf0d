"""Columns as the text that CSV and JSON Lines hold."""

from __future__ import annotations

import orjson
import pyarrow as pa
import pyarrow.compute as pc

UNSAFE = r'[\x00-\x1f"\\]'
"""Characters that JSON strings must escape."""


def moment_text(values: pa.Array) -> pa.Array:
    """Format timestamps in UTC as ISO 8601, with a fraction only where some value has one.

    Arrow takes twenty times as long for text with a time zone as for text without one and a letter behind it.
    """
    local = values.cast(pa.timestamp("us"))
    whole = not pc.any(pc.not_equal(pc.subsecond(local), 0)).as_py()
    text = (local.cast(pa.timestamp("s")) if whole else local).cast(pa.string())
    return pc.binary_join_element_wise(pc.binary_replace_slice(text, 10, 11, "T"), "Z", "")


def json_text(values: pa.Array) -> pa.Array:
    """Encode each value as JSON; numbers that JSON cannot hold become null, as missing ones do."""
    if pa.types.is_dictionary(values.type):
        return pc.fill_null(json_text(values.dictionary).take(values.indices), "null")
    if pa.types.is_string(values.type):
        return pc.fill_null(_quoted(values), "null")
    if pa.types.is_timestamp(values.type):
        return json_text(moment_text(values))
    if pa.types.is_date(values.type):
        return json_text(values.cast(pa.string()))
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_finite(values), values, pa.scalar(None, values.type))
    elif not (pa.types.is_integer(values.type) or pa.types.is_boolean(values.type)):
        return pa.array([orjson.dumps(value) for value in values.to_pylist()], pa.binary()).cast(pa.string())
    return pc.fill_null(values.cast(pa.string()), "null")


def _quoted(values: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring_regex(values, UNSAFE)).as_py():
        return pa.array([orjson.dumps(value) for value in values.to_pylist()], pa.binary()).cast(pa.string())
    return pc.binary_join_element_wise('"', values, '"', "")
