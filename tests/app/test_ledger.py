"""The ledger on real databases: three shards at home in three clouds, and a clock that can be moved."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from app.credits import (
    Account,
    AccountClosed,
    AccountId,
    AccountNotEmpty,
    BalanceTooLarge,
    CreditsError,
    ExpiryWorker,
    GrantExpired,
    InsufficientCredits,
    InvalidAmount,
    InvalidExpiry,
    Ledger,
    NaiveTimestamp,
    Origin,
    Posted,
    ReservationClosed,
    ReservationExceeded,
    ReservationExpired,
    SameAccount,
    Spent,
    UnknownAccount,
    UnknownReservation,
    account_id,
    fold,
)
from app.credits.balances import Balances
from app.credits.ledger import utc_now
from app.credits.shards import Shards
from app.credits.values import LARGEST_AMOUNT
from app.data_plane import DataPlane
from app.events import Append, KeyReused, NewEvent, Slot
from app.personal_data.key_file import FileMasterKey
from app.topology import Directory

from .conftest import Postgres

pytestmark = pytest.mark.servers

HOUR = timedelta(hours=1)
ALICE, BOB = account_id("alice"), account_id("bob")


class Clock:
    """The real time, and what it was moved by."""

    def __init__(self) -> None:
        self.moved = timedelta(0)

    def __call__(self) -> datetime:
        return utc_now() + self.moved


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def plane(migrated: Directory, clock: Clock, master: FileMasterKey) -> AsyncIterator[DataPlane]:
    plane = DataPlane(migrated, cloud="aws", pool_size=4, database_seconds=5, master_key=master, clock=clock)
    await plane.open()
    yield plane
    await plane.close()


@pytest.fixture
def ledger(plane: DataPlane) -> Ledger:
    return plane.ledger


def by(key: str | None = None) -> Origin:
    return Origin.of("tester", key)


async def account_of(ledger: Ledger, account: AccountId) -> Account:
    return fold(await ledger.history(account))


def expiry(plane: DataPlane, clock: Clock, account: AccountId, page: int = 200) -> ExpiryWorker:
    shard = plane.router.route(account)[0].shard
    return ExpiryWorker(shard, plane.databases.by_shard[shard], plane.ledger, clock, page=page)


def accounts_at(directory: Directory, home: str) -> list[AccountId]:
    return [account_id(name) for name in (f"a{n}" for n in range(300)) if directory.place_of(name).home == home]


class TestSpending:
    """Credits that go out."""

    async def test_what_is_spent_is_gone(self, ledger: Ledger) -> None:
        await ledger.grant(ALICE, 10, origin=by())
        posted = await ledger.spend(ALICE, 4, origin=by(), reason="coffee")
        assert (posted.balance, posted.version, posted.repeated) == (6, 2, False)
        assert (await ledger.history(ALICE))[1] == Spent(4, "coffee")

    async def test_more_than_there_is_cannot_be_spent(self, ledger: Ledger) -> None:
        await ledger.grant(ALICE, 10, origin=by())
        with pytest.raises(InsufficientCredits) as caught:
            await ledger.spend(ALICE, 11, origin=by())
        assert (caught.value.needed, caught.value.available) == (11, 10)
        assert len(await ledger.history(ALICE)) == 1

    async def test_spends_that_race_never_take_more_than_there_is(self, ledger: Ledger) -> None:
        await ledger.grant(ALICE, 10, origin=by())
        outcomes = await asyncio.gather(
            *(ledger.spend(ALICE, 1, origin=by()) for _ in range(25)), return_exceptions=True
        )
        assert sum(isinstance(outcome, Posted) for outcome in outcomes) == 10
        assert sum(isinstance(outcome, InsufficientCredits) for outcome in outcomes) == 15
        assert (await ledger.balance(ALICE)).available == 0

    async def test_nobody_spends_from_an_account_that_never_was(self, ledger: Ledger) -> None:
        for refused in (ledger.spend(ALICE, 1, origin=by()), ledger.reserve(ALICE, 1, origin=by())):
            with pytest.raises(UnknownAccount):
                await refused

    @pytest.mark.parametrize("amount", [0, -1, 1.5, True, float("nan"), float("inf"), LARGEST_AMOUNT + 1])
    async def test_what_is_no_amount_is_refused_everywhere(self, ledger: Ledger, amount: Any) -> None:
        await ledger.grant(ALICE, 10, origin=by())
        reservation, _ = await ledger.reserve(ALICE, 5, origin=by())
        for refused in (
            ledger.grant(ALICE, amount, origin=by()),
            ledger.spend(ALICE, amount, origin=by()),
            ledger.reserve(ALICE, amount, origin=by()),
            ledger.capture(ALICE, reservation, amount, origin=by()),
            ledger.transfer(ALICE, BOB, amount, origin=by()),
        ):
            with pytest.raises(InvalidAmount):
                await refused
        assert len(await ledger.history(ALICE)) == 2


class TestExpiry:
    """Credits that end by themselves."""

    async def test_credits_whose_time_is_over_are_not_spent(self, ledger: Ledger, clock: Clock) -> None:
        await ledger.grant(ALICE, 5, origin=by(), expires_at=clock() + HOUR)
        await ledger.grant(ALICE, 2, origin=by())
        clock.moved = 2 * HOUR
        assert (await ledger.balance(ALICE)).available == 2
        with pytest.raises(InsufficientCredits) as caught:
            await ledger.spend(ALICE, 3, origin=by())
        assert caught.value.available == 2
        assert (await ledger.spend(ALICE, 2, origin=by())).balance == 0
        assert GrantExpired(5, 1) in await ledger.history(ALICE)

    async def test_credits_that_expire_first_are_spent_first(self, ledger: Ledger, clock: Clock) -> None:
        await ledger.grant(ALICE, 5, origin=by())
        await ledger.grant(ALICE, 5, origin=by(), expires_at=clock() + HOUR)
        await ledger.spend(ALICE, 4, origin=by())
        clock.moved = 2 * HOUR
        assert await ledger.expire(ALICE, origin=by()) == 1
        assert (await ledger.balance(ALICE)).available == 5

    async def test_a_decision_does_not_make_an_end_forgotten(self, ledger: Ledger, clock: Clock) -> None:
        await ledger.grant(ALICE, 5, origin=by(), expires_at=clock() + HOUR)
        reservation, _ = await ledger.reserve(ALICE, 2, origin=by())
        await ledger.capture(ALICE, reservation, 1, origin=by())
        clock.moved = 2 * HOUR
        with pytest.raises(InsufficientCredits):
            await ledger.spend(ALICE, 1, origin=by())
        # What comes back after its time is gone at once.
        await ledger.release(ALICE, reservation, origin=by())
        with pytest.raises(InsufficientCredits):
            await ledger.spend(ALICE, 1, origin=by())

    async def test_a_grant_that_was_used_up_ends_without_a_word(
        self, ledger: Ledger, plane: DataPlane, clock: Clock
    ) -> None:
        await ledger.grant(ALICE, 5, origin=by(), expires_at=clock() + HOUR)
        await ledger.spend(ALICE, 5, origin=by())
        clock.moved = 2 * HOUR
        assert await expiry(plane, clock, ALICE).look() == 0
        await ledger.grant(ALICE, 1, origin=by())
        assert (await ledger.spend(ALICE, 1, origin=by())).version == 4

    async def test_what_is_due_is_recorded_by_itself(self, ledger: Ledger, plane: DataPlane, clock: Clock) -> None:
        await ledger.grant(ALICE, 5, origin=by(), expires_at=clock() + HOUR)
        await ledger.grant(ALICE, 5, origin=by())
        reservation, _ = await ledger.reserve(ALICE, 7, origin=by(), expires_at=clock() + HOUR)
        assert await expiry(plane, clock, ALICE).look() == 0
        clock.moved = 2 * HOUR
        assert await expiry(plane, clock, ALICE).look() == 2
        assert (await ledger.history(ALICE))[3:] == [ReservationExpired(7, reservation), GrantExpired(5, 1)]
        assert (await ledger.reservation(ALICE, reservation)).state == "expired"
        assert await expiry(plane, clock, ALICE).look() == 0

    async def test_an_account_that_cannot_be_settled_holds_up_nobody(
        self, ledger: Ledger, plane: DataPlane, clock: Clock, migrated: Directory, postgres: Postgres
    ) -> None:
        damaged, *others = accounts_at(migrated, "aws")[:4]
        for account in (damaged, *others):
            await ledger.grant(account, 5, origin=by(), expires_at=clock() + HOUR)
        place, store = plane.router.route(damaged)
        await store.append(Append(damaged, [NewEvent("Unheard", {})], slot=Slot(place.slot, place.epoch)))
        clock.moved = 2 * HOUR
        plane.ledger._streams._recent.forget(damaged)
        with capture_logs() as lines:
            assert await expiry(plane, clock, damaged, page=1).look() == 3
        assert [line["event"] for line in lines] == ["not expired"]
        assert damaged not in str(lines)

    async def test_an_end_lies_in_the_future_and_in_a_time_zone(self, ledger: Ledger, clock: Clock) -> None:
        with pytest.raises(InvalidExpiry):
            await ledger.grant(ALICE, 1, origin=by(), expires_at=clock() - HOUR)
        with pytest.raises(NaiveTimestamp):
            await ledger.grant(ALICE, 1, origin=by(), expires_at=(clock() + HOUR).replace(tzinfo=None))
        assert await ledger.history(ALICE) == []


class TestReservations:
    """Credits that are set aside."""

    async def test_reserved_credits_are_kept_until_they_are_captured_or_released(self, ledger: Ledger) -> None:
        await ledger.grant(ALICE, 10, origin=by())
        reservation, posted = await ledger.reserve(ALICE, 6, origin=by())
        assert posted.balance == 4
        with pytest.raises(InsufficientCredits):
            await ledger.spend(ALICE, 5, origin=by())
        await ledger.capture(ALICE, reservation, 2, origin=by())
        balance = await ledger.balance(ALICE)
        assert (balance.available, balance.reserved) == (4, 4)
        assert (await ledger.release(ALICE, reservation, origin=by())).balance == 8
        line = await ledger.reservation(ALICE, reservation)
        assert (line.reserved, line.captured, line.held, line.state) == (6, 2, 0, "released")

    async def test_all_of_it_is_captured_where_no_amount_is_named(self, ledger: Ledger) -> None:
        await ledger.grant(ALICE, 10, origin=by())
        reservation, _ = await ledger.reserve(ALICE, 6, origin=by())
        await ledger.capture(ALICE, reservation, origin=by())
        assert (await ledger.reservation(ALICE, reservation)).state == "captured"

    async def test_a_reservation_is_closed_once(self, ledger: Ledger) -> None:
        await ledger.grant(ALICE, 10, origin=by())
        reservation, _ = await ledger.reserve(ALICE, 6, origin=by())
        with pytest.raises(ReservationExceeded):
            await ledger.capture(ALICE, reservation, 7, origin=by())
        outcomes = await asyncio.gather(
            *(ledger.capture(ALICE, reservation, origin=by()) for _ in range(5)),
            *(ledger.release(ALICE, reservation, origin=by()) for _ in range(5)),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, Posted) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, ReservationClosed) for outcome in outcomes) == 9
        with pytest.raises(UnknownReservation):
            await ledger.release(ALICE, "made-up", origin=by())

    async def test_parts_that_are_captured_at_once_are_all_captured(self, ledger: Ledger) -> None:
        await ledger.grant(ALICE, 10, origin=by())
        reservation, _ = await ledger.reserve(ALICE, 10, origin=by())
        await asyncio.gather(*(ledger.capture(ALICE, reservation, 1, origin=by()) for _ in range(10)))
        assert (await ledger.reservation(ALICE, reservation)).captured == 10

    async def test_a_repeated_capture_captures_once(self, ledger: Ledger, plane: DataPlane, clock: Clock) -> None:
        await ledger.grant(ALICE, 10, origin=by())
        reservation, _ = await ledger.reserve(ALICE, 6, origin=by("reserve"))
        again, posted = await ledger.reserve(ALICE, 6, origin=by("reserve"))
        assert (again, posted.repeated) == (reservation, True)
        for capture in ((2, "part"), (None, "rest")):
            first = await ledger.capture(ALICE, reservation, capture[0], origin=by(capture[1]))
            for process in (ledger, another(plane, clock)):
                repeated = await process.capture(ALICE, reservation, capture[0], origin=by(capture[1]))
                assert (repeated.version, repeated.balance, repeated.repeated) == (first.version, first.balance, True)
        with pytest.raises(KeyReused):
            await ledger.capture(ALICE, reservation, 1, origin=by("rest"))
        with pytest.raises(KeyReused):
            await ledger.release(ALICE, reservation, origin=by("part"))


def another(plane: DataPlane, clock: Clock) -> Ledger:
    """A ledger that has seen no account yet."""
    personal = plane.ledger._texts._personal
    return Ledger(Shards(plane.router, plane.databases.by_shard), plane.transfers, personal, clock=clock)


async def test_two_processes_that_work_on_one_account_agree(ledger: Ledger, plane: DataPlane, clock: Clock) -> None:
    other = another(plane, clock)
    await ledger.grant(ALICE, 100, origin=by())
    for one, two in ((ledger, other), (other, ledger)):
        reservation, _ = await one.reserve(ALICE, 10, origin=by())
        await two.capture(ALICE, reservation, 4, origin=by())
        await one.capture(ALICE, reservation, 3, origin=by())
        await two.release(ALICE, reservation, origin=by())
        with pytest.raises(ReservationClosed):
            await one.release(ALICE, reservation, origin=by())
    assert (await ledger.balance(ALICE)).available == 86


class TestTransfers:
    """Credits that change their account."""

    @pytest.mark.parametrize(("source", "target"), [("aws", "aws"), ("aws", "gcp"), ("gcp", "azure")])
    async def test_what_one_loses_the_other_gains(
        self, ledger: Ledger, migrated: Directory, source: str, target: str
    ) -> None:
        one, other = accounts_at(migrated, source)[0], accounts_at(migrated, target)[1]
        await ledger.grant(one, 10, origin=by())
        await ledger.grant(other, 1, origin=by())
        moved = await ledger.transfer(one, other, 4, origin=by("key"), reason="rent")
        assert (moved.source.balance, moved.target.balance) == (6, 5)
        again = await ledger.transfer(one, other, 4, origin=by("key"), reason="rent")
        assert (again.transfer, again.source.version, again.source.repeated) == (moved.transfer, 2, True)
        with pytest.raises(KeyReused):
            await ledger.transfer(one, other, 5, origin=by("key"), reason="rent")
        assert [(await ledger.balance(account)).available for account in (one, other)] == [6, 5]

    async def test_a_transfer_that_cannot_be_made_leaves_no_trace(self, ledger: Ledger, clock: Clock) -> None:
        await ledger.grant(ALICE, 10, origin=by())
        await ledger.grant(ALICE, 5, origin=by(), expires_at=clock() + HOUR)
        with pytest.raises(UnknownAccount):
            await ledger.transfer(ALICE, BOB, 1, origin=by())
        await ledger.grant(BOB, 1, origin=by())
        with pytest.raises(SameAccount):
            await ledger.transfer(ALICE, ALICE, 1, origin=by())
        with pytest.raises(UnknownAccount):
            await ledger.transfer(account_id("carol"), BOB, 1, origin=by())
        clock.moved = 2 * HOUR
        with pytest.raises(InsufficientCredits) as caught:
            await ledger.transfer(ALICE, BOB, 11, origin=by())
        assert caught.value.available == 10
        await ledger.spend(BOB, 1, origin=by())
        await ledger.close(BOB, origin=by())
        with pytest.raises(AccountClosed, match="bob"):
            await ledger.transfer(ALICE, BOB, 1, origin=by())
        assert (await ledger.balance(ALICE)).available == 10

    async def test_transfers_in_circles_lose_nothing(self, ledger: Ledger, migrated: Directory) -> None:
        accounts = [accounts_at(migrated, home)[0] for home in ("aws", "azure", "gcp")]
        for account in accounts:
            await ledger.grant(account, 20, origin=by())
        pairs = [(accounts[n % 3], accounts[(n + 1 + n % 2) % 3]) for n in range(24)]
        outcomes = await asyncio.gather(
            *(ledger.transfer(*pair, 3, origin=by()) for pair in pairs), return_exceptions=True
        )
        assert not [each for each in outcomes if isinstance(each, Exception) and not isinstance(each, CreditsError)]
        assert sum([(await ledger.balance(account)).available for account in accounts]) == 60


class TestClosing:
    """Accounts that end."""

    async def test_only_an_empty_account_is_closed_and_takes_nothing_more(self, ledger: Ledger) -> None:
        await ledger.grant(ALICE, 1, origin=by())
        with pytest.raises(AccountNotEmpty):
            await ledger.close(ALICE, origin=by())
        await ledger.spend(ALICE, 1, origin=by())
        closed = await ledger.close(ALICE, origin=by("end"))
        assert (await ledger.close(ALICE, origin=by("end"))).version == closed.version
        for refused in (ledger.grant(ALICE, 1, origin=by()), ledger.close(ALICE, origin=by())):
            with pytest.raises(AccountClosed):
                await refused
        assert (await ledger.balance(ALICE)).closed


async def test_a_balance_that_cannot_be_stored_is_refused(ledger: Ledger) -> None:
    await ledger.grant(ALICE, LARGEST_AMOUNT, origin=by())
    with pytest.raises(BalanceTooLarge):
        await ledger.grant(ALICE, 1, origin=by())


async def test_a_snapshot_is_kept_every_hundred_events_and_tells_what_they_tell(
    ledger: Ledger, plane: DataPlane, clock: Clock, postgres: Postgres, migrated: Directory
) -> None:
    await ledger.grant(ALICE, 1000, origin=by(), expires_at=clock() + HOUR)
    for _ in range(149):
        await ledger.spend(ALICE, 1, origin=by())
    assert await snapshot_of(plane, ALICE) == 100
    # In another process, which has not seen the account before.
    other = another(plane, clock)
    for _ in range(60):
        await other.spend(ALICE, 1, origin=by())
    reservation, _ = await other.reserve(ALICE, 1, origin=by())
    await another(plane, clock).capture(ALICE, reservation, origin=by())
    assert await plane.ledger._streams.load(ALICE) == await account_of(ledger, ALICE)


async def snapshot_of(plane: DataPlane, account: AccountId) -> int:
    database = plane.databases.by_shard[plane.router.route(account)[0].shard]
    [(version,)] = await database.rows("select max(version) from snapshots where stream = %(s)s", {"s": account})
    assert isinstance(version, int)
    return version


class CountingDatabase:
    """Counts the statements that one database gets."""

    def __init__(self, database: Any) -> None:
        self.database = database
        self.statements = 0

    async def rows(self, statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        self.statements += 1
        rows: list[tuple[Any, ...]] = await self.database.rows(statement, parameters)
        return rows


async def test_balances_that_are_asked_for_at_once_share_statements(ledger: Ledger, plane: DataPlane) -> None:
    accounts = [account_id(f"a{number}") for number in range(40)]
    for account in accounts:
        await ledger.grant(account, 7, origin=by())
    databases = {name: CountingDatabase(database) for name, database in plane.databases.by_shard.items()}
    balances = Balances(Shards(plane.router, databases))
    standings = await asyncio.gather(*(balances.of(account) for account in accounts * 5), balances.of("nobody"))
    assert [standing and standing.available for standing in standings] == [7] * 200 + [None]
    assert sum(database.statements for database in databases.values()) <= 6


async def test_one_reader_that_goes_away_takes_no_answer_from_the_others(ledger: Ledger, plane: DataPlane) -> None:
    await ledger.grant(ALICE, 7, origin=by())
    balances = Balances(Shards(plane.router, plane.databases.by_shard))
    gone, stays = asyncio.create_task(balances.of(ALICE)), asyncio.create_task(balances.of(ALICE))
    await asyncio.sleep(0)
    gone.cancel()
    standing = await stays
    assert standing is not None
    assert standing.available == 7


KINDS = st.sampled_from(["grant", "spend", "reserve", "capture", "release", "transfer"])
OPERATIONS = st.lists(st.tuples(KINDS, st.integers(0, 1), st.integers(1, 20)), max_size=25)


class Run:
    """Two accounts of their own, and what came in and went out."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        name = uuid.uuid4().hex[:12]
        self.accounts = (account_id(f"{name}-a"), account_id(f"{name}-b"))
        self.reservations: tuple[list[str], list[str]] = ([], [])
        self.inside = 0

    async def grant(self, who: int, amount: int) -> None:
        await self.ledger.grant(self.accounts[who], amount, origin=by())
        self.inside += amount

    async def spend(self, who: int, amount: int) -> None:
        await self.ledger.spend(self.accounts[who], amount, origin=by())
        self.inside -= amount

    async def reserve(self, who: int, amount: int) -> None:
        self.reservations[who].append((await self.ledger.reserve(self.accounts[who], amount, origin=by()))[0])

    async def capture(self, who: int, amount: int) -> None:
        if self.reservations[who]:
            await self.ledger.capture(self.accounts[who], self.reservations[who][-1], amount, origin=by())
            self.inside -= amount

    async def release(self, who: int, _: int) -> None:
        if self.reservations[who]:
            await self.ledger.release(self.accounts[who], self.reservations[who].pop(), origin=by())

    async def transfer(self, who: int, amount: int) -> None:
        await self.ledger.transfer(self.accounts[who], self.accounts[1 - who], amount, origin=by())


@example_settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS)
async def test_read_models_say_what_the_events_say(ledger: Ledger, operations: list[tuple[str, int, int]]) -> None:
    run = Run(ledger)
    for kind, who, amount in operations:
        with suppress(CreditsError):
            await getattr(run, kind)(who, amount)
    held = 0
    for account in run.accounts:
        told = await account_of(ledger, account)
        if not told.version:
            continue
        balance = await ledger.balance(account)
        assert balance[1:4] == (told.version, told.available, told.reserved)
        lines = {line.reservation: line.held for line in await ledger.reservations(account) if line.held}
        assert lines == {identity: reservation.amount for identity, reservation in told.reservations.items()}
        held += balance.available + balance.reserved
    assert held == run.inside
