"""Events of every earlier form reach the program in the form that it knows, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.events import EventFromTheFuture, EventStoreError, Form, Step, StoredEvent, UnknownEventType, Upcasting
from app.personal_data import SubjectKey, seal, unseal

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def event(kind: str, schema_version: int, data: dict[str, Any]) -> StoredEvent:
    return StoredEvent("s", 3, 900, 7, kind, schema_version, data, {"actor": "tester"}, 5, 12, NOON)


def noting(old: Form, new: Form) -> Step:
    return Step(old, new, lambda data: {**data, "way": [*data.get("way", []), new.schema_version]})


@given(st.integers(1, 8), st.data())
def test_every_step_of_a_chain_is_taken_once_and_in_order(newest: int, data: st.DataObject) -> None:
    stored = data.draw(st.integers(1, newest))
    steps = [noting(Form("Granted", version), Form("Granted", version + 1)) for version in range(1, newest)]
    upcasting = Upcasting({"Granted": newest}, data.draw(st.permutations(steps)))
    original = event("Granted", stored, {"amount": 5})
    current = upcasting.upcast(original)
    assert current.data.get("way", []) == list(range(stored + 1, newest + 1))
    assert (current.type, current.schema_version) == ("Granted", newest)
    assert original.data == {"amount": 5}
    rest = {"type", "schema_version", "data"}
    assert all(getattr(current, name) == getattr(original, name) for name in StoredEvent._fields if name not in rest)
    assert upcasting.upcast(current) is current


def test_a_type_may_change_its_name() -> None:
    upcasting = Upcasting(
        {"Granted": 1}, [Step(Form("CreditsGiven", 4), Form("Granted", 1), lambda data: {"amount": data["n"]})]
    )
    assert upcasting.upcast(event("CreditsGiven", 4, {"n": 3}))[4:7] == ("Granted", 1, {"amount": 3})


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(UnknownEventType, match="event 3 of s is Invented of version 1") as refusal:
        Upcasting({"Granted": 1}).upcast(event("Invented", 1, {}))
    assert isinstance(refusal.value, EventStoreError)


def test_a_version_from_the_future_is_refused() -> None:
    with pytest.raises(EventFromTheFuture, match="Granted of version 3; this program knows it up to 2"):
        Upcasting({"Granted": 2}).upcast(event("Granted", 3, {}))


def test_an_early_version_without_a_way_is_refused() -> None:
    with pytest.raises(UnknownEventType):
        Upcasting({"Granted": 2}).upcast(event("Granted", 1, {}))


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([(("Granted", 1), ("Granted", 2))], "do not end in a current form, but at Granted of version 2"),
        ([(("Granted", 1), ("Lost", 1))], "but at Lost of version 1"),
        ([(("Granted", 1), ("Granted", 2)), (("Granted", 2), ("Granted", 1))], "do not end"),
        ([(("Granted", 2), ("Granted", 3)), (("Granted", 2), ("Granted", 3))], "two steps lead on"),
        ([(("Granted", 3), ("Granted", 4))], "is current"),
    ],
)
def test_a_way_that_leads_nowhere_is_noticed_before_any_event(steps: list[Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Upcasting({"Granted": 3}, [noting(Form(*old), Form(*new)) for old, new in steps])


def test_a_sealed_value_survives_being_moved() -> None:
    key = SubjectKey("anna", b"k" * 32)
    upcasting = Upcasting(
        {"Opened": 2}, [Step(Form("Opened", 1), Form("Opened", 2), lambda data: {"holder": {"email": data["email"]}})]
    )
    stored = event("Opened", 1, seal({"email": "a@example.com"}, ["email"], key))
    assert unseal(upcasting.upcast(stored).data, {"anna": key}) == {"holder": {"email": "a@example.com"}}
