"""Transactions: all that happens on people's accounts in a period."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.synthetic.behaviour.calendar import DAY, Period
from app.synthetic.behaviour.economies import KINDS
from app.synthetic.behaviour.entries import NONE, Entries, balances
from app.synthetic.behaviour.fraud import FraudBursts
from app.synthetic.behaviour.people import People, budgets, incomes, opened
from app.synthetic.behaviour.purchases import Dining, Groceries, Purchases, Shopping, Travel
from app.synthetic.behaviour.refunds import Refunds
from app.synthetic.behaviour.roster import PLACE, Roster
from app.synthetic.behaviour.schedules import Rent, Salary, Subscriptions
from app.synthetic.chunks import ROWS, Chunk
from app.synthetic.columns import Expanding, Needed
from app.synthetic.errors import ImpossibleParameters, require
from app.synthetic.kinds.times import MOMENT
from app.synthetic.places.gazetteer import gazetteer

MICROSECONDS = 1_000_000
BUFFER = 0.5
"""What people keep on their account when they have least: exponential, mean as a share of the income of a month."""
EXPECTED_MONTHLY = 3
"""Salary, rent and refunds, about: only how many people make a chunk depends on it."""


@dataclass(frozen=True, kw_only=True)
class Transactions(Expanding):
    """Everybody's transactions from `start` up to, not with, `end`, by person and time; raises ImpossibleParameters.

    The people are the records of another schema, one after the other, as a data set of the same seed has them.
    """

    of: str = "customers"
    """Their schema: one that ships, or a file."""
    since: str | None = "joined"
    """Their field that says when the account was opened; None where it always was there."""
    people: int | None = None
    """How many there are; None without a limit."""
    start: date = date(2025, 1, 1)
    end: date = date(2026, 1, 1)
    salary: Salary = field(default_factory=Salary)
    rent: Rent = field(default_factory=Rent)
    subscriptions: Subscriptions = field(default_factory=Subscriptions)
    groceries: Groceries = field(default_factory=Groceries)
    dining: Dining = field(default_factory=Dining)
    shopping: Shopping = field(default_factory=Shopping)
    travel: Travel = field(default_factory=Travel)
    refunds: Refunds = field(default_factory=Refunds)
    fraud: FraudBursts = field(default_factory=FraudBursts)

    type = pa.struct(
        [
            ("person", pa.int64()),
            ("country", pa.int32()),
            ("time", MOMENT),
            ("kind", pa.int32()),
            ("merchant", pa.int32()),
            ("amount", pa.int64()),
            ("balance", pa.int64()),
            ("label", pa.int32()),
            ("origin", pa.int64()),
        ]
    )

    def __post_init__(self) -> None:
        _ = self.period, self._roster
        spent = float(self._shares.sum())
        require(spent < 1, f"the shares of income that people spend sum up to {spent:.2f}: it must be less than 1")
        if self.since is not None:
            kept = self._roster.types[self.since]
            is_time = pa.types.is_timestamp(kept) or pa.types.is_date(kept)
            require(is_time, f"since is {self.since}: that is no time but {kept}")

    @cached_property
    def period(self) -> Period:
        """The days of the transactions."""
        return Period(self.start, self.end)

    def subjects(self, rows: int) -> int:
        """Return a power of two, so that people of one chunk share a chunk of the roster."""
        weekly = sum(purchase.weekly for purchase in self.purchases)
        monthly = EXPECTED_MONTHLY + self.subscriptions.mean + weekly * 365.25 / 12 / 7
        most = max(1, int(rows / (monthly * max(1, self.period.days / 30))))
        return int(min(1 << (most.bit_length() - 1), ROWS))

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        chunk = self._limited(chunk)
        people = self.drawn(chunk)
        entries = self._entries(chunk, people)
        buffer = chunk.rng("buffer").exponential(BUFFER, len(people)) * people.income
        columns: list[NDArray[np.integer]] = [
            chunk.start + entries.person,
            people.country[entries.person],
            entries.seconds * MICROSECONDS,
            entries.kind,
            entries.merchant,
            entries.amount,
            balances(entries, buffer),
            entries.label,
            entries.origin,
        ]
        return pa.StructArray.from_arrays(
            [_array(values, each.type) for values, each in zip(columns, self.type, strict=True)],
            fields=list(self.type),
        )

    def drawn(self, chunk: Chunk) -> People:
        """Draw the people of a chunk."""
        names = (PLACE,) if self.since is None else (PLACE, self.since)
        records = self._roster.records(chunk.start, chunk.rows, chunk.seed)
        place = records[names[0]].to_numpy()
        country = gazetteer().country[place]
        return People(
            country=country,
            zone=gazetteer().texts["time_zone"].column(place).indices.to_numpy(),
            first_day=opened(records[names[-1]], self.period) if self.since else np.zeros(chunk.rows, dtype=np.int64),
            income=incomes(chunk.rng("income"), country, self.salary.sigma),
            budget=budgets(chunk.rng("budget"), self._shares, chunk.rows),
        )

    @property
    def purchases(self) -> tuple[Purchases, ...]:
        """The kinds of purchases; those that can be given back come first."""
        return self.shopping, self.travel, self.groceries, self.dining

    def _entries(self, chunk: Chunk, people: People) -> Entries:
        """Make the entries of the period after accounts were opened, in order; times are in UTC."""
        bought = [purchase.entries(chunk.rng(KINDS[purchase.kind]), people, self.period) for purchase in self.purchases]
        returnable = Entries.together(bought[:2])
        entries = Entries.together(
            [
                *bought,
                self.refunds.entries(chunk.rng("refunds"), returnable),
                self.salary.entries(chunk.rng("salary"), people, self.period),
                self.rent.entries(chunk.rng("rent"), people, self.period),
                self.subscriptions.entries(chunk.rng("subscription"), people, self.period),
                self.fraud.entries(chunk.rng("fraud"), people, self.period),
            ]
        )
        day = entries.seconds // DAY - self.period.first
        opened_on = people.first_day[entries.person]
        # A refund is only there where its purchase is.
        begun = np.where(entries.origin == NONE, day, day[entries.origin])
        utc = self.period.utc(people.zone[entries.person], entries.seconds)
        return replace(entries, seconds=utc).ordered((begun >= opened_on) & (day < self.period.days))

    def _limited(self, chunk: Chunk) -> Chunk:
        if self.people is None:
            return chunk
        if chunk.start >= self.people:
            raise ImpossibleParameters(f"{self.people} people have fewer transactions than are asked for")
        return replace(chunk, rows=min(chunk.rows, self.people - chunk.start))

    @cached_property
    def _shares(self) -> NDArray[np.float64]:
        """Mean share of income for each kind of transaction, in their order."""
        shares = np.zeros(len(KINDS))
        shares[KINDS.index("rent")] = self.rent.share
        for purchase in self.purchases:
            shares[purchase.kind] = purchase.share
        return shares

    @cached_property
    def _roster(self) -> Roster:
        return Roster(self.of, (PLACE,) if self.since is None else (PLACE, self.since), self.people)


def _array(values: NDArray[np.integer], type_: pa.DataType) -> pa.Array:
    return pa.array(values).view(type_) if type_ == MOMENT else pa.array(values.astype(type_.to_pandas_dtype()))
