"""Purchases follow the rhythm of days, weeks and seasons, and cost what people have for them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from app.synthetic.behaviour.calendar import Hours, Period
from app.synthetic.behaviour.economies import KINDS, merchants
from app.synthetic.behaviour.purchases import EVENNESS, Dining, Groceries, Purchases, Shopping, Travel
from tests.app.synthetic.behaviour.statements import PEOPLE, always, hours, month, of, people_of, weekday

ALL = [Groceries(), Dining(), Shopping(), Travel()]
NAMES = [KINDS[each.kind] for each in ALL]
LIKELY = 0.001
UNLIKELY = 1e-9


def bins(process: Purchases, by: str, *, week: tuple[float, ...], year: tuple[float, ...]) -> NDArray[np.float64]:
    """Share of purchases by weekday or month, of so many years' days."""
    period = always().period
    rhythm = period.rhythm(week, year)
    share = np.bincount(period.weekday if by == "week" else period.month, rhythm)
    return share / share.sum()


@pytest.mark.parametrize("process", ALL, ids=NAMES)
@pytest.mark.parametrize("by", ["week", "year"])
def test_weekdays_and_months_have_their_share(process: Purchases, by: str) -> None:
    local = of(KINDS[process.kind])["local"]
    found = np.bincount(weekday(local) if by == "week" else month(local))
    expected = bins(process, by, week=process.week, year=process.year) * found.sum()
    flat = bins(process, by, week=(1,) * 7, year=(1,) * 12) * found.sum()
    assert stats.chisquare(found, expected).pvalue > LIKELY
    assert stats.chisquare(found, flat).pvalue < UNLIKELY or (process.kind, by) == (KINDS.index("travel"), "week")


def test_groceries_peak_on_saturdays_dining_in_summer_and_december() -> None:
    assert np.bincount(weekday(of("groceries")["local"])).argmax() == 5
    by_month = np.bincount(month(of("dining")["local"]))
    assert set(np.argsort(by_month)[-4:]) == {5, 6, 7, 11}
    assert np.bincount(month(of("travel")["local"])).argmax() == 6


def mixture(of_hours: Hours) -> object:
    total = sum(weight for weight, _, _ in of_hours.peaks)

    def cdf(hour: NDArray[np.float64]) -> NDArray[np.float64]:
        # Midnight is passed by some.
        parts = [
            weight
            * sum(
                stats.norm.cdf(hour + 24 * turn, mean, spread) - stats.norm.cdf(24 * turn, mean, spread)
                for turn in (-1, 0, 1)
            )
            for weight, mean, spread in of_hours.peaks
        ]
        return np.asarray(sum(parts) / total)

    return cdf


@pytest.mark.parametrize("process", ALL, ids=NAMES)
def test_people_buy_by_the_clocks_of_where_they_live(process: Purchases) -> None:
    bought = of(KINDS[process.kind])
    for country in ("US", "IN", "JP"):
        there = bought["country"] == country
        assert stats.kstest(hours(bought["local"][there]), mixture(process.hours)).pvalue > LIKELY
        if country != "US" or process.kind == KINDS.index("dining"):
            assert stats.kstest(hours(bought["time"][there]), mixture(process.hours)).pvalue < UNLIKELY


@pytest.mark.parametrize("process", [Groceries(), Dining()], ids=["groceries", "dining"])
def test_amounts_of_a_person_are_log_normal(process: Purchases) -> None:
    bought = of(KINDS[process.kind])
    rich = bought["amount"] < -50  # rounding to whole yen and cents does not show
    person, logs = bought["person"][rich], np.log(-bought["amount"][rich])
    count = np.bincount(person, minlength=PEOPLE)
    mean = np.bincount(person, logs, minlength=PEOPLE) / np.maximum(count, 1)
    many = count[person] >= 100
    off = ((logs - mean[person]) * np.sqrt(count / np.maximum(count - 1, 1))[person])[many]
    assert off.std() == pytest.approx(process.sigma, rel=0.015)
    assert stats.kstest(off, stats.norm(0, process.sigma).cdf).pvalue > LIKELY
    assert stats.kstest(off, stats.norm(0, process.sigma * 1.1).cdf).pvalue < UNLIKELY


@pytest.mark.parametrize("process", ALL, ids=NAMES)
def test_people_spend_the_share_of_income_that_they_have_for_it(process: Purchases) -> None:
    people = people_of(always(), 3000)
    entries = process.entries(np.random.default_rng(1), people, always().period)
    assert people.budget[:, process.kind].mean() == pytest.approx(process.share, rel=0.05)
    spent = np.bincount(entries.person, -entries.amount, minlength=3000)
    share = spent / (people.income * 24)
    assert share.mean() == pytest.approx(process.share, rel=0.05)
    per_income = stats.linregress(np.log(people.income[spent > 0]), np.log(spent[spent > 0]))
    assert per_income.slope == pytest.approx(1, abs=0.05)
    assert (-entries.amount <= people.income[entries.person] + 1).all()


@pytest.mark.parametrize("process", ALL, ids=NAMES)
def test_people_differ_in_how_often_they_buy_by_a_gamma_distribution(process: Purchases) -> None:
    people = people_of(always(), 4000)
    entries = process.entries(np.random.default_rng(2), people, always().period)
    count = np.bincount(entries.person, minlength=4000)
    mean = process.weekly / 7 * always().period.rhythm(process.week, process.year).sum()
    edges = np.unique(stats.nbinom.ppf(np.linspace(0.05, 0.95, 15), EVENNESS, EVENNESS / (EVENNESS + mean)))
    observed = np.bincount(np.searchsorted(edges, count), minlength=len(edges) + 1)
    below = np.concatenate(([0], stats.nbinom.cdf(edges, EVENNESS, EVENNESS / (EVENNESS + mean)), [1]))
    assert stats.chisquare(observed, np.diff(below) * 4000).pvalue > LIKELY
    poisson = np.concatenate(([0], stats.poisson.cdf(edges, mean), [1]))
    assert stats.chisquare(observed, np.maximum(np.diff(poisson), 1e-12) * 4000, sum_check=False).pvalue < UNLIKELY


def test_people_have_favourite_merchants() -> None:
    bought = of("groceries")
    visits = [np.unique(bought["merchant"][bought["person"] == person], return_counts=True)[1] for person in range(20)]
    shares = [counts.max() / counts.sum() for counts in visits if counts.sum() > 100]
    assert shares
    assert 0.3 < min(shares) <= max(shares) < 0.55


@pytest.mark.parametrize(("kind", "abroad"), [("groceries", 0.0), ("dining", 0.0), ("shopping", 0.04), ("travel", 0.3)])
def test_some_buy_abroad(kind: str, abroad: float) -> None:
    bought = of(kind)
    count = int((bought["merchant_country"] != bought["country"]).sum())
    assert stats.binomtest(count, len(bought["id"]), abroad).pvalue > LIKELY


def test_every_merchant_is_of_the_country_and_kind_asked_for() -> None:
    country, kind, number = (each.ravel() for each in np.meshgrid(np.arange(7), np.arange(7), np.arange(40)))
    found = merchants().nth(country, kind, number)
    assert (merchants().country[found] == country).all()
    assert (merchants().kind[found] == kind).all()
    assert set(found) == set(range(len(merchants().kind)))


def test_a_rhythm_is_about_all_weeks_and_years_not_about_the_period() -> None:
    november, december = (Period(date(2025, month, 1), date(2025, month, 29)) for month in (11, 12))
    people = people_of(always(), 4000)
    few, many = (Travel().entries(np.random.default_rng(1), people, period) for period in (november, december))
    assert len(many) / len(few) == pytest.approx(1.3 / 0.55, rel=0.1)
    assert len(many) == pytest.approx(4000 * 4 * Travel().weekly * 1.3 / np.mean(Travel.year), rel=0.1)
