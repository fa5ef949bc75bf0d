"""Bundles: tables of decoy customers to plant where intruders look; every row carries canary tokens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

import pyarrow as pa

from app.canaries.credentials import LIFETIME, Bearer, Credentials
from app.canaries.key import CamouflageKey, mac
from app.canaries.tokens import Canaries, Kind, check_place
from app.synthetic import DataSet, Field, Schema, schema_named
from app.synthetic.chunks import Chunk
from app.synthetic.columns import Column, FromFields, Needed
from app.synthetic.people.kinds import Line

CUSTOMERS = "customers"
DIGITS = "0123456789"
CREDENTIAL = "api_token"
USED = LIFETIME / 3
"""Age of the oldest credential, so that all of them stay valid for a while."""


@dataclass(frozen=True, kw_only=True)
class AccountTokens(Column):
    """Account ids; the decoy databases hold these accounts once they are prepared."""

    key: CamouflageKey = field(repr=False)
    place: int

    type = pa.string()

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:  # noqa: ARG002  the interface has it
        canaries = Canaries(self.key)
        return pa.array([str(canaries.token(Kind.ACCOUNT, self.place, index)) for index in chunk.numbers().tolist()])


@dataclass(frozen=True, kw_only=True)
class EmailTokens(FromFields):
    """E-mail addresses that begin with the user name, at a domain of the operator."""

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
    """Bearer tokens of the customers for the API."""

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
                self._credentials.mint(self.bearer, name, self.place, index, self._issue_time(age))
                for name, index, age in rows
            ]
        )

    def _issue_time(self, age: float) -> datetime:
        return (self.now - timedelta(seconds=age)).replace(microsecond=0)

    @cached_property
    def _credentials(self) -> Credentials:
        return Credentials(self.key)


def create_bundle(key: CamouflageKey, place: int, rows: int, bearer: Bearer, now: datetime | None = None) -> DataSet:
    """Return the decoy customers of a place; the same arguments give the same rows. Credentials depend on `now`.

    Raises ImpossibleBundle, WrongCount.
    """
    check_place(place)
    seed = int.from_bytes(mac(key.of("bundles"), str(place))[:16])
    return DataSet(_schema(key, place, bearer, now or datetime.now(UTC)), rows, seed=seed)


def _schema(key: CamouflageKey, place: int, bearer: Bearer, now: datetime) -> Schema:
    """Return the schema `customers` with canary tokens, and with the operator's phone ranges if it has any."""
    ours: dict[str, Column] = {
        "id": AccountTokens(key=key, place=place),
        "email": EmailTokens(key=key, place=place),
    }
    if key.phones:
        ours["person.line"] = Line(own=key.phones)
    customers = schema_named(CUSTOMERS)
    fields = [
        Field(known.name, ours.pop(known.name, known.column), nulls=known.nulls, hidden=known.hidden)
        for known in customers.fields
    ]
    fields += [Field(name, column, hidden=True) for name, column in ours.items()]
    fields.append(Field(CREDENTIAL, CredentialTokens(key=key, place=place, bearer=bearer, now=now)))
    return Schema(customers.name, tuple(fields))
