"""Named queries: each one is used, and each name that is used exists."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import aiosql
import pytest

from app.queries import query

APP = Path(__file__).parents[2] / "app"
QUERIES = {
    ".".join((*path.parent.relative_to(APP).parts, name))
    for path in APP.rglob("queries.sql")
    for name in aiosql.from_path(path, "psycopg", mandatory_parameters=False).available_queries
    if not name.endswith("_cursor")
}


def names_asked_for() -> Iterator[str]:
    """Yield the argument of each call of `query` in app; of an f-string the part before the first value."""
    for path in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "query":
                yield from (str(part.value) for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant))


ASKED = sorted(set(names_asked_for()))


def test_every_query_that_is_asked_for_exists() -> None:
    assert len(ASKED) > 40
    assert [name for name in ASKED if not any(there.startswith(name) for there in QUERIES)] == []


def test_every_query_is_used() -> None:
    prefixes = tuple(name for name in ASKED if name not in QUERIES)
    assert len(QUERIES) > 40
    assert [name for name in sorted(QUERIES) if name not in ASKED and not name.startswith(prefixes)] == []


def test_parameters_are_written_for_psycopg_and_casts_stay() -> None:
    text = query("credits.read_balances")
    assert "unnest(%(streams)s::text[], %(slots)s::smallint[]" in text


def test_comments_are_not_sent_to_the_server() -> None:
    assert "--" not in query("projections.advance_checkpoint")


def test_an_unknown_query_is_refused() -> None:
    with pytest.raises(AttributeError, match="no_such_query"):
        query("events.no_such_query")
