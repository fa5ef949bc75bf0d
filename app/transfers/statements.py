"""The SQL statements of transfers."""

from __future__ import annotations

from functools import cache

from app.queries import query
from app.statements import statements_of

_text = statements_of("app.transfers")


@cache
def statement(name: str) -> str:
    """The text of `sql/<name>.sql`, with the event store's own append where it is built on that."""
    return _text(name).replace("{append}", query("events.append"))
