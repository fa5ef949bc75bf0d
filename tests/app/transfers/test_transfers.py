"""Transfers on real servers that all work."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from app.events import Append, BelowFloor, EventStore, EventStoreError, KeyReused, NewEvent, Overdue, StreamClosed
from app.transfers import Leg, SameStream, Step, TransferContended, Unbalanced
from tests.app.transfers.conftest import GRANTED, Bank, legs, pair, stream_on

pytestmark = pytest.mark.servers

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ROUTES = [
    ("aws-0", "aws-0", "source"),
    ("aws-0", "aws-0", "target"),
    ("aws-0", "azure-0", "source"),
    ("aws-0", "azure-0", "target"),
    ("azure-0", "aws-0", "target"),
]
everywhere = pytest.mark.parametrize("route", ROUTES, ids=lambda route: "-".join(route))


@pytest.fixture
def streams(route: tuple[str, str, str]) -> tuple[str, str]:
    """Source and target; which of the two is locked first is the last of the route's parts."""
    return pair(*route[:2], prepared=route[2])


def store_of(bank: Bank, stream: str) -> EventStore:
    return EventStore(bank.databases.by_shard[bank.place(stream).shard])


def untouched(bank: Bank, source: str, target: str) -> bool:
    return (
        bank.history(source) == [("Granted", GRANTED, GRANTED)]
        and bank.count(target, "TransferredIn") == 0
        and not bank.servers.prepared()
    )


@everywhere
async def test_a_transfer_moves_its_amount_once(bank: Bank, route: tuple[str, str, str]) -> None:
    source, target = pair(*route[:2], prepared=route[2])
    await bank.grant(source)
    first = await bank.transfers.transfer(*legs(source, target, 300), key="k")
    assert (first.source.version, first.source.total, first.repeated) == (2, GRANTED - 300, False)
    assert (first.target.version, first.target.total, first.settled) == (1, 300, True)
    again = await bank.transfers.transfer(*legs(source, target, 300), key="k")
    assert (again.source[:2], again.target[:2], again.repeated) == (first.source[:2], first.target[:2], True)
    assert (bank.total(source), bank.total(target)) == (GRANTED - 300, 300)
    assert not bank.servers.prepared()
    assert set(bank.stored) == set(route[:2])


@everywhere
async def test_what_the_source_cannot_cover_moves_nothing(bank: Bank, streams: tuple[str, str]) -> None:
    await bank.grant(streams[0])
    with pytest.raises(BelowFloor) as caught:
        await bank.transfers.transfer(*legs(*streams, GRANTED + 1), key="k")
    assert caught.value.total == GRANTED
    assert untouched(bank, *streams)
    await bank.transfers.transfer(*legs(*streams, GRANTED), key="k")
    assert (bank.total(streams[0]), bank.total(streams[1])) == (0, GRANTED)


@everywhere
async def test_what_the_target_does_not_take_stays_with_the_source(bank: Bank, streams: tuple[str, str]) -> None:
    source, target = streams
    await bank.grant(source)
    await store_of(bank, target).append(Append(target, [NewEvent("Closed", {})], slot=bank.slot(target), closes=True))
    with pytest.raises(StreamClosed, match=target):
        await bank.transfers.transfer(*legs(source, target, 1), key="k")
    assert untouched(bank, source, target)


@everywhere
async def test_a_source_of_which_something_has_ended_is_looked_at_first(bank: Bank, streams: tuple[str, str]) -> None:
    source, target = streams
    past = NOW - timedelta(seconds=1)
    granted = NewEvent("Granted", {}, GRANTED)
    await store_of(bank, source).append(Append(source, [granted], slot=bank.slot(source), due=past))
    with pytest.raises(Overdue, match=source):
        await bank.transfers.transfer(*legs(source, target, 1), key="k", now=NOW)
    assert untouched(bank, source, target)


@everywhere
@pytest.mark.parametrize("other", ["amount", "target"])
async def test_a_key_stands_for_one_transfer(bank: Bank, streams: tuple[str, str], other: str) -> None:
    source, target = streams
    await bank.grant(source)
    await bank.transfers.transfer(*legs(source, target, 5), key="k")
    another = legs(source, target, 6) if other == "amount" else legs(source, f"{target}-2", 5)
    with pytest.raises(KeyReused):
        await bank.transfers.transfer(*another, key="k")
    assert (bank.total(source), bank.total(target)) == (GRANTED - 5, 5)
    assert not bank.servers.prepared()


@everywhere
async def test_a_key_that_the_source_used_otherwise_is_refused(bank: Bank, streams: tuple[str, str]) -> None:
    source, target = streams
    granted = NewEvent("Granted", {}, GRANTED)
    await store_of(bank, source).append(Append(source, [granted], slot=bank.slot(source), idempotency_key="k"))
    with pytest.raises(KeyReused):
        await bank.transfers.transfer(*legs(source, target, 5), key="k")
    assert untouched(bank, source, target)


async def test_two_sources_may_use_the_same_key(bank: Bank) -> None:
    one, target = pair("aws-0", "azure-0", prepared="source")
    two = stream_on("aws-0", prefix="two")
    await bank.grant(one, two)
    for source in (one, two):
        assert not (await bank.transfers.transfer(*legs(source, target, 5), key="k")).repeated
    assert bank.total(target) == 10


@everywhere
async def test_a_request_that_is_delivered_many_times_at_once_counts_once(bank: Bank, streams: tuple[str, str]) -> None:
    await bank.grant(streams[0])
    asked = [bank.transfers.transfer(*legs(*streams, 7), key="k") for _ in range(12)]
    answers = await asyncio.gather(*asked)
    assert sum(not answer.repeated for answer in answers) == 1
    assert len({(answer.source[:2], answer.target[:2]) for answer in answers}) == 1
    assert (bank.total(streams[0]), bank.total(streams[1])) == (GRANTED - 7, 7)


async def test_transfers_in_a_circle_do_not_wait_for_each_other(bank: Bank) -> None:
    accounts = [stream_on(shard, prefix=f"{shard}-{number}") for shard in bank.proxies for number in range(2)]
    await bank.grant(*accounts)
    pairs = list(itertools.permutations(accounts, 2)) * 4
    answers = await asyncio.gather(
        *(bank.transfers.transfer(*legs(*pair, 3), key=f"k{number}") for number, pair in enumerate(pairs))
    )
    assert not any(answer.repeated for answer in answers)
    assert [bank.total(account) for account in accounts] == [GRANTED] * len(accounts)
    assert not bank.servers.prepared()
    assert set(bank.decisions()) == {"commit"}


@everywhere
async def test_a_stale_map_is_refreshed(bank: Bank, streams: tuple[str, str]) -> None:
    await bank.grant(streams[0])
    bank.epochs_behind = 1
    await bank.transfers.transfer(*legs(*streams, 4), key="k")
    assert (bank.total(streams[0]), bank.total(streams[1])) == (GRANTED - 4, 4)
    assert not bank.servers.prepared()


@pytest.mark.parametrize("prepared", ["source", "target"])
async def test_a_cancelled_caller_leaves_no_prepared_branch(bank: Bank, prepared: str) -> None:
    source, target = pair("aws-0", "azure-0", prepared=prepared)
    await bank.grant(source)
    arrived = asyncio.Event()
    bank.faults[Step.DECIDING] = lambda: _wait_a_turn(arrived)
    call = asyncio.create_task(bank.transfers.transfer(*legs(source, target, 4), key="k"))
    await arrived.wait()
    call.cancel()
    await asyncio.wait([call])
    await bank.transfers.close()
    assert (bank.total(source), bank.total(target)) == (GRANTED - 4, 4)
    assert not bank.servers.prepared()


async def _wait_a_turn(arrived: asyncio.Event) -> None:
    arrived.set()
    await asyncio.sleep(0)


async def test_a_prepared_half_keeps_its_slot_and_its_stream(bank: Bank) -> None:
    source, target = pair("aws-0", "azure-0", prepared="target")
    await bank.grant(source)
    free: list[tuple[bool]] = []

    def ask() -> None:
        slot = bank.slot(target).number
        free.extend(bank.servers.ask("azure-0", "select pg_try_advisory_lock(1, %s)", slot))  # type: ignore[arg-type]

    bank.faults[Step.PREPARED] = ask
    bank.faults[Step.SETTLED] = ask
    await bank.transfers.transfer(*legs(source, target, 4), key="k")
    assert free == [(False,), (True,)]


async def test_what_waits_for_streams_leaves_connections_to_let_go_of_them(bank: Bank) -> None:
    source, target = pair("aws-0", "azure-0", prepared="source")
    await bank.grant(source)
    async with contextlib.AsyncExitStack() as held:

        async def take_every_connection() -> None:
            for _ in range(3):
                await held.enter_async_context(bank.databases.by_shard["aws-0"].connection())

        bank.faults[Step.SETTLING] = take_every_connection
        assert (await bank.transfers.transfer(*legs(source, target, 4), key="k")).settled


async def test_a_stream_that_is_held_too_long_gives_the_transfer_up(bank: Bank) -> None:
    source, target = pair("aws-0", "azure-0", prepared="source")
    await bank.grant(source, target)
    bank.transfers._seconds = 0.5
    with bank.servers.of("azure-0").as_operator(bank.servers.databases["azure"]) as other:
        other.execute("select pg_advisory_lock(hashed) from unnest(%s::bigint[]) hashed", [[_lock_of(target)]])
        with pytest.raises(TransferContended, match=target):
            await bank.transfers.transfer(*legs(source, target, 4), key="k")
    assert untouched(bank, source, target)


def _lock_of(stream: str) -> int:
    from tests.app.transfers.conftest import place_in_order

    return place_in_order(stream)


async def test_only_the_role_of_the_app_may_finish_its_branch(bank: Bank) -> None:
    source, target = pair("aws-0", "azure-0", prepared="target")
    await bank.grant(source)
    refused: list[psycopg.Error] = []

    def another_role_tries() -> None:
        [gid] = bank.servers.prepared()
        with bank.servers.of("azure-0").connect(bank.servers.databases["azure"], "migrator") as connection:
            try:
                connection.execute(f"rollback prepared '{gid}'")
            except psycopg.errors.InsufficientPrivilege as error:
                refused.append(error)

    bank.faults[Step.PREPARED] = another_role_tries
    assert (await bank.transfers.transfer(*legs(source, target, 4), key="k")).settled
    assert refused


async def test_nonsense_reaches_no_server(bank: Bank) -> None:
    with pytest.raises(SameStream):
        await bank.transfers.transfer(*legs("a", "a", 1), key="k")
    with pytest.raises(Unbalanced, match="by -1 and the target by 2"):
        await bank.transfers.transfer(Leg("a", NewEvent("Out", {}, -1)), Leg("b", NewEvent("In", {}, 2)), key="k")
    with pytest.raises(EventStoreError, match="idempotency key"):
        await bank.transfers.transfer(*legs("a", "b", 1), key="")
    assert bank.total("a", "b") == 0
