"""Plans of slot moves: laws that hold for every map and load, and the numbers that we promise."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.sharding import LastShard, ShardState, SlotEntry, SlotMap, SlotState, UnknownShard, first_map
from app.sharding.rebalance import NO_LOAD, Loads, Plan, SlotLoad, plan_drain, plan_rebalance
from app.topology import SLOTS

DOCUMENT = Path(__file__).parents[2] / "docs" / "sharding.md"
NAMES = ("a", "b", "c", "d", "e")


@st.composite
def maps(draw: st.DrawFn) -> SlotMap:
    """A small map in any state: the plans do not mind how many slots there are."""
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    states = [ShardState.ACTIVE, *(draw(st.sampled_from(ShardState)) for _ in names[1:])]
    entries = []
    for slot in range(draw(st.integers(1, 60))):
        owner, target = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        moving = owner != target and draw(st.integers(0, 9)) == 0
        state = SlotState.MOVING if moving else SlotState.OWNED
        entries.append(SlotEntry(slot, owner, 1, state, target if moving else None, 1))
    return SlotMap(1, tuple(entries), dict(zip(names, states, strict=True)))


loads = st.dictionaries(st.integers(0, 59), st.builds(SlotLoad, st.integers(0, 10**9), st.floats(0, 1000)), max_size=60)


def applied(slot_map: SlotMap, plan: Plan) -> SlotMap:
    for move in plan.moves:
        begun = slot_map.with_move_begun(slot_map.entry(move.slot), move.target)
        slot_map = begun.with_move_finished(begun.entry(move.slot))
    return slot_map


def imbalance(slot_map: SlotMap, shares: Plan) -> float:
    """Sum of squares of how far the active shards are from the average."""
    weights = [shares.after[name].weight for name in slot_map.active]
    return sum((weight - sum(weights) / len(weights)) ** 2 for weight in weights)


@given(maps(), loads)
def test_a_plan_moves_a_slot_once_from_its_owner_to_a_shard_that_takes_it(slot_map: SlotMap, load: Loads) -> None:
    plan = plan_rebalance(slot_map, load)
    assert len({move.slot for move in plan.moves}) == len(plan.moves)
    for move in plan.moves:
        entry = slot_map.entry(move.slot)
        assert (entry.shard, entry.state) == (move.source, SlotState.OWNED)
        assert move.target != move.source
        assert move.target in slot_map.active
    assert plan.bytes == sum(load.get(move.slot, NO_LOAD).bytes for move in plan.moves)


@pytest.mark.slow
@given(maps(), loads)
def test_a_plan_empties_shards_that_drain(slot_map: SlotMap, load: Loads) -> None:
    draining = {name for name, state in slot_map.shards.items() if state is ShardState.DRAINING}
    assume(draining)
    left = applied(slot_map, plan_rebalance(slot_map, load))
    assert not any(entry.shard in draining and entry.state is SlotState.OWNED for entry in left.slots)


@given(maps(), loads)
def test_planned_shares_are_the_shares_after_the_moves(slot_map: SlotMap, load: Loads) -> None:
    plan = plan_rebalance(slot_map, load)
    left = applied(slot_map, plan)
    held = Counter(entry.moving_to or entry.shard for entry in left.slots)
    assert {name: share.slots for name, share in plan.after.items()} == {name: held[name] for name in slot_map.shards}
    assert sum(share.weight for share in plan.after.values()) == pytest.approx(1, abs=1e-6)
    told = {name: share.slots for name, share in plan_rebalance(left, load).before.items()}
    assert told == {name: share.slots for name, share in plan.after.items()}


@given(maps(), loads)
def test_a_map_that_was_rebalanced_needs_nothing_more(slot_map: SlotMap, load: Loads) -> None:
    left = applied(slot_map, plan_rebalance(slot_map, load))
    assert plan_rebalance(left, load).moves == ()


@given(maps(), loads)
def test_levelling_never_makes_it_worse(slot_map: SlotMap, load: Loads) -> None:
    nothing_drains = SlotMap(1, slot_map.slots, dict.fromkeys(slot_map.shards, ShardState.ACTIVE))
    plan = plan_rebalance(nothing_drains, load)
    unmoved = Plan((), plan.before, plan.before, 0)
    if plan.moves:
        assert imbalance(nothing_drains, plan) < imbalance(nothing_drains, unmoved)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_slots_of_the_same_weight_move_no_more_often_than_any_plan_must(owners: list[int]) -> None:
    entries = tuple(SlotEntry(slot, NAMES[owner], 1, SlotState.OWNED, None, 1) for slot, owner in enumerate(owners))
    slot_map = SlotMap(1, entries, dict.fromkeys(NAMES[:4], ShardState.ACTIVE))
    plan = plan_rebalance(slot_map, tolerance=0)
    held = sorted((owners.count(owner) for owner in range(4)), reverse=True)
    least, more = divmod(len(owners), 4)
    needed = sum(max(0, had - least - (place < more)) for place, had in enumerate(held))
    assert len(plan.moves) == needed
    assert max(share.slots for share in plan.after.values()) - min(share.slots for share in plan.after.values()) <= 1


@given(maps(), loads, st.sampled_from(NAMES))
def test_a_drain_moves_what_the_shard_has_and_nothing_else(slot_map: SlotMap, load: Loads, shard: str) -> None:
    if shard not in slot_map.shards:
        with pytest.raises(UnknownShard):
            plan_drain(slot_map, shard, load)
    elif slot_map.active == [shard]:
        with pytest.raises(LastShard):
            plan_drain(slot_map, shard, load)
    else:
        plan = plan_drain(slot_map, shard, load)
        has = {entry.slot for entry in slot_map.slots if entry.shard == shard and entry.state is SlotState.OWNED}
        assert {move.slot for move in plan.moves} == has
        assert {move.target for move in plan.moves} <= set(slot_map.active) - {shard}


def eight_shards() -> SlotMap:
    names = [f"shard-{number}" for number in range(8)]
    return first_map([names[slot * 8 // SLOTS] for slot in range(SLOTS)], names)


def test_a_ninth_shard_gets_the_ideal_share_and_nothing_else_moves() -> None:
    plan = plan_rebalance(eight_shards().with_shard("shard-8"))
    assert len(plan.moves) == pytest.approx(SLOTS / 9, rel=0.01)
    assert {move.target for move in plan.moves} == {"shard-8"}
    assert f"moves {len(plan.moves)} of {SLOTS} slots" in DOCUMENT.read_text()


def test_load_counts_and_not_only_slots() -> None:
    """One shard has all the writes: it gives slots away though each shard has as many."""
    busy = {slot: SlotLoad(1000, 50.0) for slot in range(512)} | {slot: SlotLoad(1000) for slot in range(512, SLOTS)}
    plan = plan_rebalance(eight_shards(), busy)
    assert Counter(move.source for move in plan.moves)["shard-0"] > 0.95 * len(plan.moves)
    assert plan.before["shard-0"].weight > 0.4
    assert max(share.weight for share in plan.after.values()) < 0.126


def test_a_bigger_shard_carries_more() -> None:
    plan = plan_rebalance(eight_shards(), capacities={"shard-0": 2.0})
    assert plan.after["shard-0"].slots == pytest.approx(2 * SLOTS / 9, rel=0.01)


def test_a_heavy_slot_is_left_where_moving_it_would_only_move_the_problem() -> None:
    hot = {7: SlotLoad(10**12, 10**6)}
    plan = plan_rebalance(eight_shards(), hot)
    assert 7 not in {move.slot for move in plan.moves}
    assert plan.after["shard-0"].slots < 50


def test_the_shares_of_a_plan_add_up_what_the_slots_carry() -> None:
    owners = ["a", "a", "b"]
    entries = tuple(SlotEntry(slot, owner, 1, SlotState.OWNED, None, 1) for slot, owner in enumerate(owners))
    slot_map = SlotMap(1, entries, {"a": ShardState.ACTIVE, "b": ShardState.ACTIVE})
    load = {0: SlotLoad(bytes=10, writes=1.5), 1: SlotLoad(bytes=20, writes=2.5), 2: SlotLoad(bytes=30, writes=4.0)}
    before = plan_rebalance(slot_map, load, tolerance=1.0).before
    assert [before["a"][:3], before["b"][:3]] == [(2, 30, 4.0), (1, 30, 4.0)]
    assert before["a"].weight + before["b"].weight == pytest.approx(1, abs=1e-6)
