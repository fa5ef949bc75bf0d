"""The values of a transfer, as they are written to databases and read back."""

from __future__ import annotations

import uuid

import pytest

from app.events import Appended, NewEvent
from app.transfers import Leg, Step
from app.transfers.model import Decision, Gid, Transferred

ATTEMPT = uuid.UUID("0123456789abcdef0123456789abcdef")


def test_the_names_that_databases_hold_do_not_change() -> None:
    assert [decision.value for decision in Decision] == ["commit", "abort"]
    steps = ["preparing", "prepared", "deciding", "decided", "settling", "settled"]
    assert [step.value for step in Step] == steps
    assert str(Gid("aws-0", ATTEMPT)) == "fortress:aws-0:0123456789abcdef0123456789abcdef"


def test_the_name_of_a_prepared_transaction_is_read_back() -> None:
    gid = Gid("a:b", ATTEMPT)
    assert Gid.parse(str(gid)) == gid


@pytest.mark.parametrize("text", ["", "other:aws-0:" + "0" * 32, "fortress:aws-0:" + "0" * 31, "fortress::" + "0" * 32])
def test_another_transaction_is_none_of_ours(text: str) -> None:
    assert Gid.parse(text) is None


def test_a_name_has_at_most_as_many_bytes_as_postgresql_takes() -> None:
    room = 199 - len("fortress::") - 32
    assert len(str(Gid("x" * room, ATTEMPT))) == 199
    with pytest.raises(ValueError, match="too long for prepared transactions"):
        str(Gid("x" * (room + 1), ATTEMPT))


def test_a_leg_of_one_event_is_a_leg_of_several() -> None:
    one = NewEvent("Spent", {}, -3)
    assert Leg("s", one).several == Leg("s", [one]).several == (one,)
    assert Leg("s", [one, NewEvent("Spent", {}, -4)]).change == -7


@pytest.mark.parametrize("repeated", [True, False])
def test_a_transfer_is_repeated_where_its_source_is(repeated: bool) -> None:
    source, target = (Appended(1, 0, repeated=flag) for flag in (repeated, not repeated))
    made = Transferred(source, target)
    assert made.repeated is repeated
    assert made.settled
