"""Statements of accounts: in order, never overdrawn, about customers that are there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.synthetic import Chunk, DataSet, Field, Schema, SyntheticError, parse_schema, schema_named
from app.synthetic.behaviour import Dining, FraudBursts, Groceries, Refunds, Rent, Salary, Subscriptions, Transactions
from app.synthetic.behaviour.calendar import Period
from app.synthetic.behaviour.entries import NONE, Entries, balances
from app.synthetic.behaviour.roster import Roster
from app.synthetic.behaviour.statement import Customer, RefersTo
from app.synthetic.chunks import ROWS
from app.synthetic.errors import ImpossibleParameters, SchemaCycle, UnknownField, UnknownSchema
from app.synthetic.kinds.values import Uuid
from app.synthetic.places.gazetteer import gazetteer
from tests.app.synthetic.behaviour.statements import FIELDS, PEOPLE, always, columns, made, people_of, statement

SHIPPED = schema_named("transactions")


def test_transactions_come_person_by_person_in_order_of_time() -> None:
    every = statement()
    assert len(set(every["customer"])) == len(set(every["person"])) == PEOPLE
    same = np.diff(every["person"]) == 0
    assert (np.diff(every["time"])[same] >= np.timedelta64(0)).all()


def test_all_are_in_the_period_where_the_person_lives() -> None:
    local = statement()["local"]
    # The night in which clocks change may move some by its hour.
    assert np.datetime64("2024-01-01") <= local.min()
    assert local.max() < np.datetime64("2026-01-01")


def test_balances_are_running_sums_and_nobody_is_overdrawn() -> None:
    every = statement()
    same = np.diff(every["person"]) == 0
    assert (np.diff(every["balance"])[same] == every["amount"][1:][same]).all()
    assert (every["balance"] >= 0).all()


def test_balances_are_never_absurd() -> None:
    every = statement()
    months = every["balance"] / people_of(always()).income[every["person"]]
    assert months.max() < 30
    assert 0.3 < np.median(months) < 10


def test_what_is_spent_is_less_than_what_is_earned() -> None:
    every = statement()
    own = every["label"] != "fraud"
    kept = np.bincount(every["person"][own], every["amount"][own])
    earned = np.bincount(every["person"], np.where(every["kind"] == "salary", every["amount"], 0))
    # Who travels much in the period may have spent more than usual.
    assert (kept > -0.15 * earned).all()
    assert (kept > 0).mean() > 0.97
    assert 0.1 < np.median(kept / earned) < 0.45


def test_nothing_happens_before_an_account_is_opened() -> None:
    table = made(Transactions(), 1500)
    every = columns(table)
    assert (every["time"] > every["joined"]).all()
    late = every["joined"] > np.datetime64("2025-03-01")
    assert 0.02 < late.mean() < 0.2
    begins = np.flatnonzero(np.diff(every["person"], prepend=-1))
    waited = (every["time"] - every["joined"])[begins][late[begins]]
    assert np.median(waited) < np.timedelta64(4, "D")
    refunds = every["label"] == "refund"
    assert (every["label"][every["refers_to"][refunds].astype(int)] == "normal").all()


def test_customers_and_transactions_of_a_seed_can_be_joined() -> None:
    customers = DataSet(schema_named("customers"), 1000, seed=5).table()
    table = DataSet(SHIPPED, 200_000, seed=5).table()
    joined = table.join(
        customers.select(["number", "currency", "country", "joined"]), "customer", "number", right_suffix="_of"
    )
    assert joined.num_rows == 200_000
    every = {name: joined[name].to_numpy() for name in ("time", "joined", "currency", "currency_of")}
    assert (every["currency"] == every["currency_of"]).all()
    assert (every["time"] > every["joined"]).all()
    order = list(dict.fromkeys(table["customer"].to_pylist()))
    numbers = [number for number in customers["number"].to_pylist() if number in set(order)]
    assert order == numbers
    assert len(order) > 500


def test_any_field_of_customers_agrees_where_it_is_known_how_many_there_are() -> None:
    names = ["id", "name", "email", "iban", "credit_score"]
    customers = DataSet(schema_named("customers"), 120, seed=5).table().select(names).to_pylist()
    fields = [Field(name, Customer(field=name, people=120)) for name in names]
    schema = Schema("some", (*fields, Field("transaction", Transactions(people=120), hidden=True)))
    rows = DataSet(schema, 20_000, seed=5).table().to_pylist()
    assert all(row in customers for row in {row["id"]: row for row in rows}.values())


def test_more_transactions_than_people_have_are_refused() -> None:
    schema = Schema("few", (Field("who", Customer()), Field("transaction", Transactions(people=50), hidden=True)))
    with pytest.raises(ImpossibleParameters, match="schema few, field transaction: 50 people have fewer transactions"):
        DataSet(schema, 100_000, seed=5).table()
    assert DataSet(schema, 5000, seed=5).table().num_rows == 5000


@pytest.mark.parametrize("workers", [2, 3])
def test_the_same_whatever_the_number_of_workers(workers: int) -> None:
    one, more = (DataSet(SHIPPED, 60_000, 9, count).table() for count in (1, workers))
    assert one.equals(more)
    assert len(set(one["id"].to_pylist())) == 60_000


def test_a_chunk_is_about_as_large_as_it_should_be() -> None:
    sizes = [batch.num_rows for batch in DataSet(SHIPPED, 200_000, 9, 1).batches()]
    assert 0.35 * ROWS < np.mean(sizes[:-1]) < 1.1 * ROWS
    assert max(sizes) < 1.5 * ROWS


def test_people_without_a_place_in_their_schema_live_somewhere(tmp_path: Path) -> None:
    file = tmp_path / "members.yaml"
    file.write_text("name: members\nfields: {code: sequence}")
    transactions = Transactions(of=str(file), since=None)
    fields = (Field("who", Customer(of=str(file), field="code")), *[each for each in FIELDS if each.name == "currency"])
    table = Schema("some", (*fields, Field("transaction", transactions, hidden=True))).make(Chunk(0, 0, 60, 1))
    assert set(table["who"].to_pylist()) == set(range(1, 61))
    assert {"USD", "EUR", "INR"} <= set(table["currency"].to_pylist())


def test_people_are_those_of_the_data_set_wherever_they_are_in_it(tmp_path: Path) -> None:
    file = tmp_path / "members.yaml"
    file.write_text("name: members\nfields: {code: {kind: number.integer, low: 0, high: 1000000000}}")
    every = DataSet(schema_named(str(file)), 2 * ROWS + 100, seed=4).table()["code"].to_pylist()
    roster = Roster(str(file), ("code",), None)
    for start, rows in ((0, 3), (ROWS - 5, 10), (ROWS, 1), (2 * ROWS - 1, 2), (2 * ROWS + 7, 9)):
        assert roster.records(start, rows, 4)["code"].to_pylist() == every[start : start + rows]


amounts = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 50), st.integers(-900, 900)), max_size=40)


def entries(rows: list[tuple[int, int, int]]) -> Entries:
    person, seconds, amount = (np.array([row[place] for row in rows], dtype=np.int64) for place in range(3))
    origin = np.where(np.arange(len(rows)) % 2, np.arange(len(rows)) - 1, NONE)
    return Entries.of(person, seconds, 0, np.arange(len(rows)), amount.astype(float), 0, origin)


@given(amounts)
def test_ordering_keeps_entries_and_what_they_refer_to(rows: list[tuple[int, int, int]]) -> None:
    given_ = entries(rows)
    kept = np.arange(len(rows)) // 2 % 3 != 1
    found = given_.ordered(kept)
    keys = list(zip(found.person, found.seconds, strict=True))
    assert keys == sorted(keys)
    assert sorted(found.merchant) == np.flatnonzero(kept).tolist()
    refers = found.origin != NONE
    assert (found.merchant[found.origin[refers]] == found.merchant[refers] - 1).all()


@given(amounts)
def test_balances_start_with_what_keeps_them_above_the_buffer(rows: list[tuple[int, int, int]]) -> None:
    found = entries(rows).ordered(np.ones(len(rows), dtype=bool))
    buffer = np.arange(6) * 10.0
    after = balances(found, buffer)
    for person in set(found.person):
        own = after[found.person == person]
        assert (np.diff(own) == found.amount[found.person == person][1:]).all()
        opening = own[0] - found.amount[found.person == person][0]
        assert min(opening, own.min()) == buffer[person]


dates = st.dates(date(1980, 1, 1), date(2050, 1, 1))


@given(dates, st.integers(1, 800))
def test_periods_know_their_days(start: date, length: int) -> None:
    period = Period(start, start + timedelta(days=length))
    every = [start + timedelta(days=day) for day in range(length)]
    assert period.weekday.tolist() == [day.weekday() for day in every]
    assert period.month.tolist() == [day.month - 1 for day in every]
    assert sorted({(day.year - 1970) * 12 + day.month - 1 for day in every}) == period.months.tolist()
    firsts = [start + timedelta(days=int(day)) for day in period.month_starts]
    assert all(day.day == 1 for day in firsts)
    lasts = [start + timedelta(days=int(day)) for day in period.last_working_days]
    for first, last in zip(firsts, lasts, strict=True):
        assert (first.year, first.month) == (last.year, last.month)
        assert last.weekday() < 5
        after = [last + timedelta(days=day) for day in (1, 2, 3)]
        assert all(day.weekday() >= 5 or day.month != last.month for day in after)


@settings(max_examples=30)
@given(st.dates(date(2000, 1, 1), date(2030, 1, 1)), st.integers(0, 2**32))
def test_local_times_become_utc_as_the_tz_database_says(start: date, seed: int) -> None:
    rng = np.random.default_rng(seed)
    period = Period(start, start + timedelta(days=20))
    zones = gazetteer().texts["time_zone"].column(np.zeros(1, dtype=np.int32)).dictionary.to_pylist()
    zone = rng.integers(0, len(zones), 50)
    # By day: in the night of a change of clocks, the new time counts from midnight on.
    seconds = (period.first + rng.integers(0, 20, 50)) * 86_400 + rng.integers(4 * 3600, 86_400, 50)
    for name, local, moment in zip(zone, seconds.tolist(), period.utc(zone, seconds).tolist(), strict=True):
        shown = datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(zones[name])).replace(tzinfo=UTC)
        assert shown.timestamp() == local


IMPOSSIBLE: list[tuple[Callable[[], object], str]] = [
    (
        lambda: Transactions(start=date(2025, 2, 1), end=date(2025, 2, 1)),
        "start is 2025-02-01, and end is not after it",
    ),
    (lambda: Transactions(start=date(2000, 1, 1)), "the most is 3660 days"),
    (lambda: Transactions(start=date(1960, 1, 1), end=date(1961, 1, 1)), "must be from 1971-01-01"),
    (lambda: Transactions(rent=Rent(share=0.6)), r"sum up to 1\.05: it must be less than 1"),
    (lambda: Transactions(since="name"), "since is name: that is no time but string"),
    (lambda: Transactions(of="series", since=None), "of is series: nobody knows how many records that has"),
    (lambda: Transactions(people=0), "people is 0: it must be above 0"),
    (lambda: Salary(sigma=0), "sigma is 0"),
    (lambda: Salary(rise=-0.1), r"rise is -0\.1"),
    (lambda: Rent(share=float("nan")), "share is nan"),
    (lambda: Rent(tenants=1.1), r"tenants is 1\.1"),
    (lambda: Subscriptions(mean=10), "mean is 10: it goes from 0 to 9"),
    (lambda: Subscriptions(mean_days=0), "mean_days is 0"),
    (lambda: Groceries(weekly=0), "weekly is 0"),
    (lambda: Dining(sigma=3), "sigma is 3"),
    (lambda: Dining(share=1), "share is 1"),
    (lambda: Refunds(share=2), "share is 2"),
    (lambda: Refunds(mean_days=-1), "mean_days is -1"),
    (lambda: Refunds(whole=-1), "whole is -1"),
    (lambda: FraudBursts(yearly=-1), "yearly is -1"),
    (lambda: FraudBursts(small=-1), "small is -1"),
    (lambda: FraudBursts(large=21), "large is 21"),
    (lambda: FraudBursts(mean_seconds=0), "mean_seconds is 0"),
]


@pytest.mark.parametrize(("make", "reason"), IMPOSSIBLE, ids=[reason for _, reason in IMPOSSIBLE])
def test_impossible_parameters_are_refused(make: Callable[[], object], reason: str) -> None:
    with pytest.raises(ImpossibleParameters, match=reason):
        make()


def test_people_that_are_not_known_are_refused() -> None:
    with pytest.raises(UnknownSchema, match="schema 'custmers' is not known; did you mean 'customers'"):
        Transactions(of="custmers")
    with pytest.raises(UnknownField, match="schema customers: field 'joind' is not known; did you mean 'joined'"):
        Transactions(since="joind")
    with pytest.raises(UnknownField, match="field 'numbr' is not known"):
        Customer(field="numbr")
    with pytest.raises(UnknownField, match="field 'ident' is not known; did you mean 'id'"):
        Schema("some", (Field("id", Uuid()), Field("refers_to", RefersTo(field="ident"))))


def test_transactions_of_transactions_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    text = "name: mine\nhidden: {{transaction: {{kind: transaction, of: {}}}}}\nfields: {{time: transaction.time}}"
    file.write_text(text.format(file))
    with pytest.raises(SchemaCycle, match=r"fields need one another in a circle: .*mine.yaml -> .*mine.yaml"):
        schema_named(str(file))


def test_a_schema_file_sets_the_parameters_of_processes() -> None:
    text = "name: mine\nhidden: {{transaction: {{kind: transaction, {}}}}}\nfields: {{time: transaction.time}}"
    schema = parse_schema(text.format("groceries: {weekly: 7}, rent: {tenants: 0}, end: 2025-03-01"))
    transaction = schema.expanding
    assert isinstance(transaction, Transactions)
    assert transaction.groceries == Groceries(weekly=7)
    assert (transaction.rent.tenants, transaction.period.days) == (0, 59)
    for wrong, reason in (
        ("groceries: {weakly: 7}", r"parameter of transaction 'groceries.weakly' is not known"),
        ("rent: {tenants: 2}", "schema mine, field transaction: tenants is 2"),
        ("of: nobody", "schema mine, field transaction: schema 'nobody' is not known"),
    ):
        with pytest.raises(SyntheticError, match=reason):
            parse_schema(text.format(wrong))
