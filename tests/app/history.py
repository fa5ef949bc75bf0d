"""What clients did to streams and saw of them, and whether one order of all that explains it.

Every event carries a unique mark, and a stream's own order is the only one that can explain its history: so it is
checked against the clock of the clients in one pass, where a general search would be exponential.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["stored", "refused", "unknown", "saw"]


@dataclass(frozen=True)
class Operation:
    """One call of a client."""

    stream: str
    kind: Kind
    """An append that was stored or refused, one without an answer, or a read."""
    started: float
    ended: float
    """Seconds on a clock that only goes forward."""
    version: int = 0
    """Where the append ended up, or the version that the stream was seen at."""
    mark: str = ""
    """Of the event that was, or was not, appended."""


def violations(operations: Iterable[Operation], final: Mapping[str, Sequence[str]]) -> list[str]:
    """What no order of the operations explains; `final` are the marks of every stream in the end, in its order."""
    by_stream: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        by_stream[operation.stream].append(operation)
    found = []
    for stream in by_stream.keys() | final.keys():
        marks = final.get(stream, ())
        mine = by_stream[stream]
        found += [f"{stream}: {line}" for line in (*_contents(mine, marks), *_order(mine, marks))]
    return found


def _contents(operations: Sequence[Operation], marks: Sequence[str]) -> Iterable[str]:
    """Every acknowledged event is there once, at its place; no refused one is; none came from nowhere."""
    for mark, times in Counter(marks).items():
        if times > 1:
            yield f"{mark} is there {times} times"
    asked = {operation.mark for operation in operations if operation.mark}
    yield from (f"{mark} was never asked for" for mark in marks if mark not in asked)
    at = {mark: version for version, mark in enumerate(marks, 1)}
    acknowledged = {operation.mark for operation in operations if operation.kind == "stored"}
    for operation in operations:
        place = at.get(operation.mark)
        if operation.kind == "stored" and place != operation.version:
            yield f"{operation.mark} was acknowledged at {operation.version}, and is at {place}"
        if operation.kind == "refused" and place is not None and operation.mark not in acknowledged:
            yield f"{operation.mark} was refused, and is at {place}"


def _order(operations: Sequence[Operation], marks: Sequence[str]) -> Iterable[str]:
    """Whoever began after another had ended saw at least as much; nobody saw what was not asked for yet."""
    asked_at: dict[str, float] = {}
    for operation in operations:
        if operation.mark:
            asked_at[operation.mark] = min(operation.started, asked_at.get(operation.mark, operation.started))
    knowing = [operation for operation in operations if operation.kind in ("stored", "saw")]
    for operation in knowing:
        if operation.version > len(marks):
            yield f"version {operation.version} was seen, and there are {len(marks)}"
        early = [mark for mark in marks[: operation.version] if asked_at.get(mark, 0) > operation.ended]
        yield from (f"{mark} was seen before it was asked for" for mark in early[:1])
    latest = 0
    ending = sorted(knowing, key=lambda operation: operation.ended)
    ended = 0
    for operation in sorted(knowing, key=lambda operation: operation.started):
        while ended < len(ending) and ending[ended].ended < operation.started:
            latest = max(latest, ending[ended].version)
            ended += 1
        if operation.version < latest:
            yield f"version {operation.version} came from a call that began after version {latest} was known"
