"""Durations in every form that a cloud or a cluster has for them."""

from __future__ import annotations

import pytest

from policies import View, WrongShape
from policies.clouds.durations import days, days_of, days_of_go


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7776000s", 90),
        ("43200.0s", 0.5),
        ("7d", 7),
        ("36h", 1.5),
        ("1440m", 1),
        ("1d12h30m1800s", 1.5 + 1 / 24),
        ("P12M", 365),
        ("P1Y", 365),
        ("P30D", 30),
        ("P1Y2W3D", 365 + 14 + 3),
        ("0s", 0),
    ],
)
def test_a_duration_is_read_in_its_own_words(text: str, expected: float) -> None:
    assert days_of(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "Never", "P", "P1", "7", "7x", "h", "1s1h", "P1.5D", "P1M1Y", "PT1H", "7d "])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert days_of(text) is None


def test_a_duration_of_a_resource_may_be_absent_but_not_something_else() -> None:
    holder = View(value={"kept": {"period": "7d", "other": "long"}}, path="settings")
    assert (days(holder, "kept.period"), days(holder, "absent"), days(holder, "absent", "14d")) == (7, 0, 14)
    with pytest.raises(WrongShape, match=r"settings\.kept\.other"):
        days(holder, "kept.other")


@pytest.mark.parametrize(
    ("text", "expected"), [("36h", 1.5), ("720h30m0s", 30 + 30 / 1440), ("1d", None), ("P1M", None)]
)
def test_go_knows_neither_days_nor_months(text: str, expected: float | None) -> None:
    assert days_of_go(text) == (expected if expected is None else pytest.approx(expected))
