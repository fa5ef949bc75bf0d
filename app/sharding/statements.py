"""SQL statements of the slot map and of routed reads, each in a file named as what it does."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def statement(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return files("app.sharding").joinpath("sql", f"{name}.sql").read_text()
