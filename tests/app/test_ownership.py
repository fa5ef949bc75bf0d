"""The slot map shows that a shard was restored to an earlier time."""

from __future__ import annotations

from app.sharding.ownership import Ownership, compare
from app.sharding.slot_map import SlotMap, first_map
from app.topology import SLOTS

NAMES = ("a-0", "b-0")


def moved(known: SlotMap, slot: int, target: str, *, arrived: bool = True) -> SlotMap:
    begun = known.with_move_begun(known.entry(slot), target)
    return begun.with_move_finished(begun.entry(slot)) if arrived else begun


def owned_by(known: SlotMap, shard: str) -> dict[int, int]:
    """Return the slots and epochs of a shard that agrees with the map."""
    return {entry.slot: entry.epoch for entry in known.slots if entry.shard == shard}


def before() -> SlotMap:
    return first_map(["a-0"] * 2 + ["b-0"] * (SLOTS - 2), NAMES)


def test_shards_that_are_up_to_date_agree() -> None:
    known = moved(before(), 1, "b-0")
    for shard in NAMES:
        assert compare(known, shard, owned_by(known, shard)).agrees


def test_a_restored_source_takes_a_slot_that_left() -> None:
    known = moved(before(), 1, "b-0")
    assert compare(known, "a-0", owned_by(before(), "a-0")) == Ownership("a-0", [1], [])


def test_a_restored_target_misses_a_slot_that_came() -> None:
    known = moved(before(), 1, "b-0")
    assert compare(known, "b-0", owned_by(before(), "b-0")) == Ownership("b-0", [], [1])


def test_a_slot_that_left_and_came_back_is_of_another_epoch() -> None:
    known = moved(moved(before(), 1, "b-0"), 1, "a-0")
    assert compare(known, "a-0", owned_by(before(), "a-0")) == Ownership("a-0", [1], [1])


def test_of_a_slot_on_its_way_nothing_is_said() -> None:
    known = moved(before(), 1, "b-0", arrived=False)
    owned = owned_by(known, "a-0")
    del owned[1]
    assert compare(known, "a-0", owned).agrees
    assert compare(known, "b-0", owned_by(known, "b-0") | {1: 2}).agrees
