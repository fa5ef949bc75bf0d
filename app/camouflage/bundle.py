"""Bundles: tables of fake customers to be planted where intruders look; every row has tokens that betray its reader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

import pyarrow as pa

from app.camouflage.canaries import Canaries, Kind, check_place
from app.camouflage.credentials import LIFETIME, Bearer, Credentials
from app.camouflage.key import CamouflageKey, mac
from app.synthetic import DataSet, Field, Schema, schema_named
from app.synthetic.chunks import Chunk
from app.synthetic.columns import Column, FromFields, Needed
from app.synthetic.people.kinds import Line

CUSTOMERS = "customers"
DIGITS = "0123456789"
CREDENTIAL = "api_token"
USED = LIFETIME / 3
"""How old the oldest credential is: all of them are taken for a while yet."""


@dataclass(frozen=True, kw_only=True)
class AccountTokens(Column):
    """The account of a customer; the decoys' databases have it, once they are prepared."""

    key: CamouflageKey = field(repr=False)
    place: int

    type = pa.string()

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:  # noqa: ARG002  others want it
        canaries = Canaries(self.key)
        return pa.array([str(canaries.token(Kind.ACCOUNT, self.place, index)) for index in chunk.numbers().tolist()])


@dataclass(frozen=True, kw_only=True)
class EmailTokens(FromFields):
    """An address that begins with the user name, at a domain of the operator."""

    key: CamouflageKey = field(repr=False)
    place: int

    type = pa.string()
    needs = ("user_name",)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        canaries, domains = Canaries(self.key), self.key.domains
        chosen = chunk.rng().integers(len(domains), size=chunk.rows).tolist()
        names: Iterable[str] = needed["user_name"].to_pylist()
        return pa.array(
            [
                canaries.email(name.rstrip(DIGITS), domains[which], self.place)
                for name, which in zip(names, chosen, strict=True)
            ]
        )


@dataclass(frozen=True, kw_only=True)
class CredentialTokens(FromFields):
    """A bearer token of the customer for the API."""

    key: CamouflageKey = field(repr=False)
    place: int
    bearer: Bearer
    now: datetime

    type = pa.string()
    needs = ("user_name",)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        ages = (chunk.rng().random(chunk.rows) * USED.total_seconds()).tolist()
        rows = zip(needed["user_name"].to_pylist(), chunk.numbers().tolist(), ages, strict=True)
        return pa.array(
            [
                self._credentials.mint(self.bearer, name, self.place, index, self._issued(age))
                for name, index, age in rows
            ]
        )

    def _issued(self, age: float) -> datetime:
        return (self.now - timedelta(seconds=age)).replace(microsecond=0)

    @cached_property
    def _credentials(self) -> Credentials:
        return Credentials(self.key)


def bundle(key: CamouflageKey, place: int, rows: int, bearer: Bearer, now: datetime | None = None) -> DataSet:
    """The customers of a place: the same for the same number of rows, but for `now`, which the credentials depend on.

    Raises ImpossibleBundle, WrongCount.
    """
    check_place(place)
    seed = int.from_bytes(mac(key.of("bundles"), str(place))[:16])
    return DataSet(_schema(key, place, bearer, now or datetime.now(UTC)), rows, seed=seed)


def _schema(key: CamouflageKey, place: int, bearer: Bearer, now: datetime) -> Schema:
    """The customers of synthetic data, with names that are tokens, and telephones of the operator where there are."""
    ours: dict[str, Column] = {
        "id": AccountTokens(key=key, place=place),
        "email": EmailTokens(key=key, place=place),
    }
    if key.phones:
        ours["person.line"] = Line(own=key.phones)
    known = schema_named(CUSTOMERS)
    fields = [
        Field(each.name, ours.pop(each.name, each.column), nulls=each.nulls, hidden=each.hidden)
        for each in known.fields
    ]
    fields += [Field(name, column, hidden=True) for name, column in ours.items()]
    fields.append(Field(CREDENTIAL, CredentialTokens(key=key, place=place, bearer=bearer, now=now)))
    return Schema(known.name, tuple(fields))
