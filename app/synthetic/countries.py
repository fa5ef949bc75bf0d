"""The countries that people and places can be of: a line of a file each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.synthetic.errors import UnknownLocale, require
from app.synthetic.pools import read

FILE = Path(__file__).parent / "places" / "data" / "countries.tsv"
Shares: TypeAlias = str | Sequence[str] | Mapping[str, float]
"""Countries by their two letters (ISO 3166-1): one, some alike, or each with its share."""


@dataclass(frozen=True)
class Country:
    """How names, numbers and addresses are written in one country."""

    code: str
    calling_code: str
    trunk: str
    """What stands before an area code at home and is left out from abroad."""
    family_first: bool
    family_names: int
    postcode: str
    street: str
    address: str
    """A bar parts the lines; `door` is house, street and flat in the order of the country."""
    joiner: str
    """What stands between the lines of an address that is written in one."""
    houses: str
    units: str


@cache
def countries() -> Mapping[str, Country]:
    """Return all countries by code, in the order in which pools number them."""
    return {line["country"]: _country(line) for line in read(FILE)}


def country(code: str) -> Country:
    """Return the country with that code; raise UnknownLocale."""
    try:
        return countries()[code]
    except KeyError:
        raise UnknownLocale("country", code, countries()) from None


def shares(given: Shares) -> NDArray[np.float64]:
    """Return the share of each country, in order; raise UnknownLocale and ImpossibleParameters."""
    named = {given: 1.0} if isinstance(given, str) else given
    weighted = named if isinstance(named, Mapping) else dict.fromkeys(named, 1.0)
    require(len(weighted) > 0, "countries is empty: name at least one")
    for code in weighted:
        country(code)
    found = np.array([weighted.get(code, 0.0) for code in countries()], dtype=np.float64)
    require(bool(np.isfinite(found).all() and (found >= 0).all()), "the share of a country is negative or no number")
    require(found.sum() > 0, "the shares of all countries are 0")
    total = float(found.sum())
    return found / total


def _country(line: Mapping[str, str]) -> Country:
    return Country(
        code=line["country"],
        calling_code=line["calling_code"],
        trunk=line["trunk"],
        family_first=line["family_first"] == "yes",
        family_names=int(line["family_names"]),
        postcode=line["postcode"],
        street=line["street"],
        address=line["address"],
        joiner=line["joiner"],
        houses=line["houses"],
        units=line["units"],
    )
