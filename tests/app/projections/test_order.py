"""Events that come again, in any order: each once, each stream in its order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.events import GapInStream, StoredEvent
from app.projections.order import unseen

Name = tuple[str, int]
LENGTHS = {"a": 6, "b": 3, "c": 1}
STORED = [(stream, version) for stream, length in LENGTHS.items() for version in range(1, length + 1)]


def event(name: Name) -> StoredEvent:
    return StoredEvent(*name, 0, 0, "Happened", 1, {}, {}, 0, 0, None)  # type: ignore[arg-type]


def named(events: Sequence[StoredEvent]) -> list[Name]:
    return [(each.stream, each.version) for each in events]


async def between(stream: str, after: int, before: int) -> list[StoredEvent]:
    return [event((stream, version)) for version in range(after + 1, before) if version <= LENGTHS[stream]]


@given(st.lists(st.lists(st.sampled_from(STORED), max_size=12), max_size=6), st.permutations(STORED))
async def test_whatever_comes_again_or_early_each_event_is_met_once_and_in_order(
    pages: list[list[Name]], rest: list[Name]
) -> None:
    versions = dict.fromkeys(LENGTHS, 0)
    met: list[Name] = []
    for page in [*pages, rest]:
        met += named(await unseen(map(event, page), versions, between))
    assert sorted(met) == STORED
    for stream in LENGTHS:
        ours = [version for name, version in met if name == stream]
        assert ours == sorted(ours)
    assert versions == LENGTHS


async def test_streams_that_are_gone_are_left_out() -> None:
    versions = {"a": 0}
    assert named(await unseen(map(event, [("a", 1), ("b", 1), ("a", 2)]), versions, between)) == [("a", 1), ("a", 2)]
    assert versions == {"a": 2}


async def test_a_hole_that_cannot_be_filled_is_told() -> None:
    async def holed(stream: str, after: int, before: int) -> list[StoredEvent]:
        return [each for each in await between(stream, after, before) if each.version != 3]

    with pytest.raises(GapInStream, match="a goes on with version 4 where 3 is to come"):
        await unseen([event(("a", 6))], {"a": 1}, holed)
    with pytest.raises(GapInStream, match="a goes on with version 4 where 3 is to come"):
        await unseen([event(("a", 4))], {"a": 2}, holed)
