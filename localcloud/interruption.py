"""Whether the user has interrupted the run: long waits of an emulator look here, and give up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event

from localcloud.emulator import EmulatorError

_current: ContextVar[Event | None] = ContextVar("interrupted", default=None)


@contextmanager
def heeding(interrupted: Event) -> Iterator[None]:
    """Inside, `check` raises once the event is set. The context is the calling thread's own."""
    token = _current.set(interrupted)
    try:
        yield
    finally:
        _current.reset(token)


def check(waiting_for: str) -> None:
    """Raises EmulatorError where the run was interrupted; the next `up` takes up what was begun."""
    event = _current.get()
    if event is not None and event.is_set():
        raise EmulatorError(f"interrupted while waiting for {waiting_for}; the next `up` goes on from here")
