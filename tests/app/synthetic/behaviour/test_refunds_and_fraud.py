"""What is given back, and what is stolen."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from app.synthetic.behaviour import FraudBursts, Refunds, Transactions
from app.synthetic.behaviour.calendar import Period
from app.synthetic.behaviour.entries import FRAUD
from app.synthetic.behaviour.fraud import DAYS_A_YEAR
from tests.app.synthetic.behaviour.statements import always, columns, days, hours, made, people_of, statement

LIKELY = 0.001


def test_a_refund_refers_to_an_earlier_purchase() -> None:
    every = statement()
    refunds = np.flatnonzero(every["label"] == "refund")
    purchase = every["refers_to"][refunds].astype(int)
    assert len(refunds) > 500
    assert len(set(purchase)) == len(purchase)
    for name in ("person", "merchant", "kind"):
        assert (every[name][refunds] == every[name][purchase]).all()
    assert (every["label"][purchase] == "normal").all()
    assert set(every["kind"][purchase]) == {"shopping", "travel"}
    assert (days(every["local"][refunds]) > days(every["local"][purchase])).all()
    assert (every["amount"][refunds] > 0).all()
    assert (every["amount"][refunds] <= -every["amount"][purchase]).all()
    assert set(every["refers_to"][every["label"] != "refund"]) == {None}


def test_refunds_are_as_frequent_as_late_and_as_whole_as_asked() -> None:
    every = statement()
    refunds = np.flatnonzero(every["label"] == "refund")
    purchase = every["refers_to"][refunds].astype(int)
    asked = Refunds()
    # Of purchases of the last month some refunds would come after the end.
    early = days(every["local"]) < np.datetime64("2025-10-01")
    returnable = np.isin(every["kind"], ["shopping", "travel"]) & (every["label"] == "normal") & early
    assert stats.binomtest(int(early[purchase].sum()), int(returnable.sum()), asked.share).pvalue > LIKELY
    waited = (days(every["local"][refunds]) - days(every["local"][purchase])).astype(int)[early[purchase]]
    expected = np.diff(stats.expon(scale=asked.mean_days).cdf(np.arange(0, 31)))
    observed = np.bincount(waited - 1, minlength=31)
    rest = np.append(expected, 1 - expected.sum()) * len(waited)
    assert stats.chisquare(np.append(observed[:30], observed[30:].sum()), rest).pvalue > LIKELY
    large = -every["amount"][purchase] > 100
    whole = (every["amount"][refunds] == -every["amount"][purchase])[large]
    assert stats.binomtest(int(whole.sum()), whole.size, asked.whole).pvalue > LIKELY
    part = (every["amount"][refunds] / -every["amount"][purchase])[large][~whole]
    assert stats.kstest(part, stats.uniform(0.1, 0.9).cdf).pvalue > LIKELY


def bursts() -> list[np.ndarray]:
    """Rows of each burst of fraud: another person, or hours between."""
    every = statement()
    rows = np.flatnonzero(every["label"] == "fraud")
    apart = (np.diff(every["person"][rows]) != 0) | (np.diff(every["time"][rows]) > np.timedelta64(3, "h"))
    found = np.split(rows, np.flatnonzero(apart) + 1)
    assert len(found) > 1
    return found


def test_a_burst_is_some_small_amounts_then_a_few_large_ones() -> None:
    every = statement()
    people = people_of(always())
    for rows in bursts():
        amount = -every["amount"][rows]
        large = amount >= 0.06 * people.income[every["person"][rows[0]]] - 1
        assert (np.diff(large.astype(int)) >= 0).all()
        assert (~large).sum() >= 3
        assert large.sum() >= 1
        assert amount[large].min() > 4 * amount[~large].max()


def test_a_burst_comes_at_night_abroad_and_fast() -> None:
    every = statement()
    found = bursts()
    begins = np.array([hours(every["local"][rows[:1]])[0] for rows in found])
    assert stats.kstest(begins, stats.uniform(0, 5).cdf).pvalue > LIKELY
    for rows in found:
        assert (every["merchant_country"][rows] != every["country"][rows]).all()
        assert len(set(every["merchant_country"][rows])) == 1
        assert every["time"][rows[-1]] - every["time"][rows[0]] < np.timedelta64(3, "h")
    waits = np.concatenate([np.diff(every["time"][rows]).astype("timedelta64[s]").astype(int) for rows in found]) - 1
    assert stats.kstest(waits + np.random.default_rng(1).random(len(waits)), stats.expon(scale=150).cdf).pvalue > LIKELY


def test_bursts_are_as_frequent_and_as_long_as_asked() -> None:
    people = people_of(always(), 20_000)
    process = FraudBursts(yearly=0.2, small=4, large=2)
    entries = process.entries(np.random.default_rng(4), people, always().period)
    assert (entries.label == FRAUD).all()
    expected = 20_000 * 0.2 * always().period.days / DAYS_A_YEAR
    assert len(entries) == pytest.approx(expected * (3 + 4 + 1 + 2), rel=0.05)
    small = -entries.amount < 0.06 * people.income[entries.person] - 1
    assert small.mean() == pytest.approx(7 / 10, abs=0.01)
    victims = np.bincount(np.bincount(entries.person, minlength=20_000) > 0)
    assert stats.binomtest(int(victims[1]), 20_000, -np.expm1(-expected / 20_000)).pvalue > LIKELY


@given(st.lists(st.integers(0, 20), min_size=1, max_size=20), st.integers(0, 2**32))
def test_two_bursts_of_a_person_never_share_a_night(counts: list[int], seed: int) -> None:
    period = Period(date(2025, 1, 1), date(2025, 1, 26))
    nights = FraudBursts()._nights(np.random.default_rng(seed), np.array(counts), period) - period.first
    assert nights.size == sum(counts)
    for own in np.split(nights, np.cumsum(counts)[:-1]):
        assert (np.diff(own) > 0).all()
    assert ((nights >= 0) & (nights < 25)).all()


def test_fraud_is_rare_by_itself() -> None:
    table = columns(made(Transactions(), 2000))
    assert 0.0005 < (table["label"] == "fraud").mean() < 0.003


def test_no_fraud_and_no_refunds_on_request() -> None:
    table = columns(made(Transactions(fraud=FraudBursts(yearly=0), refunds=Refunds(share=0)), 50))
    assert set(table["label"]) == {"normal"}
