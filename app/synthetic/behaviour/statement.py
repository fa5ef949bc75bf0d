"""Kinds of columns that say something of a transaction. They share the joint draw `transaction`, so they agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.synthetic.behaviour.economies import KINDS as WORDS
from app.synthetic.behaviour.economies import economies, merchants
from app.synthetic.behaviour.entries import LABELS, NONE
from app.synthetic.behaviour.roster import Roster
from app.synthetic.behaviour.transactions import Transactions
from app.synthetic.chunks import Chunk
from app.synthetic.columns import Column, Needed
from app.synthetic.countries import countries
from app.synthetic.kinds.times import MOMENT
from app.synthetic.pools import POOLED, Pool

JOINT = "transaction"


@dataclass(frozen=True, kw_only=True)
class Customer(Column):
    """A field of whoever's transaction it is: by it, transactions and customers of one seed can be joined."""

    field: str = "number"
    of: str = "customers"
    """Schema of the people, as the draw `transaction` has it."""
    people: int | None = None
    """How many there are, as the draw `transaction` has it."""

    needs = (JOINT,)

    def __post_init__(self) -> None:
        _ = self._roster

    @property
    def type(self) -> pa.DataType:
        return self._roster.types[self.field]

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        person = said(needed, "person")
        if not len(person):
            return pa.array([], self.type)
        first, last = int(person[0]), int(person[-1])
        return self._roster.records(first, last + 1 - first, chunk.seed)[self.field].take(pa.array(person - first))

    @cached_property
    def _roster(self) -> Roster:
        return Roster(self.of, (self.field,), self.people)


@dataclass(frozen=True, kw_only=True)
class Number(Column):
    """A number or moment that is drawn."""

    says: ClassVar[str]

    needs = (JOINT,)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return needed[JOINT].field(self.says)


class Time(Number):
    """When it was booked; people buy by the clocks of where they live."""

    says = "time"
    type = MOMENT


class Amount(Number):
    """Whole minor units of the currency (cents; yen); what is spent is negative."""

    says = "amount"
    type = pa.int64()


class Balance(Number):
    """What is on the account afterwards, in minor units."""

    says = "balance"
    type = pa.int64()


@dataclass(frozen=True, kw_only=True)
class Kind(Column):
    """`salary`, `rent`, `subscription`, `groceries`, `dining`, `shopping` or `travel`."""

    pool: ClassVar[Pool] = Pool(WORDS)

    type = POOLED
    needs = (JOINT,)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return self.pool.column(said(needed, "kind"))


@dataclass(frozen=True, kw_only=True)
class Label(Column):
    """`normal`, `refund` or `fraud`."""

    pool: ClassVar[Pool] = Pool(LABELS)

    type = POOLED
    needs = (JOINT,)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return self.pool.column(said(needed, "label"))


@dataclass(frozen=True, kw_only=True)
class Merchant(Column):
    """Who pays or is paid."""

    type = POOLED
    needs = (JOINT,)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return merchants().names.column(said(needed, "merchant"))


@dataclass(frozen=True, kw_only=True)
class MerchantCountry(Column):
    """Where the merchant is: two letters (ISO 3166-1)."""

    type = POOLED
    needs = (JOINT,)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return self._pool.column(merchants().country[said(needed, "merchant")])

    @cached_property
    def _pool(self) -> Pool:
        return Pool(countries())


@dataclass(frozen=True, kw_only=True)
class Currency(Column):
    """Three letters (ISO 4217): that of the country where the person lives."""

    type = POOLED
    needs = (JOINT,)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return economies().currency.column(said(needed, "country"))


@dataclass(frozen=True, kw_only=True)
class RefersTo(Column):
    """A field of the purchase that a refund gives back, as text; missing where nothing is given back."""

    field: str = "id"

    type = pa.string()

    @property
    def needs(self) -> tuple[str, ...]:
        return (JOINT, self.field)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        origin = said(needed, "origin")
        return needed[self.field].take(pa.array(origin, mask=origin == NONE)).cast(self.type)


def said(needed: Needed, name: str) -> NDArray[np.int32]:
    """Return what the draw decided for each transaction of the chunk."""
    values: NDArray[np.int32] = needed[JOINT].field(name).to_numpy()
    return values


KINDS: Mapping[str, type[Column]] = {
    JOINT: Transactions,
    "transaction.customer": Customer,
    "transaction.time": Time,
    "transaction.kind": Kind,
    "transaction.merchant": Merchant,
    "transaction.merchant_country": MerchantCountry,
    "transaction.amount": Amount,
    "transaction.currency": Currency,
    "transaction.balance": Balance,
    "transaction.refers_to": RefersTo,
    "transaction.label": Label,
}
