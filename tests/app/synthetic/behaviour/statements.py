"""Transactions as arrays by column, read back by the clocks of where people live."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.synthetic import Chunk, Field, Schema
from app.synthetic.behaviour import FraudBursts, Transactions
from app.synthetic.behaviour.people import People
from app.synthetic.behaviour.statement import (
    Amount,
    Balance,
    Currency,
    Customer,
    Kind,
    Label,
    Merchant,
    MerchantCountry,
    RefersTo,
    Time,
)
from app.synthetic.kinds.values import Sequential

SEED = 21
PEOPLE = 300
FIELDS = (
    Field("id", Sequential(start=0)),
    Field("customer", Customer()),
    Field("country", Customer(field="country")),
    Field("time_zone", Customer(field="time_zone")),
    Field("joined", Customer(field="joined")),
    Field("time", Time()),
    Field("kind", Kind()),
    Field("label", Label()),
    Field("merchant", Merchant()),
    Field("merchant_country", MerchantCountry()),
    Field("amount", Amount()),
    Field("balance", Balance()),
    Field("currency", Currency()),
    Field("refers_to", RefersTo()),
)


def made(transactions: Transactions, people: int = PEOPLE) -> pa.Table:
    """All transactions of the first people."""
    schema = Schema("transactions", (*FIELDS, Field("transaction", transactions, hidden=True)))
    return pa.Table.from_batches([schema.make(Chunk(0, 0, people, SEED))])


def people_of(transactions: Transactions, people: int = PEOPLE) -> People:
    """The first people, as the draw has them."""
    return transactions.drawn(Chunk(0, 0, people, SEED, "transaction"))


@cache
def always() -> Transactions:
    """Two years on accounts that always were there, with enough fraud to look at."""
    return Transactions(since=None, start=date(2024, 1, 1), end=date(2026, 1, 1), fraud=FraudBursts(yearly=0.5))


@cache
def statement() -> Mapping[str, NDArray[Any]]:
    """Columns of `always`, with `person` counted from 0 and `local`, the time where the person lives."""
    return columns(made(always()))


def columns(table: pa.Table) -> Mapping[str, NDArray[Any]]:
    found = {name: _plain(table[name]) for name in table.column_names}
    found["person"] = np.cumsum(np.diff(found["customer"], prepend=found["customer"][:1]) != 0)
    found["local"] = np.empty_like(found["time"])
    for zone in set(found["time_zone"]):
        there = found["time_zone"] == zone
        moments = pa.array(found["time"][there]).cast(pa.timestamp("us", zone))
        found["local"][there] = pc.local_timestamp(moments).to_numpy()
    return found


def _plain(values: pa.ChunkedArray) -> NDArray[Any]:
    pooled = pa.types.is_dictionary(values.type)
    return np.asarray((values.cast(pa.string()) if pooled else values).to_numpy())


def of(kind: str, label: str = "normal") -> Mapping[str, NDArray[Any]]:
    """The transactions of a kind."""
    every = statement()
    chosen = (every["kind"] == kind) & (every["label"] == label)
    return {name: values[chosen] for name, values in every.items()}


def days(local: NDArray[Any]) -> NDArray[Any]:
    return local.astype("datetime64[D]")


def hours(local: NDArray[Any]) -> NDArray[np.float64]:
    """Since midnight."""
    return np.asarray((local - days(local)) / np.timedelta64(1, "h"))


def day_of_month(local: NDArray[Any]) -> NDArray[np.int64]:
    return (days(local) - days(local).astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1


def weekday(local: NDArray[Any]) -> NDArray[np.int64]:
    """Monday is 0."""
    return (days(local).astype(np.int64) + 3) % 7


def month(local: NDArray[Any]) -> NDArray[np.int64]:
    """January is 0."""
    return np.asarray(local.astype("datetime64[M]").astype(np.int64) % 12)
