"""Whatever is appended in whatever order, the database does what a list in memory would."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.events import (
    Appended,
    BelowFloor,
    EventStoreError,
    KeyReused,
    NewEvent,
    Overdue,
    Slot,
    StreamClosed,
    VersionConflict,
    WrongEpoch,
)
from app.events.append import Append, parameters_of, read_outcome
from app.queries import query
from app.topology import Directory

from .conftest import FORGET, Postgres

pytestmark = pytest.mark.servers

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
STREAMS = st.sampled_from(["a", "b", "c"])


@dataclass
class Stream:
    """A stream as a list in memory."""

    changes: list[int] = field(default_factory=list)
    keys: dict[str, tuple[tuple[int, ...], int]] = field(default_factory=dict)
    """Changes that a key stands for, and the version after them."""
    due: datetime | None = None
    closed: bool = False

    def append(self, asked: Append, key: str | None, now: datetime) -> Appended | type[EventStoreError]:
        changes = tuple(event.change for event in asked.events)
        if asked.slot.epoch != 1:
            return WrongEpoch
        if key in self.keys:
            earlier, version = self.keys[key]
            return Appended(version, sum(self.changes[:version]), True) if earlier == changes else KeyReused
        refusal = self.refusal(asked, sum(changes), now)
        if refusal:
            return refusal
        blind = asked.expected_version is None
        dues = [due for due in (self.due if blind else None, asked.due) if due]
        self.due = min(dues, default=None)
        self.changes += changes
        self.closed = asked.closes
        if key:
            self.keys[key] = changes, len(self.changes)
        return Appended(len(self.changes), sum(self.changes), False)

    def refusal(self, asked: Append, change: int, now: datetime) -> type[EventStoreError] | None:
        blind = asked.expected_version is None
        if not blind and asked.expected_version != len(self.changes):
            return VersionConflict
        if self.closed:
            return StreamClosed
        if blind and asked.floor is not None:
            if self.due and self.due <= now:
                return Overdue
            if sum(self.changes) + change < asked.floor:
                return BelowFloor
        return None


@st.composite
def appends(draw: st.DrawFn, stream: str) -> tuple[Append, str | None]:
    key = draw(st.none() | st.sampled_from(["k1", "k2", "k3"]))
    asked = Append(
        stream,
        [
            NewEvent("Changed", {"by": change}, change)
            for change in draw(st.lists(st.integers(-5, 9), min_size=1, max_size=3))
        ],
        slot=Slot(7, draw(st.sampled_from([1, 1, 1, 1, 2]))),
        expected_version=draw(st.none() | st.integers(0, 6)),
        idempotency_key=key,
        floor=draw(st.none() | st.just(0)),
        due=draw(st.none() | st.integers(-2, 2).map(lambda hours: NOON + timedelta(hours=hours))),
        closes=draw(st.integers(0, 19)) == 0,
    )
    return asked, key


class Store(RuleBasedStateMachine):
    connection: psycopg.Connection[tuple[Any, ...]]
    operator: psycopg.Connection[tuple[Any, ...]]

    def __init__(self) -> None:
        super().__init__()
        self.operator.execute(FORGET)
        self.streams = {name: Stream() for name in ("a", "b", "c")}

    @rule(names=st.lists(STREAMS, min_size=1, max_size=3, unique=True), data=st.data(), hours=st.integers(-3, 3))
    def append(self, names: list[str], data: st.DataObject, hours: int) -> None:
        """Several streams in one call: each is judged by itself."""
        now = NOON + timedelta(hours=hours)
        batch = sorted((data.draw(appends(name)) for name in names), key=lambda each: each[0].order)
        cursor = self.connection.cursor(binary=True)
        rows = cursor.execute(query("events.append"), parameters_of([asked for asked, _ in batch], now)).fetchall()
        assert [row[0] for row in sorted(rows)] == list(range(1, len(batch) + 1))
        for row in rows:
            asked, key = batch[row[0] - 1]
            outcome = read_outcome(asked, row)
            wanted = self.streams[asked.stream].append(asked, key, now)
            assert (outcome if isinstance(outcome, Appended) else type(outcome)) == wanted

    @invariant()
    def the_tables_say_the_same(self) -> None:
        events = self.connection.execute("select stream, version, change, total from events order by 1, 2").fetchall()
        heads = self.connection.execute("select stream, version, total, due, closed from streams order by 1").fetchall()
        used = {name: each for name, each in self.streams.items() if each.changes}
        assert events == [
            (name, version, change, sum(each.changes[:version]))
            for name, each in used.items()
            for version, change in enumerate(each.changes, 1)
        ]
        assert heads == [
            (name, len(each.changes), sum(each.changes), each.due, each.closed) for name, each in used.items()
        ]


@pytest.fixture
def machine(migrated: Directory, postgres: Postgres) -> Iterator[type[Store]]:
    database = migrated.shards[0].database
    with postgres.connect(database, "ledger") as Store.connection, postgres.as_operator(database) as Store.operator:
        yield Store


def test_the_database_does_what_a_list_would(machine: type[Store]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=25, stateful_step_count=25, suppress_health_check=list(HealthCheck)),
    )
