"""Changes of the slot map: each gives a new version, and what it refuses it leaves as it was."""

from __future__ import annotations

import pytest

from app.sharding import LastShard, ShardState, SlotMap, SlotState, first_map
from app.sharding.slot_map import ShardNotEmpty, SlotOutOfRange
from app.topology import SLOTS


@pytest.fixture
def slot_map() -> SlotMap:
    """Slots on two shards in turn, and a third shard without any."""
    return first_map([("a", "b")[slot % 2] for slot in range(SLOTS)], ["a", "b", "c"], version=5)


def test_a_new_map_has_every_slot_owned_in_its_first_epoch(slot_map: SlotMap) -> None:
    assert slot_map.version == 5
    assert {(entry.epoch, entry.state, entry.moving_to, entry.changed) for entry in slot_map.slots} == {
        (1, SlotState.OWNED, None, 5)
    }
    assert slot_map.held == {"a": SLOTS // 2, "b": SLOTS // 2, "c": 0}
    assert slot_map.moving == []
    with pytest.raises(SlotOutOfRange):
        first_map(["a"], ["a"])


@pytest.mark.parametrize("slot", [-1, SLOTS])
def test_a_slot_outside_the_map_is_refused(slot_map: SlotMap, slot: int) -> None:
    with pytest.raises(SlotOutOfRange):
        slot_map.entry(slot)
    assert [slot_map.entry(number).slot for number in (0, SLOTS - 1)] == [0, SLOTS - 1]


def test_each_change_is_the_next_version(slot_map: SlotMap) -> None:
    begun = slot_map.with_move_begun(slot_map.entry(3), "c")
    assert (begun.version, begun.entry(3).changed, begun.moving) == (6, 6, [begun.entry(3)])
    assert [entry.slot for old, entry in zip(slot_map.slots, begun.slots, strict=True) if old != entry] == [3]
    finished = begun.with_move_finished(begun.entry(3))
    assert (finished.version, finished.entry(3)[1:5]) == (7, ("c", 2, SlotState.OWNED, None))
    aborted = begun.with_move_aborted(begun.entry(3))
    assert (aborted.version, aborted.entry(3)[1:5]) == (7, ("b", 1, SlotState.OWNED, None))
    assert slot_map.with_shard("d").version == 6
    assert slot_map.with_shard_state("c", ShardState.DRAINING).version == 6
    assert slot_map.with_shard_state("c", ShardState.ACTIVE) is slot_map
    without = slot_map.without_shard("c")
    assert (without.version, set(without.shards)) == (6, {"a", "b"})


def test_a_shard_that_slots_are_on_the_way_to_is_not_forgotten(slot_map: SlotMap) -> None:
    begun = slot_map.with_move_begun(slot_map.entry(3), "c")
    with pytest.raises(ShardNotEmpty, match="1"):
        begun.without_shard("c")


def test_the_last_shard_that_takes_slots_stays(slot_map: SlotMap) -> None:
    left = slot_map.with_shard_state("b", ShardState.DRAINING).with_shard_state("c", ShardState.DRAINING)
    for refused in (lambda: left.with_shard_state("a", ShardState.DRAINING), lambda: left.without_shard("a")):
        with pytest.raises(LastShard):
            refused()
    assert left.without_shard("c").active == ["a"]
