"""Servers of the tests: what one test leaves behind does not fail the next."""

from __future__ import annotations

import psycopg
import pytest

from app.events import Append, EventStore, NewEvent, Slot
from app.topology import Directory

from .conftest import FORGET, Postgres, opened_database

pytestmark = pytest.mark.servers


def test_a_server_that_still_recovers_is_waited_for(answering: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    answering.kill()
    with monkeypatch.context() as patch:
        patch.setattr(Postgres, "wait_until_ready", lambda _: None)
        answering.start()  # as a test would leave it that ended in the meantime
    assert not answering.ready
    answering.revive()
    assert answering.answers()


async def test_written_tables_are_emptied_and_stay_guarded(migrated: Directory, postgres: Postgres) -> None:
    count = "select count(*), max(position) from events"
    for _ in range(2):
        async with opened_database(migrated) as database:
            await EventStore(database).append(Append("s", [NewEvent("Happened", {})], slot=Slot(7, 1)))
        with postgres.as_operator(migrated.shards[0].database) as operator:
            assert operator.execute(count).fetchone() == (1, 1)
            operator.execute(FORGET)
            assert operator.execute(count).fetchone() == (0, None)
            with pytest.raises(psycopg.Error, match="TRUNCATE refused"):
                operator.execute("truncate events")
