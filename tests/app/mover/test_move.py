"""A slot moves between servers: what arrives, who may write where, and who may not interfere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.database import DatabaseUnavailable
from app.events import Append, NewEvent
from app.events.model import NewSnapshot, Slot
from app.sharding import SameShard, ShardNotActive, ShardState, SlotBusy, SlotEntry, SlotNotMoving, UnknownShard
from app.sharding.mover import (
    ChecksumMismatch,
    Limits,
    MoveInProgress,
    MoveIsDecided,
    Progress,
    SlotTooBusy,
    Step,
    TargetNotReady,
    abort_move,
    drop_departed,
    move_slot,
    resume_moves,
)
from tests.app.mover.conftest import MAP, SOURCE, TARGET, Ledger, Servers, keys_of
from tests.app.mover.operators import LIMITS, SMALL

pytestmark = pytest.mark.servers


async def move(
    servers: Servers,
    slot: int,
    target: str = TARGET,
    *,
    report: Callable[[Progress], None] | None = None,
    **limits: Any,
) -> SlotEntry:
    operators = servers.operators()
    return await move_slot(
        slot,
        target,
        databases=operators.databases,
        map_store=operators.maps,
        report=report or (lambda _: None),
        limits=Limits(**{"patience_seconds": 10.0} | limits),
    )


async def abort(servers: Servers, slot: int) -> SlotEntry:
    operators = servers.operators()
    return await abort_move(slot, databases=operators.databases, map_store=operators.maps, limits=LIMITS)


async def drop(servers: Servers, slot: int, grace_seconds: float = 0) -> list[int]:
    return await drop_departed(servers.operators().databases, slot=slot, grace_seconds=grace_seconds)


def at(step: Step, do: Callable[[], object]) -> Callable[[Progress], None]:
    """Does something once, right after a step."""
    done = []

    def report(progress: Progress) -> None:
        if progress.step is step and not done:
            done.append(do())

    return report


CONTENT = """
select
    stream, version, slot, schema_version, recorded_at, change, total, idempotency_key, content_hash, type,
    data::text, metadata::text
from all_events
where slot = %s
order by stream, version
"""
HEADS = "select stream, version, total, due, closed from streams where slot = %s order by stream"


async def test_a_slot_moves_whole_and_its_source_is_dropped_after_a_grace(
    servers: Servers, ledger: Ledger, slot: int
) -> None:
    streams = await ledger.fill(slot)
    store = ledger.router.stores[SOURCE]
    last = {"slot": Slot(slot, 1), "snapshot": NewSnapshot(3, {"sum": 26}), "closes": True}
    await store.append(Append(streams[0], [NewEvent("Closed", {"number": 0}, metadata={"actor": "ä"})], **last))
    due = datetime.now(UTC) + timedelta(days=1)
    await store.append(Append(streams[1], [NewEvent("Granted", {"number": 0}, 10)], slot=Slot(slot, 1), due=due))
    before = servers.ask(SOURCE, CONTENT, slot), servers.ask(SOURCE, HEADS, slot)

    entry = await move(servers, slot, batch_events=40)

    assert (entry.shard, entry.epoch) == (TARGET, 2)
    assert servers.mapped(slot) == (TARGET, 2, "owned")
    assert (servers.state(SOURCE, slot), servers.state(TARGET, slot)) == ((1, "left"), (2, "owned"))
    assert (servers.ask(TARGET, CONTENT, slot), servers.ask(TARGET, HEADS, slot)) == before
    assert len(before[0]) == 102
    assert servers.ask(
        TARGET, "select version, schema_version, state from snapshots where stream = %s", streams[0]
    ) == [(26, 3, {"sum": 26})]
    assert await drop(servers, slot, grace_seconds=3600) == []
    assert servers.ask(SOURCE, CONTENT, slot) == before[0]
    assert await drop(servers, slot) == [slot]
    assert servers.rows_of(SOURCE, slot) == {"slots": 1}
    assert servers.ask(SOURCE, "select from snapshots where stream = %s", streams[0]) == []
    assert servers.ask(TARGET, CONTENT, slot) == before[0]


async def test_archived_events_and_keys_of_persons_move_too(servers: Servers, ledger: Ledger, slot: int) -> None:
    [stream, other] = await ledger.fill(slot, streams=2)
    await ledger.router.stores[SOURCE].append(
        Append(stream, [NewEvent("Closed", {"number": 0})], slot=Slot(slot, 1), closes=True)
    )
    assert servers.ask(SOURCE, "select archive_events(%s, 20)", stream) == [(20,)]
    keep = "select outcome from keep_subject_key(%s, %s::smallint, 1, %s, 'master')"
    assert servers.ask(SOURCE, keep, stream, slot, b"wrapped") == [("kept",)]
    assert servers.ask(SOURCE, keep, other, slot, b"destroyed") == [("kept",)]
    before = servers.ask(SOURCE, CONTENT, slot)

    def erase() -> None:
        [(_, owned, destroyed)] = servers.ask(
            SOURCE, "select * from erase_subjects(%s, %s::smallint[], array[now()])", [other], [slot]
        )
        assert (owned, destroyed) == (True, True)

    await move(servers, slot, report=at(Step.CAUGHT_UP, erase))

    assert servers.ask(TARGET, CONTENT, slot) == before
    keys = "select subject, wrapped from subject_keys where slot = %s order by wrapped"
    assert servers.ask(TARGET, keys, slot) == [(stream, b"wrapped"), (other, None)]
    await drop(servers, slot)
    assert servers.rows_of(SOURCE, slot) == {"slots": 1}


async def test_writers_see_no_error_and_readers_see_all_during_a_move(
    servers: Servers, ledger: Ledger, slot: int
) -> None:
    streams = await ledger.fill(slot)
    moved = asyncio.Event()

    async def read_all_the_time() -> int:
        reads = 0
        while not moved.is_set():
            stream = streams[reads % len(streams)]
            acknowledged = set(ledger.acknowledged[stream])
            assert acknowledged <= {number for _, number in await ledger.read(stream)}
            reads += 1
        return reads

    async with ledger.writers(streams, each=2):
        reader = asyncio.create_task(read_all_the_time())
        await ledger.written(streams)
        await move(servers, slot)
        await ledger.written(streams)
        moved.set()
        assert await reader > 10
    assert ledger.refused == []
    await ledger.is_whole()


async def test_the_only_writer_of_a_stream_finds_its_events_in_order(
    servers: Servers, ledger: Ledger, slot: int
) -> None:
    [stream] = await ledger.fill(slot, streams=1, events=1)
    async with ledger.writers([stream]):
        await move(servers, slot)
        await ledger.written([stream])
    assert [number for _, number in await ledger.read(stream)] == ledger.acknowledged[stream]


async def test_a_request_that_is_repeated_after_the_move_is_recognised(
    servers: Servers, ledger: Ledger, slot: int
) -> None:
    [stream] = keys_of(slot, 1)
    event = NewEvent("Happened", {"number": 1})
    await ledger.router.stores[SOURCE].append(Append(stream, [event], slot=Slot(slot, 1), idempotency_key="k"))
    await move(servers, slot)
    again = await ledger.router.stores[TARGET].append(Append(stream, [event], slot=Slot(slot, 2), idempotency_key="k"))
    assert (again.version, again.repeated) == (1, True)


async def test_a_tail_of_the_target_reads_every_stream_in_order(servers: Servers, ledger: Ledger, slot: int) -> None:
    streams = await ledger.fill(slot)
    async with ledger.writers(streams):
        await move(servers, slot)
        await ledger.written(streams)
    tail = servers.ask(
        TARGET,
        "select stream, version from events where slot = %s order by transaction_id, position",
        slot,
    )
    assert streams
    assert all(ledger.acknowledged[stream] for stream in streams)
    for stream in streams:
        versions = [version for name, version in tail if name == stream]
        assert versions == list(range(1, len(ledger.acknowledged[stream]) + 1))


async def test_an_empty_slot_moves_there_and_back(servers: Servers, ledger: Ledger, slot: int) -> None:
    await move(servers, slot)
    with pytest.raises(TargetNotReady, match=r"it still has rows .*: run `fortress shards drop` first"):
        await move(servers, slot, SOURCE)
    assert servers.mapped(slot) == (TARGET, 2, "owned")
    await drop(servers, slot)
    entry = await move(servers, slot, SOURCE)
    assert (entry.shard, entry.epoch) == (SOURCE, 3)
    await ledger.fill(slot)
    await ledger.is_whole()


async def test_a_slot_that_comes_back_has_all_its_events(servers: Servers, ledger: Ledger, slot: int) -> None:
    streams = await ledger.fill(slot)
    async with ledger.writers(streams):
        for target in (TARGET, SOURCE, TARGET):
            await move(servers, slot, target)
            await ledger.written(streams)
            await drop(servers, slot)
    assert servers.mapped(slot) == (TARGET, 4, "owned")
    await ledger.is_whole()


async def test_two_movers_of_a_slot_exclude_each_other(servers: Servers, ledger: Ledger, slot: int) -> None:
    await ledger.fill(slot)
    others: list[asyncio.Task[SlotEntry]] = []

    def others_try() -> None:
        others.append(asyncio.create_task(move(servers, slot, exclusive_seconds=0.0)))
        others.append(asyncio.create_task(abort_move(slot, **world(servers), limits=Limits(exclusive_seconds=0.0))))

    await move(servers, slot, report=at(Step.ANNOUNCED, others_try), batch_events=5)
    for outcome in await asyncio.gather(*others, return_exceptions=True):
        assert isinstance(outcome, MoveInProgress)
    assert servers.owners(slot) == [TARGET]


def world(servers: Servers) -> dict[str, Any]:
    operators = servers.operators()
    return {"databases": operators.databases, "map_store": operators.maps}


TAMPER = {
    "a changed event": "update events set data = '{}' where stream = %s and version = 3",
    "a lost event": "delete from events where stream = %s and version = 3",
    "a lost last event": "delete from events where stream = %s and version = 25",
    "an event behind the end": """
        insert into events (stream, version, slot, schema_version, change, total, type, data, metadata)
        select stream, 99, slot, 1, 0, total, type, data, metadata from events where stream = %s and version = 1
    """,
    "a changed end": "update streams set total = total + 1 where stream = %s",
    "a lost stream": "with gone as (delete from streams where stream = %s returning stream) "
    "insert into streams select stream || '-other', $slot, 1, 1 from gone",
}


@pytest.mark.parametrize("what", TAMPER)
async def test_a_copy_that_is_not_faithful_is_refused(servers: Servers, ledger: Ledger, slot: int, what: str) -> None:
    [stream, *_] = await ledger.fill(slot)

    def tamper() -> None:
        triggers = "select tgname from pg_trigger where tgrelid = 'events'::regclass and tgenabled = 'A'"
        names = [name for (name,) in servers.ask(TARGET, triggers)]
        for name in names:
            servers.ask(TARGET, f"alter table events disable trigger {name}")
        servers.ask(TARGET, TAMPER[what].replace("$slot", str(slot)), stream)
        for name in names:
            servers.ask(TARGET, f"alter table events enable always trigger {name}")

    with pytest.raises(ChecksumMismatch, match=f"the copy of slot {slot} differs"):
        await move(servers, slot, report=at(Step.COPIED, tamper))

    assert servers.owners(slot) == [SOURCE]
    assert servers.mapped(slot) == (SOURCE, 1, "moving")
    await abort(servers, slot)
    assert servers.rows_of(TARGET, slot) == {}
    await ledger.append(stream)
    await ledger.is_whole()
    await move(servers, slot)
    await ledger.is_whole()


async def test_what_is_copied_while_writers_wait_is_compared_too(servers: Servers, ledger: Ledger, slot: int) -> None:
    streams = await ledger.fill(slot)
    servers.ask(
        TARGET,
        "create function spoil() returns trigger language plpgsql as $$ begin new.data := '{}'; return new; end $$",
    )
    spoil = (
        f"create trigger spoil before insert on events for each row when (new.slot = {slot}) execute function spoil()"
    )

    def write_and_spoil() -> None:
        servers.ask(TARGET, spoil)
        servers.ask(SOURCE, LATE, streams[0], slot)

    with pytest.raises(ChecksumMismatch, match="the hash of the events"):
        await move(servers, slot, report=at(Step.CAUGHT_UP, write_and_spoil))
    servers.ask(TARGET, "drop trigger spoil on events")
    servers.ask(TARGET, "drop function spoil()")
    assert servers.owners(slot) == [SOURCE]
    await abort(servers, slot)


LATE = """
select outcome from append_events(
    null, array[%s], array[1], array[%s]::smallint[], array[1], array[null]::bigint[], array[null]::uuid[],
    array[null]::bigint[], array[null]::bigint[], array[null]::timestamptz[], array[false], array[1], array[1],
    array[null]::smallint[], array[null]::json[], array[1], array[1], array['Late'], array[1]::smallint[], array[1],
    array[1], array['{"number": -1}']::json[], array['{}']::json[]
)
"""


async def test_a_prepared_transaction_drains_before_the_slot_leaves(
    servers: Servers, ledger: Ledger, slot: int
) -> None:
    [stream, *_] = await ledger.fill(slot)
    with servers.server(SOURCE).as_operator(servers.databases["azure"]) as connection:
        connection.execute("begin")
        connection.execute(LATE, [stream, slot])
        connection.execute("prepare transaction 'half of a transfer'")
        with pytest.raises(SlotTooBusy, match="it is held by prepared transaction half of a transfer"):
            await move(servers, slot, patience_seconds=0.3)
        assert servers.owners(slot) == [SOURCE]
        moving = asyncio.create_task(move(servers, slot))
        connection.execute("commit prepared 'half of a transfer'")
    await moving
    assert servers.ask(TARGET, "select version, type from events where stream = %s and version = 26", stream) == [
        (26, "Late")
    ]


async def test_a_move_that_cannot_begin_leaves_nothing(servers: Servers, ledger: Ledger, slot: int) -> None:
    maps = servers.operators().maps
    with pytest.raises(SameShard):
        await move(servers, slot, SOURCE)
    with pytest.raises(UnknownShard):
        await move(servers, slot, "nowhere-0")
    await maps.set_shard_state(TARGET, ShardState.DRAINING)
    with pytest.raises(ShardNotActive):
        await move(servers, slot)
    await maps.set_shard_state(TARGET, ShardState.ACTIVE)
    with pytest.raises(SlotNotMoving):
        await abort(servers, slot)
    assert servers.mapped(slot) == (SOURCE, 1, "owned")
    assert servers.ask(SOURCE, "select from slot_departures where slot = %s", slot) == []


async def test_a_slot_goes_to_one_place(servers: Servers, ledger: Ledger, slot: int) -> None:
    servers.kill_mover("move", slot, Step.ARRIVING)
    with pytest.raises(SlotBusy, match=f"slot {slot} is moving to {TARGET} already"):
        await move(servers, slot, MAP)
    await abort(servers, slot)
    entry = await move(servers, slot, MAP)
    assert (entry.shard, servers.owners(slot)) == (MAP, [MAP])


async def test_a_decided_move_cannot_be_aborted(servers: Servers, ledger: Ledger, slot: int) -> None:
    streams = await ledger.fill(slot)
    servers.kill_mover("move", slot, Step.DECIDED)
    with pytest.raises(MoveIsDecided, match=f"the slot map gives slot {slot} to {TARGET} already"):
        await abort(servers, slot)
    assert (await resume_moves(**world(servers))).moved[-1:] == [slot]
    await ledger.append(streams[0])
    assert servers.owners(slot) == [TARGET]
    await ledger.is_whole()
    with pytest.raises(SlotNotMoving):
        await abort(servers, slot)


@pytest.mark.parametrize("step", [Step.COPYING, Step.CAUGHT_UP, Step.LEFT])
async def test_a_mover_that_lost_its_lock_while_others_aborted_changes_nothing(
    servers: Servers, ledger: Ledger, slot: int, step: Step
) -> None:
    streams = await ledger.fill(slot)

    def lose_lock_and_abort() -> None:
        servers.ask(
            SOURCE,
            "select pg_terminate_backend(pid, 5000) from pg_locks "
            "where locktype = 'advisory' and (classid, objid, objsubid) = (3, %s, 2)",
            slot,
        )
        assert servers.run("abort", slot) == 0

    with pytest.raises(Exception, match=r"not available|does not arrive here"):
        await move(servers, slot, report=at(step, lose_lock_and_abort), batch_events=40)

    assert servers.owners(slot) == [SOURCE]
    assert servers.mapped(slot) == (SOURCE, 1, "owned")
    assert servers.rows_of(TARGET, slot) == {}
    await ledger.append(streams[0])
    await ledger.is_whole()


async def test_rows_of_a_slot_that_is_here_to_stay_are_not_dropped(servers: Servers, ledger: Ledger, slot: int) -> None:
    await ledger.fill(slot)
    servers.kill_mover("move", slot, Step.LEFT)
    assert await drop(servers, slot) == []
    [(departure,)] = servers.ask(SOURCE, "select move from slot_departures where slot = %s", slot)
    with pytest.raises(Exception, match=f"slot {slot} is not one to be dropped here"):
        servers.ask(SOURCE, "select drop_slot_events(%s::smallint, %s, 10)", slot, departure)
    await abort(servers, slot)
    await ledger.is_whole()


def test_nobody_but_operators_moves_slots(servers: Servers) -> None:
    granted = servers.ask(
        SOURCE,
        "select proname from pg_proc where pronamespace = 'public'::regnamespace "
        "and proname ~ 'departure|arrival|_slot$|take_|want_abort|drop_slot' "
        "and has_function_privilege('ledger_writer', oid, 'execute')",
    )
    assert granted == []
    assert SMALL.batch_events == 40


async def test_a_mover_that_is_stuck_does_not_hold_up_writers(servers: Servers, ledger: Ledger, slot: int) -> None:
    [stream, *_] = await ledger.fill(slot)
    frozen = threading.Event()
    thawed = threading.Event()

    def freeze(progress: Progress) -> None:
        if progress.step is Step.LOCKED:
            frozen.set()
            thawed.wait(30)

    moving = asyncio.create_task(asyncio.to_thread(lambda: asyncio.run(move(servers, slot, report=freeze))))
    await asyncio.to_thread(frozen.wait, 30)
    await ledger.append(stream)
    assert ledger.refused == []
    thawed.set()
    with pytest.raises(DatabaseUnavailable, match=SOURCE):
        await moving
    assert servers.owners(slot) == [SOURCE]
    assert slot in (await resume_moves(**world(servers))).moved
    await ledger.is_whole()
