"""Of events that may come again and out of order: those that a read model lacks, once, each stream in its order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence

from app.events import GapInStream, StoredEvent

Between = Callable[[str, int, int], Awaitable[Sequence[StoredEvent]]]
"""Reads the events of a stream behind one version and before another."""


async def unseen(
    page: Iterable[StoredEvent], versions: MutableMapping[str, int], between: Between
) -> list[StoredEvent]:
    """Return what is new on a page, and advance `versions`, the last known version of each stream.

    Events of streams that it does not name are left out. What is missing before an event is read: so it is of no
    importance in which order the events of a stream were given their places. Raises GapInStream where it is not there.
    """
    found: list[StoredEvent] = []
    for event in page:
        stream, version = event.stream, event.version
        known = versions.get(stream)
        if known is None or version <= known:
            continue
        if version > known + 1:
            missing = await between(stream, known, version)
            _check(stream, missing, range(known + 1, version))
            found += missing
        found.append(event)
        versions[stream] = version
    return found


def _check(stream: str, events: Sequence[StoredEvent], versions: range) -> None:
    there = [event.version for event in events]
    if there != list(versions):
        absent = min(set(versions).difference(there))
        raise GapInStream(
            stream, absent, min((version for version in there if version > absent), default=versions.stop)
        )
