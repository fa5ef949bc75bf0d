"""What comes every month: salaries, rents and subscriptions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from app.synthetic.behaviour import Rent, Salary, Subscriptions
from app.synthetic.behaviour.economies import economies
from tests.app.synthetic.behaviour.statements import PEOPLE, always, day_of_month, days, hours, of, people_of

MONTHS = np.arange("2024-01", "2026-01", dtype="datetime64[M]")
LIKELY = 0.001


def test_everybody_has_a_salary_on_the_last_working_day_of_every_month() -> None:
    salary = of("salary")
    expected = np.busday_offset((MONTHS + 1).astype("datetime64[D]"), -1, roll="forward")
    assert (days(salary["local"]).reshape(PEOPLE, 24) == expected).all()
    assert (salary["amount"] > 0).all()
    assert np.quantile(hours(salary["local"]), [0.001, 0.999]) == pytest.approx([1.0, 6.0], abs=0.5)


def test_salaries_rise_once_a_year_in_a_month_of_ones_own_and_never_fall() -> None:
    amount = of("salary")["amount"].reshape(PEOPLE, 24)
    rises = amount[:, 1:] / amount[:, :-1] - 1
    assert (rises >= 0).all()
    assert ((rises > 0).sum(axis=1) <= 2).all()
    risen = rises[:, :12].max(axis=1)
    assert risen.mean() == pytest.approx(Salary().rise, abs=0.003)
    first = rises[(rises[:, :11] > 0).any(axis=1)]
    assert (first[:, :11].argmax(axis=1) == first[:, 12:].argmax(axis=1)).mean() > 0.99
    months = np.bincount(rises[:, :12].argmax(axis=1)[risen > 0], minlength=12)
    assert stats.chisquare(months).pvalue > LIKELY


def test_incomes_are_log_normal_around_the_median_of_the_country() -> None:
    people = people_of(always(), 5000)
    ratio = np.log(people.income / economies().income[people.country])
    assert stats.kstest(ratio, stats.norm(0, Salary().sigma).cdf).pvalue > LIKELY
    assert stats.kstest(ratio, stats.norm(0.05, Salary().sigma).cdf).pvalue < 1e-6


@pytest.mark.parametrize("kind", ["salary", "rent"])
def test_one_has_one_employer_and_one_landlord(kind: str) -> None:
    entries = of(kind)
    pairs = {tuple(pair) for pair in zip(entries["person"], entries["merchant"], strict=True)}
    assert len(pairs) == len(set(entries["person"]))
    assert (entries["merchant_country"] == entries["country"]).all()


def test_rent_is_a_fixed_amount_on_the_first_of_every_month() -> None:
    rent = of("rent")
    tenants = set(rent["person"])
    assert (day_of_month(rent["local"]) == 1).all()
    assert len(rent["person"]) == 24 * len(tenants)
    assert (np.ptp(rent["amount"].reshape(-1, 24), axis=1) == 0).all()
    assert stats.binomtest(len(tenants), PEOPLE, Rent().tenants).pvalue > LIKELY


def test_rent_is_the_share_of_income_that_a_person_gives_to_it() -> None:
    people = people_of(always())
    rent = of("rent")
    expected = people.income * people.budget[:, 1]
    assert -rent["amount"] == pytest.approx(expected[rent["person"]], abs=0.51)
    assert people.budget[:, 1].mean() == pytest.approx(Rent().share, abs=0.01)


def test_a_subscription_is_a_fixed_amount_on_a_fixed_day_without_a_break() -> None:
    entries = of("subscription")
    held: dict[tuple[int, str], list[int]] = {}
    for row, key in enumerate(zip(entries["person"], entries["merchant"], strict=True)):
        held.setdefault(key, []).append(row)
    months = entries["local"].astype("datetime64[M]").astype(int)
    paydays = day_of_month(entries["local"])
    for rows in held.values():
        assert len(set(entries["amount"][rows])) == 1
        assert len(set(paydays[rows])) == 1
        assert (np.diff(months[rows]) == 1).all()
    assert stats.chisquare(np.bincount([paydays[rows[0]] for rows in held.values()])[1:]).pvalue > LIKELY
    assert paydays.max() == 28
    begun = [rows[0] for rows in held.values() if months[rows[0]] > months.min()]
    ended = [rows[-1] for rows in held.values() if months[rows[-1]] < months.max()]
    assert 0.2 < len(begun) / len(held) < 0.5
    assert len(ended) / len(held) > 0.4


def test_subscriptions_are_as_many_and_as_long_as_asked() -> None:
    process = Subscriptions(mean=4, mean_days=300)
    people = people_of(always(), 20_000)
    entries = process.entries(np.random.default_rng(1), people, always().period)
    pairs = np.unique(np.stack([entries.person, entries.merchant]), axis=1)
    count = np.bincount(pairs[0], minlength=20_000)
    # Hardly anybody misses: who begins on the last days may have no payday left.
    assert count.mean() == pytest.approx(4, rel=0.05)
    first, last = process._times(np.random.default_rng(1), 50_000, always().period)
    assert stats.kstest(last - first - 30, stats.expon(scale=300).cdf).pvalue > LIKELY


def test_prices_are_just_below_a_round_one() -> None:
    entries = of("subscription")
    step = {"US": 100, "GB": 100, "DE": 100, "FR": 100, "ES": 100, "IN": 1000, "JP": 10}
    steps = np.array([step[country] for country in entries["country"]])
    assert ((-entries["amount"] + 1) % steps == 0).all()
    american = -entries["amount"][entries["country"] == "US"]
    assert 300 < american.min() < american.max() < 5000
