"""Slices of a bench: a busy machine makes them longer or more, and never loses a row unsaid."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.bench.data_plane.worker_pool import worker_pool
from tools.bench.slices import ATTEMPTS, NothingMeasured, lengthen, paired


def test_both_sides_take_turns_and_each_begins_every_other_pair() -> None:
    order: list[str] = []

    def side(name: str, figure: float) -> Callable[[], float]:
        def measure() -> float:
            order.append(name)
            return figure

        return measure

    pairs = paired(side("A", 3), side("B", 2), pairs=3, warm_ups=0)
    assert "".join(order) == "ABBAAB"
    assert pairs.ours_by_theirs == [1.5, 1.5, 1.5]


def test_a_slice_that_measured_nothing_is_repeated() -> None:
    figures = iter([5.0, 0.0, 0.0, 4.0])
    assert paired(lambda: next(figures), lambda: 2.0, pairs=2, warm_ups=0).ours == (5.0, 4.0)


def test_a_side_that_never_measures_anything_fails() -> None:
    with pytest.raises(NothingMeasured, match=f"{ATTEMPTS} slices in a row"):
        paired(lambda: 0.0, lambda: 1.0, pairs=1, warm_ups=0)


def test_a_slice_in_which_nothing_was_done_is_lengthened() -> None:
    rates, lengths = iter([0.0, 0.0, 812.5]), []

    def rate(seconds: float) -> float:
        lengths.append(seconds)
        return next(rates)

    assert lengthen(rate, 0.8) == 812.5
    assert lengths == [0.8, 1.6, 3.2]


def test_a_slice_in_which_nothing_is_ever_done_fails() -> None:
    with pytest.raises(NothingMeasured, match="nothing was done within 16 s"):
        lengthen(lambda _: 0.0, 1)


@contextlib.contextmanager
def adder(base: int, number: int) -> Iterator[Callable[[int], tuple[int, int]]]:
    if base < 0:
        raise ValueError("no work below zero")
    yield lambda more: (base + number + more, os.getpid())


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a spawned process import this module."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2])


@pytest.mark.usefixtures("importable")
def test_workers_of_a_pool_do_the_same_work_in_processes_of_their_own() -> None:
    with worker_pool(2, adder, 10) as pool:
        first, again = pool.run(5), pool.run(6)
    assert [result for result, _ in first] == [15, 16]
    assert [result for result, _ in again] == [16, 17]
    assert [pid for _, pid in first] == [pid for _, pid in again]
    assert len({os.getpid(), *(pid for _, pid in first)}) == 3


@pytest.mark.usefixtures("importable")
def test_a_worker_that_cannot_start_says_why() -> None:
    with pytest.raises(ValueError, match="no work below zero"), worker_pool(1, adder, -1):
        pass
