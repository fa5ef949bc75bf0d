"""Placement strategies, and the figures that the documents tell of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.sharding.placement import (
    STRATEGIES,
    BalancedRanges,
    Figures,
    NoShards,
    Placement,
    Rendezvous,
    Ring,
    figures,
    spread,
    table,
)
from app.topology import SLOTS

DOCUMENT = Path(__file__).parents[2] / "docs" / "sharding.md"
NAMES = st.lists(st.sampled_from([f"shard-{number}" for number in range(20)]), min_size=1, max_size=9, unique=True)
each_strategy = pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.name)


@pytest.fixture(scope="module")
def measured() -> list[Figures]:
    return figures()


@each_strategy
@settings(max_examples=10)
@given(names=NAMES)
def test_every_slot_gets_a_shard_that_there_is_in_whatever_order_they_come(
    strategy: Placement, names: list[str]
) -> None:
    owners = strategy.owners(dict.fromkeys(names, 1.0))
    assert len(owners) == SLOTS
    assert set(owners) <= set(names)
    assert owners == strategy.owners(dict.fromkeys(reversed(names), 1.0))


@given(names=NAMES, weights=st.data())
def test_balanced_ranges_follow_weights_to_the_slot(names: list[str], weights: st.DataObject) -> None:
    shards = {name: weights.draw(st.floats(0.5, 4)) for name in names}
    counts = Counter(BalancedRanges().owners(shards))
    total = sum(shards.values())
    assert all(abs(counts[name] - SLOTS * weight / total) <= 1 for name, weight in shards.items())


@pytest.mark.parametrize("strategy", [Rendezvous(), Ring()], ids=lambda strategy: strategy.name)
def test_a_heavier_shard_gets_more(strategy: Placement) -> None:
    counts = Counter(strategy.owners({"a": 1.0, "b": 1.0, "c": 2.0}))
    assert counts["c"] / SLOTS == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("strategy", [Rendezvous(), Ring()], ids=lambda strategy: strategy.name)
def test_only_a_new_shard_gains(strategy: Placement) -> None:
    before = {f"shard-{number}": 1.0 for number in range(8)}
    old, new = strategy.owners(before), strategy.owners({**before, "shard-8": 1.0})
    assert {second for first, second in zip(old, new, strict=True) if first != second} == {"shard-8"}


@each_strategy
def test_no_shards_are_refused_by_name(strategy: Placement) -> None:
    with pytest.raises(NoShards, match="no shards at all"):
        strategy.owners({})
    for weight in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(NoShards, match="shard b has weight"):
            strategy.owners({"a": 1.0, "b": weight})


def test_slots_stay_within_two_percent(measured: list[Figures]) -> None:
    [slots] = [line for line in measured if line.name == BalancedRanges().name]
    assert -2 < slots.spread.least < 0 < slots.spread.most < 2


def test_the_ring_misses_five_percent_with_slots_and_without(measured: list[Figures]) -> None:
    rings = [line for line in measured if line.name.startswith(Ring().name)]
    assert len(rings) == 2
    assert all(max(-line.spread.least, line.spread.most) > 5 for line in rings)


def test_a_spread_is_measured_against_the_fair_share() -> None:
    assert spread({"k": "a", "l": "a", "m": "a", "n": "b"}.__getitem__, ["a", "b"], "klmn") == (-50, 50)
    assert spread(lambda _: "a", ["a", "b"], "kl") == (-100, 100)


def test_the_document_tells_the_figures_that_are_measured(measured: list[Figures]) -> None:
    assert table(measured) in DOCUMENT.read_text()
