"""Migrations against a real PostgreSQL, by an administrator that is no superuser, as in the clouds."""

from __future__ import annotations

import pytest

from app.database.migrate import Migrator
from app.sharding import Directory

pytestmark = pytest.mark.servers


@pytest.mark.usefixtures("as_migrator")
def test_up_down_up_ends_where_it_began(directory: Directory) -> None:
    migrator = Migrator(directory.shards[0])
    lines: list[str] = []
    migrator.up(lines.append)
    first = migrator.status()
    migrator.down(lines.append, steps=None)
    assert not any(state.applied for state in migrator.status())
    migrator.up(lines.append)
    assert migrator.status() == first
    assert all(state.applied for state in first)
    assert "aws-0: applied 0001_events" in lines
