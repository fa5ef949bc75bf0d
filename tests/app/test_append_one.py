"""An append that is alone is judged and stored as the same one among many: two functions of the database agree."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.database import Databases, ShardDatabase
from app.events import NewEvent, NewSnapshot, Slot
from app.events.append import Append, encode, parameters_of
from app.queries import query
from app.topology import Directory

pytestmark = pytest.mark.servers

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LARGEST = 2**63 - 1
MOMENTS = st.sampled_from([None, NOON - timedelta(hours=1), NOON, NOON + timedelta(hours=1)])
APPENDS = st.fixed_dictionaries(
    {
        "slot": st.sampled_from([Slot(7, 1), Slot(7, 1), Slot(7, 1), Slot(7, 2)]),
        "expected_version": st.none() | st.integers(0, 4),
        "idempotency_key": st.none() | st.sampled_from(["one", "two"]),
        "content": st.sampled_from([b"this", b"that"]),
        "floor": st.none() | st.sampled_from([0, 50]),
        "due": MOMENTS,
        "closes": st.booleans(),
        "snapshot": st.none() | st.just(NewSnapshot(3, {"state": 'of "it" \\ '})),
    }
)
EVENTS = st.builds(
    NewEvent,
    st.just("Happened"),
    st.just({"text": 'ä ☃ "quoted" \\ \n {,} null'}),
    st.sampled_from([-100, -1, 0, 1, 100, LARGEST, -LARGEST]),
    st.sampled_from([{}, {"actor": "tester"}]),
    st.sampled_from([1, 2]),
)
STEPS = st.lists(st.tuples(EVENTS, APPENDS, MOMENTS), min_size=1, max_size=6)

KEPT = (
    "select version, slot, schema_version, change, total, idempotency_key, content_hash, type, data::text, "
    "metadata::text from events where stream = %(stream)s order by version",
    "select version, slot, total, due, closed from streams where stream = %(stream)s",
    "select version, schema_version, state::text from snapshots where stream = %(stream)s",
)


async def stored(database: ShardDatabase, name: str, steps: Any, *, alone: bool) -> list[Any]:
    """Every outcome, and then all that was kept."""
    seen: list[Any] = []
    for event, terms, now in steps:
        # What a key stands for decides what the event adds.
        content = terms["content"] + str(event.change).encode()
        asked = Append(name, [event], **terms | {"content": content, "now": now})
        text, parameters = encode([asked]) if alone else (query("events.append"), parameters_of([asked], now))
        assert (text == query("events.append_one")) is alone
        rows = await database.rows(text, parameters)
        seen.append(rows)
    return [*seen, *[await database.rows(question, {"stream": name}) for question in KEPT]]


def test_alone_and_among_many_are_the_same(migrated: Directory) -> None:
    databases = Databases(migrated.shards[:1], home="aws", size=1, seconds=10)
    names = itertools.count()

    with asyncio.Runner() as runner:
        runner.run(databases.open())

        @given(STEPS)
        @settings(max_examples=150)
        def agree(steps: Any) -> None:
            database, number = databases.by_shard["aws-0"], next(names)
            one = runner.run(stored(database, f"alone-{number}", steps, alone=True))
            many = runner.run(stored(database, f"among-{number}", steps, alone=False))
            assert one == many

        agree()
        runner.run(databases.close())


def test_several_events_are_no_append_of_one() -> None:
    text, _ = encode([Append("s", [NewEvent("Happened", {})] * 2, Slot(7, 1))])
    assert text == query("events.append")
