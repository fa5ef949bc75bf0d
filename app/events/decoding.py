"""Events as the reading statements give them: with data and metadata as texts, which are decoded here at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import orjson

from app.events.model import PastEvent, StoredEvent
from app.queries import Row

# What `_make` does, without its check of the length: a good part of what reading a stream costs.
_stored: Callable[[Row], StoredEvent] = partial(tuple.__new__, StoredEvent)
_past: Callable[[Row], PastEvent] = partial(tuple.__new__, PastEvent)
_loads = orjson.loads
_DATA, _METADATA = map(StoredEvent._fields.index, ("data", "metadata"))


def stored_events(rows: Sequence[Row]) -> list[StoredEvent]:
    """Decode rows that have StoredEvent's columns in its order."""
    data = _documents([row[_DATA] for row in rows])
    metadata = _documents([row[_METADATA] for row in rows])
    return [
        _stored((stream, version, tx, position, kind, schema, its_data, its_metadata, change, total, at))
        for (stream, version, tx, position, kind, schema, _, _, change, total, at), its_data, its_metadata in zip(
            rows, data, metadata, strict=True
        )
    ]


def past_events(stream: str, rows: Sequence[Row]) -> list[PastEvent]:
    """Decode rows of one stream that have PastEvent's other columns in its order."""
    data = _documents([row[3] for row in rows])
    return [
        _past((stream, version, kind, schema, its_data))
        for (version, kind, schema, _), its_data in zip(rows, data, strict=True)
    ]


def _documents(texts: Sequence[str]) -> list[Any]:
    # One document that holds all of them is decoded faster than each of them.
    documents: list[Any] = _loads(f"[{','.join(texts)}]")
    return documents
