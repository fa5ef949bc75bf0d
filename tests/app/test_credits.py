"""Laws of the domain."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.credits import LARGEST_AMOUNT, Account, Granted, InvalidAccountId, InvalidAmount, account_id

grants = st.builds(Granted, st.integers(1, 10**12), st.none() | st.text(max_size=10))


@given(st.lists(grants))
def test_the_balance_is_the_sum_of_the_grants(events: list[Granted]) -> None:
    account = Account.from_events(events)
    assert account.balance == sum(event.amount for event in events)
    assert account.version == len(events)


@given(st.lists(grants), st.lists(grants))
def test_folding_can_stop_and_go_on_anywhere(first: list[Granted], rest: list[Granted]) -> None:
    account = Account.from_events(first)
    for event in rest:
        account = account.apply(event)
    assert account == Account.from_events(first + rest)


@pytest.mark.parametrize("amount", [0, -1, LARGEST_AMOUNT + 1, True, 1.0, "1", None, float("nan")])
def test_only_positive_whole_amounts_that_fit_can_be_granted(amount: object) -> None:
    with pytest.raises(InvalidAmount):
        Granted(amount)  # type: ignore[arg-type]


def test_a_balance_never_leaves_the_range_of_what_can_be_stored() -> None:
    full = Account().apply(Granted(LARGEST_AMOUNT))
    with pytest.raises(InvalidAmount, match="would be 9223372036854775808"):
        full.apply(Granted(1))


@pytest.mark.parametrize("text", ["a", "alice", "A-1_b.c", "x" * 64])
def test_these_name_an_account(text: str) -> None:
    assert account_id(text) == text


@pytest.mark.parametrize("text", ["", "-a", "a-", ".", "a/b", "a b", "ä", "a\n", "x" * 65, "a\x00"])
def test_these_name_no_account(text: str) -> None:
    with pytest.raises(InvalidAccountId):
        account_id(text)
