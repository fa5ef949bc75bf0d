"""The values of events, before any database."""

from __future__ import annotations

from app.events import NewEvent
from app.events.model import START, Cursor


def test_an_event_changes_no_total_and_has_the_first_form_unless_it_says_so() -> None:
    event = NewEvent("Happened", {"number": 1})
    assert (event.change, event.schema_version, event.metadata) == (0, 1, {})
    assert NewEvent("Happened", {}).metadata is not event.metadata


def test_a_tail_starts_before_every_event() -> None:
    assert START == (0, 0)
    assert START < Cursor(0, 1) < Cursor(1, 0)
