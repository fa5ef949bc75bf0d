"""Kinds of columns that say who somebody is. They share the joint draw `person`, so they agree, also with the place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import ClassVar

import numpy as np
import pyarrow as pa

from app.synthetic.chunks import Chunk
from app.synthetic.columns import Column, Joint, Needed
from app.synthetic.errors import require
from app.synthetic.people.accounts import RESERVED, Domains, Handles, Mailboxes, accounts
from app.synthetic.people.ages import Ages
from app.synthetic.people.names import GENDERS, names
from app.synthetic.people.phones import Phones, international, national
from app.synthetic.places.gazetteer import gazetteer
from app.synthetic.pools import POOLED, Pool, Rows

DISTINCT = 10_000_000
"""How many user names can be told apart by their numbers."""


@dataclass(frozen=True, kw_only=True)
class Person(Joint):
    """Who it is: gender, date of birth and names, as they are in the country of the place."""

    youngest: int = 18
    oldest: int = 95
    women: float = 0.51
    as_of: date = date(2026, 1, 1)
    """The day on which they are so old."""

    type = pa.struct(
        [(name, pa.int32()) for name in ("country", "gender", "born", "year", "given", "family", "second")]
    )
    needs = ("place",)

    def __post_init__(self) -> None:
        require(0 <= self.women <= 1, f"women is {self.women}: it is a share, from 0 to 1")
        _ = self._ages

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        country = gazetteer().country[needed["place"].to_numpy()]
        gender = (chunk.rng("gender").random(chunk.rows) >= self.women).astype(np.int32)
        born = self._ages.births(chunk.rng("born"), country, self.as_of)
        year = years(born)
        given = names().draw_given(chunk.rng("given"), country, gender, year)
        family, second = names().draw_family(chunk.rng("family"), country)
        return _struct(self.type, country, gender, born, year, given, family, second)

    @cached_property
    def _ages(self) -> Ages:
        return Ages(self.youngest, self.oldest)


@dataclass(frozen=True, kw_only=True)
class Handle(Joint):
    """How a person is called online: one user name, and a mailbox that begins with it."""

    type = pa.struct([(name, pa.int32()) for name in ("given", "family", "number")])
    needs = ("person",)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        person = drawn(needed["person"])
        handles = accounts().draw(chunk.rng(), person["given"], person["family"], person["year"])
        return _struct(self.type, *vars(handles).values())


@dataclass(frozen=True, kw_only=True)
class Line(Joint):
    """Which telephone number a person has; raises UnknownLocale and ImpossibleParameters."""

    mobile: float = 0.6
    """Share of people whose number belongs to no area, where their country keeps such numbers free."""
    own: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Ranges of the operator of a decoy, by country, instead of those that ring nowhere: `US: ["(646) 555-####"]`."""

    needs = ("place",)

    def __post_init__(self) -> None:
        _ = self._phones

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return self._phones.packed(self._phones.draw(chunk.rng(), needed["place"].to_numpy()))

    @property
    def type(self) -> pa.DataType:
        return self._phones.type

    @cached_property
    def _phones(self) -> Phones:
        return Phones(gazetteer(), mobile=self.mobile, own=self.own)


class OfPerson(Column):
    """Something that is said of a person."""

    needs = ("person",)


@dataclass(frozen=True, kw_only=True)
class Given(OfPerson):
    """Given name."""

    type = POOLED

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return names().given.native.column(drawn(needed["person"])["given"])


@dataclass(frozen=True, kw_only=True)
class Family(OfPerson):
    """Family name, or names where people have two."""

    type = pa.string()

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        person = drawn(needed["person"])
        return names().families(person["family"], person["second"])


@dataclass(frozen=True, kw_only=True)
class FullName(OfPerson):
    """The whole name in its own script and order."""

    type = pa.string()

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        person = drawn(needed["person"])
        return names().full(person["country"], person["given"], person["family"], person["second"])


@dataclass(frozen=True, kw_only=True)
class LatinName(OfPerson):
    """The whole name in Latin letters, the given name first."""

    type = pa.string()

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        person = drawn(needed["person"])
        return names().full_latin(person["given"], person["family"], person["second"])


@dataclass(frozen=True, kw_only=True)
class Gender(OfPerson):
    """`female` or `male`."""

    pool: ClassVar[Pool] = Pool(GENDERS)

    type = POOLED

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return self.pool.column(drawn(needed["person"])["gender"])


@dataclass(frozen=True, kw_only=True)
class BirthDate(OfPerson):
    """Date of birth."""

    type = pa.date32()

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return pa.array(drawn(needed["person"])["born"]).view(pa.date32())


@dataclass(frozen=True, kw_only=True)
class UserName(Column):
    """A user name made of the person's name."""

    unique: bool = False
    """No two alike in the whole data set."""

    type = pa.string()
    needs = ("person.handle",)

    @property
    def capacity(self) -> int | None:
        return DISTINCT if self.unique else None

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        handles = Handles(**drawn(needed["person.handle"]))
        if self.unique:
            return accounts().distinct(handles, chunk.distinct(DISTINCT), pa.scalar(""))
        return accounts().user_names(handles)


@dataclass(frozen=True, kw_only=True)
class Email(Column):
    """A mailbox that begins with the person's user name; raises ImpossibleParameters."""

    domains: Domains = field(default_factory=lambda: RESERVED)
    """Where it is: by default at domains that are kept for examples. The operator of a decoy names its own."""
    unique: bool = False
    """No two alike in the whole data set."""

    type = pa.string()
    needs = ("person.handle",)

    def __post_init__(self) -> None:
        _ = self._mailboxes

    @property
    def capacity(self) -> int | None:
        return DISTINCT if self.unique else None

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        handles = Handles(**drawn(needed["person.handle"]))
        if not self.unique:
            return accounts().mailboxes(chunk.rng(), handles, self._mailboxes)
        domains = self._mailboxes.domains(chunk.rng(), chunk.rows)
        return accounts().distinct(handles, chunk.distinct(DISTINCT), self._mailboxes.plain.text(domains))

    @cached_property
    def _mailboxes(self) -> Mailboxes:
        return Mailboxes(self.domains)


@dataclass(frozen=True, kw_only=True)
class PhoneNumber(Column):
    """Telephone number in the form that works from everywhere (ITU-T E.164)."""

    type = pa.string()
    needs = ("person.line",)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return international(needed["person.line"])


class NationalPhoneNumber(PhoneNumber):
    """The same number as it is written at home."""

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return national(needed["person.line"])


def drawn(joint: pa.StructArray) -> dict[str, Rows]:
    """Return the columns of a joint draw by name."""
    return {joint.type.field(place).name: values.to_numpy() for place, values in enumerate(joint.flatten())}


def years(born: Rows) -> Rows:
    """Return the years of dates that are given in days since 1970."""
    found: Rows = born.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int32) + 1970
    return found


def _struct(type_: pa.StructType, *values: Rows) -> pa.StructArray:
    return pa.StructArray.from_arrays([pa.array(value) for value in values], fields=list(type_))


KINDS: Mapping[str, type[Column]] = {
    "person": Person,
    "person.handle": Handle,
    "person.line": Line,
    "person.given": Given,
    "person.family": Family,
    "person.name": FullName,
    "person.name_latin": LatinName,
    "person.gender": Gender,
    "person.birth_date": BirthDate,
    "person.user_name": UserName,
    "person.email": Email,
    "person.phone": PhoneNumber,
    "person.phone_national": NationalPhoneNumber,
}
