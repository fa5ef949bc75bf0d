"""The peer: the library `eventsourcing`, by its own factory, with its own defaults, through its recorder's own API."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresFactory
from eventsourcing.utils import Environment

from tools.bench.data_plane.ours import STATE
from tools.bench.data_plane.worker_pool import Work

TOPIC = "tools.bench:Granted"
LOG_PAGE = 1000


@contextlib.contextmanager
def recorder(parameters: dict[str, Any]) -> Iterator[PostgresApplicationRecorder]:
    """Its default recorder; nothing is set but where the database is. libpq finds the certificates by itself."""
    settings = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parameters["dbname"],
        "POSTGRES_HOST": parameters["host"],
        "POSTGRES_PORT": str(parameters["port"]),
        "POSTGRES_USER": parameters["user"],
        "POSTGRES_PASSWORD": "none",  # it insists on one
    }
    factory = PostgresFactory(Environment(name="", env=settings))
    try:
        yield factory.application_recorder()
    finally:
        factory.close()


def event(stream: UUID, version: int) -> StoredEvent:
    """One event, its state serialised already: the peer is spared that."""
    return StoredEvent(originator_id=stream, originator_version=version, topic=TOPIC, state=STATE)


@contextlib.contextmanager
def appender(parameters: dict[str, Any], batch: int, _: int) -> Iterator[Work[int]]:
    """Append batches to own streams until the time is over; return the number of events."""
    with recorder(parameters) as store:
        heads: dict[UUID, int] = {uuid4(): 0 for _ in range(100)}
        streams = list(heads)

        def work(seconds: float) -> int:
            stored = 0
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                stream = streams[(stored // batch) % len(streams)]
                version = heads[stream]
                store.insert_events([event(stream, version + number) for number in range(1, batch + 1)])
                heads[stream] = version + batch
                stored += batch
            return stored

        yield work
