"""Slots: every one has exactly one shard, and no shard more than one slot above its share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.database.settings import InvalidSettings
from components.database.shards import (
    SLOTS,
    InvalidSlots,
    Range,
    ShardSpec,
    check_complete,
    divide,
    divide_evenly,
    plan_shards,
)

shard_names = st.lists(st.from_regex(r"[a-z]{1,6}-[0-9]{1,3}", fullmatch=True), min_size=1, max_size=200, unique=True)


@given(shard_names)
def test_every_slot_has_exactly_one_shard(shards: list[str]) -> None:
    division = divide_evenly(shards)
    slots = [slot for ((first, last),) in division.values() for slot in range(first, last + 1)]
    assert slots == list(range(SLOTS))
    assert list(division) == shards


@given(shard_names)
def test_no_shard_gets_more_than_a_slot_above_its_share(shards: list[str]) -> None:
    lengths = [last - first + 1 for ((first, last),) in divide_evenly(shards).values()]
    assert max(lengths) - min(lengths) <= 1


def test_three_shards_divide_as_written_down() -> None:
    assert divide_evenly(["aws-0", "azure-0", "gcp-0"]) == {
        "aws-0": ((0, 1364),),
        "azure-0": ((1365, 2729),),
        "gcp-0": ((2730, 4095),),
    }


def test_there_can_be_as_many_shards_as_slots() -> None:
    assert len(divide_evenly([str(number) for number in range(SLOTS)])) == SLOTS


@pytest.mark.parametrize("shards", [[], [str(number) for number in range(SLOTS + 1)], ["aws-0", "aws-0"]])
def test_an_impossible_division_is_refused(shards: list[str]) -> None:
    with pytest.raises(InvalidSlots):
        divide_evenly(shards)


@pytest.mark.slow
@given(shard_names)
def test_what_is_divided_is_complete(shards: list[str]) -> None:
    check_complete(divide_evenly(shards))


@pytest.mark.parametrize(
    ("division", "line"),
    [
        ({"a": [(0, 4000)]}, "slot 4001 belongs to no shard"),
        ({"a": [(1, 4095)]}, "slot 0 belongs to no shard"),
        ({"a": [(0, 2000)], "b": [(2000, 4095)]}, "slot 2000 belongs to both a and b"),
        ({"a": [(0, 4096)]}, "a: 0 to 4096 is not a range within 0 to 4095"),
        ({"a": [(10, 9)]}, "a: 10 to 9 is not a range"),
        ({"a": [(-1, 4095)]}, "a: -1 to 4095 is not a range"),
    ],
)
def test_a_division_with_a_gap_or_an_overlap_is_refused(division: dict[str, list[Range]], line: str) -> None:
    with pytest.raises(InvalidSlots, match=line):
        check_complete(division)


def test_shards_take_turns_among_the_homes() -> None:
    names = [shard.name for shard in plan_shards(("aws", "gcp"), 2)]
    assert names == ["aws-0", "gcp-0", "aws-1", "gcp-1"]


def test_slots_that_are_written_down_stay() -> None:
    shards = (
        ShardSpec(name="aws-0", home="aws", slots=((0, 99), (4000, 4095))),
        ShardSpec(name="gcp-0", home="gcp", slots=((100, 3999),)),
    )
    assert divide(shards) == {"aws-0": ((0, 99), (4000, 4095)), "gcp-0": ((100, 3999),)}


def test_slots_are_written_down_for_all_shards_or_for_none() -> None:
    shards = (ShardSpec(name="aws-0", home="aws", slots=((0, 4095),)), ShardSpec(name="gcp-0", home="gcp"))
    with pytest.raises(InvalidSettings, match="shard gcp-0: slots are missing"):
        divide(shards)
