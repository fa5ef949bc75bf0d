"""Laws of the domain."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from app.credits import (
    LARGEST_AMOUNT,
    Account,
    AccountNotEmpty,
    BalanceTooLarge,
    Captured,
    Closed,
    Event,
    Granted,
    GrantExpired,
    ImpossibleEvent,
    InsufficientCredits,
    InvalidAccountId,
    InvalidAmount,
    InvalidExpiry,
    InvalidText,
    NaiveTimestamp,
    Released,
    ReservationClosed,
    ReservationExceeded,
    ReservationExists,
    ReservationExpired,
    Reserved,
    Spent,
    TransferredIn,
    TransferredOut,
    UnknownReservation,
    UnreadableEvent,
    account_id,
    decisions,
    fold,
)
from app.credits.account import REMEMBERED
from app.credits.events import decode, encode
from app.credits.state import from_state, to_state
from app.credits.values import check_expiry

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def after(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


amounts = st.integers(1, 10**12) | st.just(LARGEST_AMOUNT)
reasons = st.none() | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1)
moments = st.none() | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]))
names = st.text("abc", min_size=1, max_size=3)
events = st.one_of(
    st.builds(Granted, amounts, reasons, moments),
    st.builds(Spent, amounts, reasons),
    st.builds(Reserved, amounts, names, reasons, moments),
    st.builds(Captured, amounts, names, reasons),
    st.builds(Released, amounts, names),
    st.builds(ReservationExpired, amounts, names),
    st.builds(GrantExpired, amounts, st.integers(1, 10**6)),
    st.builds(TransferredOut, amounts, names, names, reasons),
    st.builds(TransferredIn, amounts, names, names, reasons),
    st.builds(Closed, reasons),
)


@given(events)
def test_an_event_is_read_back_as_it_was_written(event: Event) -> None:
    data = json.loads(json.dumps(encode(event)))
    assert decode(type(event).__name__, data) == event


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("Minted", {"amount": 1}),
        ("Spent", {}),
        ("Spent", {"amount": -1}),
        ("Spent", {"amount": 1, "more": 1}),
        ("Granted", {"amount": 1, "expires_at": "tomorrow"}),
        ("Granted", {"amount": 1, "expires_at": "2026-11-24T12:00:00"}),
        ("Granted", {"amount": 1, "expires_at": 7}),
    ],
)
def test_what_is_no_event_is_not_taken_for_one(kind: str, data: dict[str, object]) -> None:
    with pytest.raises(UnreadableEvent):
        decode(kind, data)


@pytest.mark.parametrize("kind", [Granted, Spent])
@pytest.mark.parametrize(
    "amount", [0, -1, LARGEST_AMOUNT + 1, True, 1.0, "1", None, float("nan"), float("inf"), float("-inf")]
)
def test_only_positive_whole_amounts_that_fit_exist(kind: type[Granted | Spent], amount: object) -> None:
    with pytest.raises(InvalidAmount):
        kind(amount)  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", ["", "x" * 201, "a\x00b"])
def test_a_reason_that_cannot_be_stored_is_refused(reason: str) -> None:
    with pytest.raises(InvalidText):
        Granted(1, reason)


def test_a_moment_without_a_zone_is_refused() -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(NaiveTimestamp):
        Granted(1, expires_at=naive)
    with pytest.raises(NaiveTimestamp):
        Reserved(1, "r", expires_at=naive)
    with pytest.raises(NaiveTimestamp):
        decisions.expire(Account(), naive)
    with pytest.raises(NaiveTimestamp):
        check_expiry(naive, NOW)


def test_nothing_expires_before_it_begins() -> None:
    check_expiry(after(1), NOW)
    for moment in (NOW, after(-1)):
        with pytest.raises(InvalidExpiry):
            check_expiry(moment, NOW)


def test_what_expires_first_is_used_first_and_what_never_expires_last() -> None:
    account = fold([Granted(5), Granted(5, expires_at=after(2)), Granted(5, expires_at=after(1)), Spent(6)])
    assert [(lot.grant, lot.amount) for lot in account.lots] == [(2, 4)]
    assert (account.permanent, account.available) == (5, 9)
    assert fold([Spent(5)], account).lots == ()


def test_a_grant_expires_with_what_is_left_of_it() -> None:
    account = fold([Granted(5, expires_at=after(1)), Granted(2), Spent(3)])
    assert account.due == after(1)
    assert decisions.expire(account, after(0.9)) == []
    assert decisions.expire(account, after(1)) == [GrantExpired(2, 1)]
    assert fold([GrantExpired(2, 1)], account).available == 2


def test_a_used_up_grant_does_not_expire() -> None:
    account = fold([Granted(5, expires_at=after(1)), Spent(5)])
    assert (account.due, decisions.expire(account, after(2))) == (None, [])


def test_reserved_credits_outlive_their_grant_until_they_are_given_back() -> None:
    account = fold([Granted(5, expires_at=after(1)), Reserved(3, "r"), GrantExpired(2, 1)])
    assert (account.available, account.reserved) == (0, 3)
    account = fold(decisions.capture(account, "r", 1), account)
    assert (account.available, account.reserved) == (0, 2)
    account = fold(decisions.release(account, "r"), account)
    assert account.due == after(1)
    assert decisions.expire(account, after(2)) == [GrantExpired(2, 1)]


def test_a_reservation_expires_and_its_credits_are_available_again() -> None:
    account = fold([Granted(5), Reserved(5, "r", expires_at=after(1))])
    assert account.due == after(1)
    assert decisions.expire(account, after(0.9)) == []
    assert decisions.expire(account, after(1)) == [ReservationExpired(5, "r")]
    account = fold([ReservationExpired(5, "r")], account)
    assert (account.available, account.due) == (5, None)


def test_credits_of_a_reservation_and_of_its_grant_expire_together() -> None:
    account = fold([Granted(5, expires_at=after(1)), Reserved(3, "r", expires_at=after(2))])
    assert decisions.expire(account, after(2)) == [ReservationExpired(3, "r"), GrantExpired(5, 1)]


def test_credits_that_a_reservation_gives_back_return_to_their_grant() -> None:
    account = fold([Granted(5, expires_at=after(1)), Reserved(3, "r"), Released(3, "r")])
    assert account.lots == fold([Granted(5, expires_at=after(1))]).lots


def test_a_decision_says_how_much_is_missing() -> None:
    account = fold([Granted(5), Reserved(3, "r")])
    with pytest.raises(InsufficientCredits) as caught:
        decisions.take(account, Spent(3))
    assert (caught.value.needed, caught.value.available) == (3, 2)
    with pytest.raises(ReservationExceeded) as exceeded:
        decisions.capture(account, "r", 4)
    assert (exceeded.value.needed, exceeded.value.reserved) == (4, 3)


def test_reservations_are_told_apart_by_what_became_of_them() -> None:
    account = fold([Granted(5), Reserved(3, "r"), Captured(3, "r")])
    for decide in (decisions.capture, decisions.release):
        with pytest.raises(ReservationClosed):
            decide(account, "r")
        with pytest.raises(UnknownReservation):
            decide(account, "other")
    with pytest.raises(ReservationExists):
        decisions.take(account, Reserved(1, "r"))


def test_an_account_remembers_a_bounded_number_of_closed_reservations() -> None:
    history: list[Event] = [Granted(1)]
    for number in range(REMEMBERED + 1):
        history += [Reserved(1, str(number)), Released(1, str(number))]
    account = fold(history)
    assert account.settled == tuple(str(number) for number in range(1, REMEMBERED + 1))


def test_only_an_empty_account_is_closed() -> None:
    assert decisions.close(Account()) == (Closed(),)
    histories: list[list[Event]] = [[Granted(1)], [Granted(1), Reserved(1, "r")]]
    for history in histories:
        with pytest.raises(AccountNotEmpty):
            decisions.close(fold(history))
    assert fold([Closed()]).closed


def test_a_balance_never_leaves_the_range_of_what_can_be_stored() -> None:
    full = fold([Granted(LARGEST_AMOUNT)])
    with pytest.raises(BalanceTooLarge, match="would be 9223372036854775808"):
        decisions.add(full, Granted(1))


@pytest.mark.parametrize(
    "history",
    [
        [Spent(1)],
        [Granted(1), Reserved(2, "r")],
        [Granted(2), Reserved(1, "r"), Reserved(1, "r")],
        [Granted(2), Captured(1, "r")],
        [Granted(2), Reserved(1, "r"), Captured(2, "r")],
        [Granted(2), Reserved(2, "r"), Released(1, "r")],
        [Granted(2), GrantExpired(2, 1)],
        [Granted(2, expires_at=NOW), GrantExpired(1, 1)],
    ],
)
def test_a_damaged_history_is_not_believed(history: list[Event]) -> None:
    with pytest.raises(ImpossibleEvent):
        fold(history)


@pytest.mark.parametrize("text", ["a", "alice", "A-1_b.c", "x" * 64])
def test_these_name_an_account(text: str) -> None:
    assert account_id(text) == text


@pytest.mark.parametrize("text", ["", "-a", "a-", ".", "a/b", "a b", "ä", "a\n", "x" * 65, "a\x00"])
def test_these_name_no_account(text: str) -> None:
    with pytest.raises(InvalidAccountId):
        account_id(text)


class Coins(RuleBasedStateMachine):
    """An account, beside a model that moves single coins, each stamped with the moment at which it is void."""

    NEVER = datetime.max.replace(tzinfo=UTC)

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.history: list[Event] = []
        self.account = Account()
        self.purse: list[datetime] = []
        self.held: dict[str, tuple[datetime, list[datetime]]] = {}
        self.closed: set[str] = set()

    def happen(self, decided: Sequence[Event]) -> None:
        self.history += decided
        self.account = fold(decided, self.account)

    def decide(self, decision: decisions.Decision) -> None:
        self.void()
        self.happen(decisions.expire(self.account, self.now))
        self.happen(decision(self.account))

    def void(self) -> None:
        """Coins whose moment has come vanish from the purse; holds whose moment has come are emptied into it."""
        for name, (ends, coins) in list(self.held.items()):
            if ends <= self.now:
                self.purse += coins
                self.close(name)
        self.purse = sorted(coin for coin in self.purse if coin > self.now)

    def close(self, name: str) -> None:
        del self.held[name]
        self.closed.add(name)

    @rule(amount=st.integers(1, 9), hours=st.none() | st.integers(1, 9))
    def grant(self, amount: int, hours: int | None) -> None:
        ends = None if hours is None else self.now + timedelta(hours=hours)
        self.decide(lambda account: decisions.add(account, Granted(amount, expires_at=ends)))
        self.purse += [ends or self.NEVER] * amount

    @rule(amount=st.integers(1, 12))
    def spend(self, amount: int) -> None:
        self.void()
        if amount > len(self.purse):
            with pytest.raises(InsufficientCredits):
                self.decide(lambda account: decisions.take(account, Spent(amount)))
            return
        self.decide(lambda account: decisions.take(account, Spent(amount)))
        del self.purse[:amount]

    @rule(amount=st.integers(1, 12))
    def transfer_out(self, amount: int) -> None:
        self.void()
        if amount <= len(self.purse):
            self.decide(lambda account: decisions.take(account, TransferredOut(amount, "t", "bob")))
            del self.purse[:amount]

    @rule(amount=st.integers(1, 9))
    def transfer_in(self, amount: int) -> None:
        self.decide(lambda account: decisions.add(account, TransferredIn(amount, "t", "bob")))
        self.purse += [self.NEVER] * amount

    @rule(amount=st.integers(1, 6), name=names, hours=st.none() | st.integers(1, 9))
    def reserve(self, amount: int, name: str, hours: int | None) -> None:
        self.void()
        ends = None if hours is None else self.now + timedelta(hours=hours)
        event = Reserved(amount, name, expires_at=ends)
        if name in self.held or name in self.closed:
            with pytest.raises(ReservationExists):
                self.decide(lambda account: decisions.take(account, event))
        elif amount <= len(self.purse):
            self.decide(lambda account: decisions.take(account, event))
            self.held[name] = (ends or self.NEVER, self.purse[:amount])
            del self.purse[:amount]

    @rule(name=names, amount=st.none() | st.integers(1, 6))
    def capture(self, name: str, amount: int | None) -> None:
        self.void()
        if name not in self.held:
            with pytest.raises(ReservationClosed if name in self.closed else UnknownReservation):
                self.decide(lambda account: decisions.capture(account, name, amount))
            return
        coins = self.held[name][1]
        if amount is not None and amount > len(coins):
            with pytest.raises(ReservationExceeded):
                self.decide(lambda account: decisions.capture(account, name, amount))
            return
        self.decide(lambda account: decisions.capture(account, name, amount))
        del coins[: amount or len(coins)]
        if not coins:
            self.close(name)

    @rule(name=names)
    def release(self, name: str) -> None:
        self.void()
        if name in self.held:
            self.decide(lambda account: decisions.release(account, name))
            self.purse += self.held[name][1]
            self.close(name)
            self.void()

    @rule(hours=st.integers(1, 5))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def expire(self) -> None:
        self.void()
        self.happen(decisions.expire(self.account, self.now))

    @invariant()
    def the_account_holds_what_the_purse_holds(self) -> None:
        overdue = decisions.expire(self.account, self.now)
        self.void()
        settled = fold(overdue, self.account)
        assert settled.available == len(self.purse)
        assert settled.reserved == sum(len(coins) for _, coins in self.held.values())
        assert settled.due is None or settled.due > self.now

    @invariant()
    def the_total_is_the_sum_of_the_changes(self) -> None:
        assert self.account.available == sum(event.change for event in self.history) >= 0
        assert self.account.version == len(self.history)

    @invariant()
    def folding_can_stop_and_go_on_anywhere(self) -> None:
        middle = fold(self.history[: len(self.history) // 2])
        stored = from_state(json.loads(json.dumps(to_state(middle))))
        assert stored == middle
        assert fold(self.history[middle.version :], stored) == self.account


TestCoins = pytest.mark.slow(Coins.TestCase)


@pytest.mark.parametrize("damage", [{"lots": [[1]]}, {"reservations": {"r": {}}}, {"settled": None}])
def test_a_damaged_state_is_not_trusted(damage: dict[str, object]) -> None:
    state = to_state(fold([Granted(1)]))
    with pytest.raises(UnreadableEvent):
        from_state({**state, **damage})
