"""Kinds of columns that say where somebody is. They share the joint draw `place`, so they agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import pyarrow as pa

from app.synthetic.chunks import Chunk
from app.synthetic.columns import Column, Joint, Needed
from app.synthetic.countries import Shares, countries
from app.synthetic.numbers.weights import Weights
from app.synthetic.places.addresses import Doors, addresses
from app.synthetic.places.gazetteer import gazetteer
from app.synthetic.pools import POOLED, Rows


@dataclass(frozen=True, kw_only=True)
class Place(Joint):
    """Which place it is: countries by share, their cities by population."""

    countries: Shares = tuple(countries())

    type = pa.int32()

    def __post_init__(self) -> None:
        _ = self._weights

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return pa.array(self._weights.draw(chunk.rng(), chunk.rows))

    @cached_property
    def _weights(self) -> Weights:
        return gazetteer().weights(self.countries)


@dataclass(frozen=True, kw_only=True)
class Door(Joint):
    """Which door in the place it is: street, house number and flat."""

    type = pa.struct([("street", pa.int32()), ("house", pa.int32()), ("unit", pa.int32())])
    needs = ("place",)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        doors = addresses().draw(chunk.rng(), places(needed))
        return pa.StructArray.from_arrays([pa.array(array) for array in vars(doors).values()], fields=list(self.type))


@dataclass(frozen=True, kw_only=True)
class PlaceText(Column):
    """One thing that is said of a place."""

    says: ClassVar[str]

    type = POOLED
    needs = ("place",)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return gazetteer().texts[self.says].column(places(needed))


class CountryCode(PlaceText):
    """Two letters (ISO 3166-1)."""

    says = "country"


class City(PlaceText):
    """The city as its people write it."""

    says = "city"


class CityLatin(PlaceText):
    """The city in plain Latin letters."""

    says = "latin"


class Region(PlaceText):
    """State, nation, Land, région, province or prefecture."""

    says = "region"


class RegionCode(PlaceText):
    """The region's part of its ISO 3166-2 code."""

    says = "region_code"


class Postcode(PlaceText):
    """A postcode of the city."""

    says = "postcode"


class Locality(PlaceText):
    """The part of the city that has the postcode, where addresses name it (IN, JP); else empty."""

    says = "locality"


class TimeZone(PlaceText):
    """Name in the tz database."""

    says = "time_zone"


class PhonePrefix(PlaceText):
    """Area code without the trunk prefix."""

    says = "phone_prefix"


@dataclass(frozen=True, kw_only=True)
class Latitude(Column):
    """Degrees north (WGS 84) of a point in the city."""

    east: ClassVar[bool] = False

    type = pa.float64()
    needs = ("place",)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return pa.array(gazetteer().near(chunk.rng(), places(needed), east=self.east))


class Longitude(Latitude):
    """Degrees east (WGS 84) of a point in the city."""

    east = True


@dataclass(frozen=True, kw_only=True)
class Population(Column):
    """The city's population."""

    type = pa.int64()
    needs = ("place",)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return pa.array(gazetteer().population[places(needed)])


@dataclass(frozen=True, kw_only=True)
class Street(Column):
    """Street, house number and flat, in the country's order."""

    type = pa.string()
    needs = ("place", "place.door")

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return addresses().streets(places(needed), doors(needed))


@dataclass(frozen=True, kw_only=True)
class PostalAddress(Column):
    """The whole address as the country's post office wants it."""

    lines: bool = False
    """Keep the lines apart; else it is one line."""

    type = pa.string()
    needs = ("place", "place.door")

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return addresses().addresses(places(needed), doors(needed), lines=self.lines)


def places(needed: Needed) -> Rows:
    """Draw the places of the chunk's rows."""
    rows: Rows = needed["place"].to_numpy()
    return rows


def doors(needed: Needed) -> Doors:
    """Draw the doors of the chunk's rows."""
    return Doors(*(np.asarray(array) for array in needed["place.door"].flatten()))


KINDS: Mapping[str, type[Column]] = {
    "place": Place,
    "place.door": Door,
    "place.country": CountryCode,
    "place.city": City,
    "place.city_latin": CityLatin,
    "place.region": Region,
    "place.region_code": RegionCode,
    "place.postcode": Postcode,
    "place.locality": Locality,
    "place.time_zone": TimeZone,
    "place.phone_prefix": PhonePrefix,
    "place.population": Population,
    "place.latitude": Latitude,
    "place.longitude": Longitude,
    "place.street": Street,
    "place.address": PostalAddress,
}
