"""Combinations of faults that run by default."""

from __future__ import annotations

import itertools

from tests.combinations import choose, covering

STEPS, SIDES, VICTIMS = range(8), ("source", "target"), ("aws", "azure")


def test_every_combination_is_a_case_and_few_run_by_default() -> None:
    cases = covering(STEPS, SIDES, VICTIMS, together=2)
    assert [case.values for case in cases] == list(itertools.product(STEPS, SIDES, VICTIMS))
    assert sum(not case.marks for case in cases) == 16
    assert {mark.name for case in cases for mark in case.marks} == {"full"}


def test_each_pair_of_values_runs_by_default() -> None:
    chosen = choose(list(itertools.product(STEPS, SIDES, VICTIMS)), 2)
    assert {(step, side) for step, side, _ in chosen} == set(itertools.product(STEPS, SIDES))
    assert {(step, victim) for step, _, victim in chosen} == set(itertools.product(STEPS, VICTIMS))
    assert {(side, victim) for _, side, victim in chosen} == set(itertools.product(SIDES, VICTIMS))


def test_single_values_are_covered_evenly() -> None:
    chosen = choose(list(itertools.product(STEPS, SIDES)), 1)
    assert sorted(step for step, _ in chosen) == list(STEPS)
    assert sorted(side for _, side in chosen) == ["source"] * 4 + ["target"] * 4
