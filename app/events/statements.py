"""SQL statements of the event store, each in a file named as what it does."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statement(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return files("app.events").joinpath("sql", f"{name}.sql").read_text()
