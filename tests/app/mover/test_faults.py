"""Whatever dies while a slot moves, mover or server: nothing is lost, and never do two shards take its writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from app.database import DatabaseUnavailable
from app.sharding.mover import Limits, Progress, Resumed, Step, abort_move, drop_departed, move_slot, resume_moves
from tests.app.mover.conftest import MAP, SOURCE, TARGET, Ledger, Servers
from tests.combinations import covering

pytestmark = pytest.mark.servers

UNDECIDED = [
    Step.BEGUN,
    Step.ANNOUNCED,
    Step.ARRIVING,
    Step.COPYING,
    Step.COPIED,
    Step.VERIFIED,
    Step.CAUGHT_UP,
    Step.LOCKED,
    Step.COMPARED,
    Step.LEFT,
]
DECIDED = [Step.DECIDED, Step.OWNED]
WITH_SERVERS = [
    Step.ANNOUNCED,
    Step.COPYING,
    Step.COPIED,
    Step.LOCKED,
    Step.COMPARED,
    Step.LEFT,
    Step.DECIDED,
    Step.OWNED,
]
OF_AN_ABORT = [Step.ABORTING, Step.REVOKED, Step.RETURNED, Step.ABANDONED, Step.DROPPING]

RESUMED = {*UNDECIDED[::2], *DECIDED}
"""Where the killed mover is resumed in every run; at the other steps it is aborted, and `full` runs do both at each."""


def only(steps: set[Step], every: list[Step]) -> list[Any]:
    """Return every step as a parameter; those that are not among `steps` run in `make test-full` only."""
    return [step if step in steps else pytest.param(step, marks=pytest.mark.full) for step in every]


def world(servers: Servers) -> dict[str, Any]:
    operators = servers.operators()
    return {"databases": operators.databases, "map_store": operators.maps, "limits": Limits(patience_seconds=10)}


async def resume(servers: Servers) -> Resumed:
    return await resume_moves(**world(servers))


async def resume_until_moved(servers: Servers, slot: int) -> None:
    """Where writers are busy a move lets go of them, and says so: on a slow machine more than once."""
    for _ in range(20):
        if slot in (await resume(servers)).moved:
            return
    pytest.fail(f"slot {slot} did not move however often it was resumed")


async def is_settled(servers: Servers, ledger: Ledger, slot: int, owner: str) -> None:
    """One shard has the slot, the map names it, it takes writes, everything is there, and nothing is left to do."""
    epoch = 1 if owner == SOURCE else 2
    assert servers.owners(slot) == [owner]
    assert servers.state(owner, slot) == (epoch, "owned")
    assert servers.mapped(slot) == (owner, epoch, "owned")
    for stream in list(ledger.acknowledged):
        await ledger.append(stream)
    await ledger.is_whole()
    for shard in (SOURCE, TARGET):
        assert not servers.ask(shard, "select from slot_arrivals where slot = %s", slot)
        assert not servers.ask(
            shard, "select from slot_departures where slot = %s and step in ('copying', 'left')", slot
        )
    if owner == SOURCE:
        assert servers.rows_of(TARGET, slot) == {}
    else:
        assert await drop_departed(servers.operators().databases, slot=slot, grace_seconds=0) == [slot]
        assert servers.rows_of(SOURCE, slot) == {"slots": 1}
        await ledger.is_whole()


@pytest.mark.parametrize("step", only(RESUMED, [*UNDECIDED, *DECIDED]))
async def test_a_move_whose_mover_was_killed_is_resumed(
    servers: Servers, ledger: Ledger, slot: int, step: Step
) -> None:
    streams = await ledger.fill(slot)
    async with ledger.writers(streams[:2]):
        await asyncio.to_thread(servers.kill_mover, "move", slot, step)
        assert len(servers.owners(slot)) == (0 if step in (Step.LEFT, Step.DECIDED) else 1)
        await resume_until_moved(servers, slot)
        await ledger.written(streams[:2])
    await is_settled(servers, ledger, slot, TARGET)


@pytest.mark.parametrize("step", only({*UNDECIDED} - RESUMED, UNDECIDED))
async def test_a_move_whose_mover_was_killed_is_aborted(
    servers: Servers, ledger: Ledger, slot: int, step: Step
) -> None:
    streams = await ledger.fill(slot)
    async with ledger.writers(streams[:2]):
        await asyncio.to_thread(servers.kill_mover, "move", slot, step)
        entry = await abort_move(slot, **world(servers))
        assert (entry.shard, entry.epoch) == (SOURCE, 1)
        await ledger.written(streams[:2])
    await is_settled(servers, ledger, slot, SOURCE)


@pytest.mark.parametrize(("step", "moved_to"), covering(OF_AN_ABORT, [Step.COPIED, Step.LEFT], together=1))
async def test_an_abort_that_was_killed_is_brought_to_its_end(
    servers: Servers, ledger: Ledger, slot: int, step: Step, moved_to: Step
) -> None:
    streams = await ledger.fill(slot)
    async with ledger.writers(streams[:2]):
        await asyncio.to_thread(servers.kill_mover, "move", slot, moved_to)
        await asyncio.to_thread(servers.kill_mover, "abort", slot, step)
        assert len(servers.owners(slot)) <= 1
        assert slot in (await resume(servers)).aborted
        await ledger.written(streams[:2])
    await is_settled(servers, ledger, slot, SOURCE)


@pytest.mark.parametrize("step", only({Step.LOCKED}, [Step.COPYING, Step.LOCKED, Step.LEFT]))
async def test_a_mover_may_be_killed_again_and_again(servers: Servers, ledger: Ledger, slot: int, step: Step) -> None:
    streams = await ledger.fill(slot)
    async with ledger.writers(streams[:1]):
        await asyncio.to_thread(servers.kill_mover, "move", slot, step)
        for again in (Step.BEGUN, Step.COMPARED, Step.DECIDED):
            await asyncio.to_thread(servers.kill_mover, "resume", slot, again)
            assert len(servers.owners(slot)) <= 1
        assert slot in (await resume(servers)).moved
    await is_settled(servers, ledger, slot, TARGET)


async def test_a_killed_drop_goes_on(servers: Servers, ledger: Ledger, slot: int) -> None:
    await ledger.fill(slot)
    await move_slot(slot, TARGET, **world(servers))
    await asyncio.to_thread(servers.kill_mover, "drop", slot, Step.DROPPING)
    await is_settled(servers, ledger, slot, TARGET)


def restart(servers: Servers, shard: str) -> None:
    servers.server(shard).kill()
    servers.server(shard).start()


def at(step: Step, do: Callable[[], object]) -> Callable[[Progress], None]:
    done = []

    def report(progress: Progress) -> None:
        if progress.step is step and not done:
            done.append(do())

    return report


@pytest.mark.parametrize(("step", "shard"), covering(WITH_SERVERS, [SOURCE, TARGET, MAP], together=1))
async def test_a_move_outlives_a_killed_server(
    servers: Servers, ledger: Ledger, slot: int, step: Step, shard: str
) -> None:
    streams = await ledger.fill(slot)
    async with ledger.writers(streams[:2]):
        try:
            await move_slot(slot, TARGET, **world(servers), report=at(step, lambda: restart(servers, shard)))
        except DatabaseUnavailable:
            assert len(servers.owners(slot)) <= 1
            resumed = await resume(servers)
            assert not resumed.failed
        await ledger.written(streams[:2])
    await is_settled(servers, ledger, slot, TARGET)


async def test_a_target_that_is_gone_does_not_hold_up_an_abort(servers: Servers, ledger: Ledger, slot: int) -> None:
    streams = await ledger.fill(slot)
    servers.kill_mover("move", slot, Step.LEFT)
    servers.server(TARGET).kill()
    with pytest.raises(DatabaseUnavailable, match=TARGET):
        await abort_move(slot, **world(servers))
    await ledger.append(streams[0])
    assert TARGET in (await resume(servers)).failed
    servers.revive()
    assert slot in (await resume(servers)).aborted
    await is_settled(servers, ledger, slot, SOURCE)


async def test_a_source_that_is_gone_does_not_hold_up_what_is_decided(
    servers: Servers, ledger: Ledger, slot: int
) -> None:
    streams = await ledger.fill(slot)
    servers.kill_mover("move", slot, Step.DECIDED)
    servers.server(SOURCE).kill()
    resumed = await resume(servers)
    assert slot in resumed.moved
    assert SOURCE in resumed.failed
    await ledger.append(streams[0])
    servers.revive()
    await resume(servers)
    await is_settled(servers, ledger, slot, TARGET)


async def test_a_target_that_lost_what_had_come_gets_it_again(servers: Servers, ledger: Ledger, slot: int) -> None:
    """Such as one that was restored from a backup between the copy and the flip."""
    [stream, *_] = await ledger.fill(slot)
    servers.kill_mover("move", slot, Step.LEFT)
    triggers = "select tgname from pg_trigger where tgrelid = 'events'::regclass and tgenabled = 'A'"
    for (name,) in servers.ask(TARGET, triggers):
        servers.ask(TARGET, f"alter table events disable trigger {name}")
        servers.ask(
            TARGET, "delete from events where stream = %s and version > 20", stream
        ) if "deleted" in name else None
        servers.ask(TARGET, f"alter table events enable always trigger {name}")
    servers.ask(TARGET, "update streams set version = 20, total = 20 where stream = %s", stream)
    assert slot in (await resume(servers)).moved
    await is_settled(servers, ledger, slot, TARGET)
