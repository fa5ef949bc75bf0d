"""Bringing events of earlier forms to the form that the program knows, when they are read; what is stored stays.

A form is a type of event and the schema version of its data. A sealed value opens only under the name that it was
sealed with, so a step may move it but not rename its field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeVar

from app.events.errors import EventFromTheFuture, UnknownEventType
from app.events.model import Json, PastEvent, StoredEvent

AnyEvent = TypeVar("AnyEvent", StoredEvent, PastEvent)


class Form(NamedTuple):
    """A type of event, and the version of its data."""

    type: str
    schema_version: int


class Step(NamedTuple):
    """One change of form; `apply` is pure, and gets data of the form `old`."""

    old: Form
    new: Form
    apply: Callable[[Json], Json]


class Upcasting:
    """The forms that there are, and the ways from old ones to current ones."""

    def __init__(self, current: Mapping[str, int], steps: Iterable[Step] = ()) -> None:
        """Check the steps against `current`, the version of each type that the program knows.

        Raises ValueError where a form has two ways on, or a way leads nowhere.
        """
        self._current = dict(current)
        self._steps: dict[Form, Step] = {}
        for step in steps:
            if step.old in self._steps:
                raise ValueError(f"two steps lead on from {_named(step.old)}")
            if self._is_current(step.old):
                raise ValueError(f"{_named(step.old)} is current, and a step leads on from it")
            self._steps[step.old] = step
        for old in self._steps:
            self._follow(old)

    def upcast(self, event: AnyEvent) -> AnyEvent:
        """Return the event in its current form; raise UnknownEventType and EventFromTheFuture."""
        form = Form(event.type, event.schema_version)
        if self._is_current(form):
            return event
        data = event.data
        while (step := self._steps.get(form)) is not None:
            data, form = step.apply(data), step.new
        if not self._is_current(form):
            raise self._refusal(event)
        return event._replace(type=form.type, schema_version=form.schema_version, data=data)

    def _is_current(self, form: Form) -> bool:
        return self._current.get(form.type) == form.schema_version

    def _follow(self, form: Form) -> None:
        seen: set[Form] = set()
        start = form
        while not self._is_current(form):
            step = self._steps.get(form)
            if step is None or form in seen:
                raise ValueError(f"the steps from {_named(start)} do not end in a current form, but at {_named(form)}")
            seen.add(form)
            form = step.new

    def _refusal(self, event: StoredEvent | PastEvent) -> UnknownEventType | EventFromTheFuture:
        known = self._current.get(event.type)
        if known is not None and event.schema_version > known:
            return EventFromTheFuture(event.stream, event.version, event.type, event.schema_version, known)
        return UnknownEventType(event.stream, event.version, event.type, event.schema_version)


def _named(form: Form) -> str:
    return f"{form.type} of version {form.schema_version}"
