"""Reads go to the nearest server that is fresh enough, and nobody notices when one is killed or falls behind."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from app.database import Databases, DatabaseUnavailable
from app.events import Append, EventStore, NewEvent, Slot
from app.sharding import PostgresMapStore, Router, router
from app.sharding.reads import (
    LagClock,
    Position,
    ReadLimits,
    ReadMetrics,
    ReadRouter,
    ReplicaDatabases,
    Server,
    WrongPosition,
    build_read_router,
    candidates,
)
from app.sharding.reads.servers import FAILURES, as_shard
from app.topology import Directory, NoLogin, Replica, SlotNotHere, StalePlace, slot_of
from tests.waiting import wait_until

from .conftest import Postgres
from .standby import replay, standby_of, streams
from .test_router import directory as two_shards

KEY = "alice"  # lives on azure-0
LIMITS = ReadLimits(lag_seconds=60.0, standby_seconds=5.0, catch_up_seconds=5.0)


class Database:
    """Answers, or does not."""

    def __init__(self, *rows: tuple[Any, ...]) -> None:
        self.answer = list(rows)
        self.asked: list[str] = []
        self.down = False

    async def rows(
        self, statement: str, parameters: Mapping[str, Any], *, seconds: float | None = None
    ) -> list[tuple[Any, ...]]:
        self.asked.append(statement)
        if self.down:
            raise DatabaseUnavailable("s", "down")
        return self.answer


def server(name: str, *, home: str = "aws", primary: bool = False, fresh_until: float = 100.0) -> Server:
    shard = two_shards().shards[0].model_copy(update={"home": home})
    made = Server(name, shard, Database((True, name)), is_primary=primary)
    if not primary:
        made.fresh_until = fresh_until
    return made


def names(servers: list[Server]) -> list[str]:
    return [listed.name for listed in servers]


class TestChoice:
    """The order in which servers are asked."""

    def test_a_standby_at_home_before_the_primary_before_one_abroad(self) -> None:
        servers = [server("far", home="gcp"), server("primary", primary=True), server("near")]
        assert names(candidates(servers, "k", home="aws", now=100, lag_limit=2)) == ["near", "primary", "far"]
        assert names(candidates(servers, "k", home="gcp", now=100, lag_limit=2)) == ["far", "near", "primary"]

    def test_who_is_too_old_is_not_asked(self) -> None:
        servers = [server("primary", primary=True), server("old", fresh_until=97.9), server("fresh", fresh_until=98)]
        assert names(candidates(servers, "k", home="aws", now=100, lag_limit=2)) == ["fresh", "primary"]
        never = server("never", fresh_until=-math.inf)
        assert names(candidates([servers[0], never], "k", home="aws", now=100, lag_limit=2)) == ["primary"]

    @given(st.text(max_size=20))
    def test_a_key_keeps_its_standby_when_another_goes(self, key: str) -> None:
        servers = [server("primary", primary=True), *(server(f"standby-{number}") for number in range(3))]
        first, *others = candidates(servers, key, home="aws", now=100, lag_limit=2)
        gone = next(other for other in others if not other.is_primary)
        left = [listed for listed in servers if listed is not gone]
        assert candidates(left, key, home="aws", now=100, lag_limit=2)[0] is first

    def test_equal_standbys_share_the_keys(self) -> None:
        servers = [server("primary", primary=True), server("a"), server("b")]
        first = [
            candidates(servers, f"account-{number}", home="aws", now=100, lag_limit=2)[0].name for number in range(1000)
        ]
        assert 400 < first.count("a") < 600
        assert first.count("a") + first.count("b") == 1000


class TestLag:
    """The age of a standby's data."""

    def test_what_is_replayed_is_as_old_as_the_moment_when_the_primary_was_there(self) -> None:
        log = LagClock()
        for at, lsn in ((1.0, 100), (2.0, 200), (3.0, 200), (4.0, 300)):
            log.saw(lsn, at)
        assert [log.fresh_until(lsn) for lsn in (99, 100, 199, 200, 299, 300, 400)] == [-math.inf, 1, 1, 3, 3, 4, 4]

    def test_a_new_primary_with_a_shorter_log_makes_all_earlier_knowledge_worthless(self) -> None:
        log = LagClock()
        log.saw(500, 1.0)
        log.saw(300, 2.0)
        assert log.fresh_until(299) == -math.inf
        assert log.fresh_until(600) == 2.0

    @given(st.lists(st.integers(0, 50), min_size=1, max_size=40), st.integers(0, 2000))
    def test_nothing_that_was_written_by_then_is_missing(self, written: list[int], replayed: int) -> None:
        log, lsn, history = LagClock(samples=8), 0, []
        for at, more in enumerate(written):
            lsn += more
            history.append((at, lsn))
            log.saw(lsn, at)
        fresh_until = log.fresh_until(replayed)
        assert all(position <= replayed for at, position in history if at <= fresh_until)


class TestPosition:
    """The token by which one's own writes are found."""

    @given(st.integers(0, 2**64 - 1))
    def test_it_reads_what_it_writes(self, lsn: int) -> None:
        assert Position.parse(str(Position("aws-0", lsn))) == Position("aws-0", lsn)

    @pytest.mark.parametrize("text", ["", "aws-0", "aws-0:", "aws-0:1", "aws-0:G/0", ":0/0", "a:0/123456789", "a:0/0 "])
    def test_what_is_none_is_refused(self, text: str) -> None:
        with pytest.raises(WrongPosition, match="is no position: it looks like aws-0:0/16B3748"):
            Position.parse(text)


class TestBreaker:
    """A server that fails is left alone for a while."""

    async def test_it_opens_after_failures_in_a_row_and_then_asks_nobody(self) -> None:
        database = Database()
        database.down = True
        failing = Server("s", two_shards().shards[0], database, is_primary=True)
        for _ in range(FAILURES + 3):
            with pytest.raises(DatabaseUnavailable):
                await failing.rows("select", {})
        assert len(database.asked) == FAILURES
        assert failing.state(0).circuit == "open"
        with pytest.raises(DatabaseUnavailable, match="the circuit of s is open"):
            await failing.rows("select", {})

    async def test_an_answer_between_failures_keeps_it_closed(self) -> None:
        database = Database((1,))
        flaky = Server("s", two_shards().shards[0], database, is_primary=True)
        for _ in range(FAILURES * 2):
            database.down = not database.down
            if database.down:
                with pytest.raises(DatabaseUnavailable):
                    await flaky.rows("select", {})
            else:
                await flaky.rows("select", {})
        assert flaky.state(0).circuit == "closed"

    def test_the_state_is_a_metric(self) -> None:
        reads = ReadRouter(
            Router(two_shards(), {}),
            {"aws-0": [server("aws-0", primary=True), server("r", fresh_until=-math.inf)]},
            home="aws",
        )
        registry = CollectorRegistry()
        registry.register(ReadMetrics(reads))
        text = generate_latest(registry).decode()
        assert 'fortress_read_server_lag_seconds{role="standby",server="r",shard="aws-0"} +Inf' in text
        assert 'fortress_read_server_circuit{role="primary",server="aws-0",shard="aws-0"} 0.0' in text
        assert 'fortress_read_server_reads_total{role="primary",server="aws-0",shard="aws-0"} 0.0' in text


class TestFallBack:
    """Servers that do not answer, without a real server."""

    def reads(self, *servers: Server) -> ReadRouter:
        shards = {"aws-0": list(servers), "gcp-0": list(servers)}
        return ReadRouter(Router(two_shards(), dict.fromkeys(shards)), shards, home="aws", clock=lambda: 100.0)

    async def test_the_primary_answers_where_the_standby_does_not(self) -> None:
        standby, primary = server("standby"), server("primary", primary=True)
        standby._database.down = True  # type: ignore[attr-defined]
        assert await self.reads(standby, primary).rows(KEY, "select 1", {}) == [("primary",)]

    async def test_a_standby_answers_where_the_primary_does_not(self) -> None:
        standby, primary = server("standby", home="gcp"), server("primary", primary=True)
        primary._database.down = True  # type: ignore[attr-defined]
        assert await self.reads(standby, primary).rows(KEY, "select 1", {}) == [("standby",)]

    async def test_the_reason_is_reported_if_no_server_answers(self) -> None:
        standby, primary = server("standby"), server("primary", primary=True)
        for failing in (standby, primary):
            failing._database.down = True  # type: ignore[attr-defined]
        with pytest.raises(DatabaseUnavailable, match="down"):
            await self.reads(standby, primary).rows(KEY, "select 1", {})

    async def test_a_standby_that_does_not_have_the_slot_yet_is_not_believed(self) -> None:
        standby, primary = server("standby"), server("primary", primary=True)
        standby._database.answer = []  # type: ignore[attr-defined]
        assert await self.reads(standby, primary).rows(KEY, "select 1", {}) == [("primary",)]

    async def test_a_primary_that_does_not_have_the_slot_is(self) -> None:
        primary = server("primary", primary=True)
        primary._database.answer = []  # type: ignore[attr-defined]
        with pytest.raises(SlotNotHere):
            await self.reads(primary).rows(KEY, "select 1", {})

    async def test_a_shard_without_a_login_is_named(self) -> None:
        for stores in ({}, dict.fromkeys(["aws-0", "gcp-0"])):
            with pytest.raises(NoLogin, match="the directory does not list shard aws-0"):
                await ReadRouter(Router(two_shards(), stores), {}, home="aws").head(KEY)

    async def test_a_position_of_another_log_is_found_on_the_primary_only(self) -> None:
        standby, primary = server("standby"), server("primary", primary=True)
        standby.replayed = 10**9
        rows = await self.reads(standby, primary).rows(KEY, "select 1", {}, after=Position("elsewhere", 1))
        assert rows == [("primary",)]


@pytest.fixture(scope="module")
def standby(postgres: Postgres, databases: dict[str, str]) -> Iterator[Postgres]:
    with standby_of(postgres, "standby") as made:
        yield made


@pytest.fixture
def replicated(migrated: Directory, postgres: Postgres, standby: Postgres) -> Directory:
    """Three shards, each with a standby."""
    standby.revive()
    replay(standby, on=True)
    wait_until(lambda: streams(standby), "the standby to stream")
    replica = Replica(host=standby.address, port=standby.port)
    shards = [shard.model_copy(update={"replicas": [replica]}) for shard in migrated.shards]
    return migrated.model_copy(update={"shards": shards})


class World:
    """A process of the app, as far as reads and writes go."""

    def __init__(self, directory: Directory, limits: ReadLimits, home: str) -> None:
        self.databases = Databases(directory.shards, home=home, size=4, seconds=20.0)
        self.replicas = ReplicaDatabases(directory, size=4, seconds=20.0)
        stores = {name: EventStore(database) for name, database in self.databases.by_shard.items()}
        holder = directory.map_shard.name
        self.maps = PostgresMapStore(self.databases.by_shard[holder], shard=holder)
        self.router = Router(directory, stores, self.maps)
        self.reads = build_read_router(
            self.router, directory, self.databases.by_shard, self.replicas, home=home, limits=limits
        )

    async def grant(self, key: str, amount: int = 1) -> Position:
        place, store = self.router.route(key)
        await store.append(Append(key, [NewEvent("Granted", {}, change=amount)], slot=Slot(place.slot, place.epoch)))
        return await self.reads.position(key)

    async def look_until_fresh(self) -> None:
        """Until every standby is known to have what had been written when it was first looked at."""
        while any(state.lag_seconds == math.inf for state in self.reads.states()):
            await self.reads.look()

    def answered(self, key: str) -> dict[str, int]:
        """Reads by role, of the shard of a key."""
        shard = self.router.route(key)[0].shard
        return {state.role: state.reads for state in self.reads.states() if state.shard == shard}


@asynccontextmanager
async def world(directory: Directory, limits: ReadLimits = LIMITS, home: str = "azure") -> AsyncIterator[World]:
    made = World(directory, limits, home)
    await made.databases.open()
    await made.replicas.open()
    try:
        yield made
    finally:
        await made.replicas.close()
        await made.databases.close()


@pytest.mark.servers
class TestWithAStandby:
    """A real primary and a real streaming standby."""

    async def test_a_fresh_standby_is_read(self, replicated: Directory) -> None:
        async with world(replicated) as app:
            after = await app.grant(KEY, 5)
            await app.look_until_fresh()
            before = app.answered(KEY)
            head = await app.reads.head(KEY, after=after)
            assert head is not None
            assert (head.version, head.total) == (1, 5)
            assert app.answered(KEY)["primary"] == before["primary"]
            assert app.answered(KEY)["standby"] > before["standby"]
            [state] = [state for state in app.reads.states() if (state.shard, state.role) == ("azure-0", "standby")]
            assert state.lag_seconds < LIMITS.lag_seconds
            assert state.circuit == "closed"

    async def test_nobody_reads_a_standby_that_was_never_looked_at(self, replicated: Directory) -> None:
        async with world(replicated) as app:
            await app.grant(KEY)
            assert await app.reads.head(KEY) is not None
            assert app.answered(KEY)["standby"] == 0

    async def test_own_writes_are_read_even_where_the_standby_stands_still(
        self, replicated: Directory, standby: Postgres
    ) -> None:
        limits = ReadLimits(lag_seconds=60.0, standby_seconds=5.0, catch_up_seconds=0.05)
        async with world(replicated, limits) as app:
            await app.grant(KEY)
            await app.look_until_fresh()
            replay(standby, on=False)
            after = await app.grant(KEY)
            head = await app.reads.head(KEY, after=after)
            assert head is not None
            assert head.version == 2
            stale = await app.reads.head(KEY)
            assert stale is None or stale.version == 1

    async def test_own_writes_are_waited_for(self, replicated: Directory, standby: Postgres) -> None:
        async with world(replicated) as app:
            await app.grant(KEY)
            await app.look_until_fresh()
            replay(standby, on=False)
            after = await app.grant(KEY)
            primary = app.answered(KEY)["primary"]
            reading = asyncio.create_task(app.reads.head(KEY, after=after))
            polled = app.answered(KEY)["standby"]
            while app.answered(KEY)["standby"] < polled + 2:
                assert not reading.done()
                await asyncio.sleep(0.001)
            replay(standby, on=True)
            head = await reading
            assert head is not None
            assert head.version == 2
            assert app.answered(KEY)["primary"] == primary

    async def test_a_standby_that_lags_is_not_read(self, replicated: Directory, standby: Postgres) -> None:
        limits = ReadLimits(lag_seconds=0.2, standby_seconds=5.0)
        async with world(replicated, limits) as app:
            await app.look_until_fresh()
            replay(standby, on=False)
            await app.grant(KEY)
            while (
                max(state.lag_seconds for state in app.reads.states() if state.shard == "azure-0") <= limits.lag_seconds
            ):
                await app.reads.look()
            assert math.inf not in {state.lag_seconds for state in app.reads.states()}
            await app.grant(KEY)
            head = await app.reads.head(KEY)
            assert head is not None
            assert head.version == 2

    async def test_an_idle_primary_makes_no_standby_old(self, replicated: Directory, standby: Postgres) -> None:
        async with world(replicated) as app:
            after = await app.grant(KEY)
            while app.reads._servers["azure-0"][1].replayed < after.lsn:
                await app.reads.look()
            earlier = app.reads._servers["azure-0"][1].fresh_until
            await app.reads.look()
            assert app.reads._servers["azure-0"][1].fresh_until > earlier

    async def test_nobody_notices_that_a_standby_is_killed(self, replicated: Directory, standby: Postgres) -> None:
        async with world(replicated, ReadLimits(lag_seconds=60.0, catch_up_seconds=5.0)) as app:
            after = await app.grant(KEY)
            await app.look_until_fresh()
            assert await app.reads.head(KEY, after=after) is not None
            standby.kill()
            for _ in range(FAILURES + 2):
                assert await app.reads.head(KEY) is not None
            [state] = [state for state in app.reads.states() if (state.shard, state.role) == ("azure-0", "standby")]
            assert state.circuit == "open"

    async def test_a_promoted_standby_is_none(self, migrated: Directory, postgres: Postgres) -> None:
        with standby_of(postgres, "promoted") as promoted:
            with promoted.as_operator("postgres") as connection:
                connection.execute("select pg_promote()")
            replica = Replica(host=promoted.address, port=promoted.port)
            shards = [shard.model_copy(update={"replicas": [replica]}) for shard in migrated.shards]
            async with world(migrated.model_copy(update={"shards": shards})) as app:
                await app.grant(KEY)
                await app.reads.look()
                assert await app.reads.head(KEY) is not None
                assert app.answered(KEY)["standby"] == 0


@pytest.mark.servers
class TestRoutedReads:
    """Reads on real shards, without standbys."""

    async def test_a_stream_that_is_none_has_no_head(self, migrated: Directory) -> None:
        async with world(migrated) as app:
            assert await app.reads.head("nobody") is None

    async def test_any_statement_can_be_routed(self, migrated: Directory) -> None:
        async with world(migrated) as app:
            for amount in (3, 4):
                await app.grant(KEY, amount)
            text = "select version, change from events where stream = %(stream)s order by version desc"
            assert await app.reads.rows(KEY, text, {"stream": KEY}) == [(2, 4), (1, 3)]
            assert await app.reads.rows(KEY, text, {"stream": "nobody"}) == []

    async def test_many_heads_come_from_all_shards_at_once(self, migrated: Directory) -> None:
        async with world(migrated) as app:
            keys = [f"account-{number}" for number in range(60)]
            for number, key in enumerate(keys):
                await app.grant(key, number + 1)
            found = await app.reads.heads([*keys, "nobody", keys[0]])
            assert {key: head.total for key, head in found.items()} == {
                key: number + 1 for number, key in enumerate(keys)
            }
            assert {app.router.route(key)[0].shard for key in keys} == {"aws-0", "azure-0", "gcp-0"}
            assert await app.reads.heads([]) == {}

    async def test_a_read_of_a_slot_that_left_is_refused_by_the_shard(
        self, migrated: Directory, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Rows that lie there until they are dropped are never shown."""
        monkeypatch.setattr(router, "STALE_SECONDS", 0.05)
        slot, database = slot_of(KEY), migrated.by_name["azure-0"].database
        async with world(migrated) as app:
            await app.grant(KEY)
            with postgres.as_operator(database) as connection:
                connection.execute("update slots set state = 'left' where slot = %s", [slot])
                try:
                    with pytest.raises(StalePlace):
                        await app.reads.head(KEY)
                    with pytest.raises(StalePlace):
                        await app.reads.heads([KEY, "bob"])
                finally:
                    connection.execute("update slots set state = 'owned' where slot = %s", [slot])
            assert await app.reads.head(KEY) is not None


def test_a_replica_is_reached_as_it_says_and_else_as_its_primary() -> None:
    shard = two_shards().shards[0].model_copy(update={"authority": "CA", "port": 5433, "address": "10.0.0.1"})
    plain = as_shard(shard, Replica(host="r"))
    assert (plain.host, plain.address, plain.authority, plain.port, plain.home) == ("r", None, "CA", 5433, "aws")
    own = as_shard(shard, Replica(host="r", address="10.0.0.2", authority="own", port=1, home="gcp", region="x"))
    assert (own.address, own.authority, own.port, own.home, own.region) == ("10.0.0.2", "own", 1, "gcp", "x")
