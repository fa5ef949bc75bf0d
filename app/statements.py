"""SQL statements that are not yet in a package's `queries.sql`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files


def statements_of(package: str) -> Callable[[str], str]:
    """Return a function that gives the text of `sql/<name>.sql` in the package."""

    @cache
    def statement(name: str) -> str:
        return files(package).joinpath("sql", f"{name}.sql").read_text()

    return statement
