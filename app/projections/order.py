"""Of events that may come again and out of order: those that a read model lacks, once, each stream in its order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence

from app.events import GapInStream, StoredEvent

Between = Callable[[str, int, int], Awaitable[Sequence[StoredEvent]]]
"""Reads the events of a stream behind one version and before another."""


async def unseen(
    page: Iterable[StoredEvent], versions: MutableMapping[str, int], between: Between
) -> list[StoredEvent]:
    """What is new of a page; `versions` holds the last version of each stream that is known, and is brought forward.

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
        raise GapInStream(stream, absent, min((each for each in there if each > absent), default=versions.stop))
