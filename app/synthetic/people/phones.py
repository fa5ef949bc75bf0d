"""Telephone numbers that ring nowhere: those that each country keeps for fiction, or that no operator there can have.

The numbers and why each is safe stand in `data/phones.tsv`. An operator of decoys can name numbers of its own instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import zip_longest
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from app.synthetic.countries import Country, countries, country
from app.synthetic.errors import require
from app.synthetic.people.names import DATA
from app.synthetic.places.gazetteer import Gazetteer, gazetteer
from app.synthetic.pools import Pool, Rows, read, uniform, written

MOBILE = "mobile"
PATTERN = re.compile(r"[0-9() .#-]*#")
Parts: TypeAlias = tuple[tuple[str, int], ...]
"""Part by part, a text and how many open digits come after it."""
NOTHING = ("", 0)
WIDEST = 4
"""Digits that are written by one look into a pool."""


RANGE = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class Range:
    """Numbers that differ in their last digits: `0113 496 0###`."""

    country: Country
    pattern: str

    def __str__(self) -> str:
        return f"{self.country.code} {self.pattern}"

    @classmethod
    def parse(cls, text: str) -> Range:
        """Parse a range."""
        code, _, pattern = text.partition(" ")
        return cls(country(code), pattern)

    @property
    def national(self) -> Parts:
        """The number as it is written at home."""
        return tuple(_split(re.findall(r"([^#]*)(#+)", self.pattern)))

    @property
    def international(self) -> Parts:
        """The form that begins with a plus (ITU-T E.164)."""
        (head, width), *rest = ((re.sub(r"\D", "", text), width) for text, width in self.national)
        return (f"+{self.country.calling_code}{head.removeprefix(self.country.trunk)}", width), *rest


@dataclass(frozen=True)
class Numbers:
    """A range for each row, and what its parts say; rows whose range has fewer parts have zeros there."""

    range: Rows
    parts: tuple[Rows, ...]


class Phones:
    """Numbers for people in the places of a gazetteer; raises UnknownLocale and ImpossibleParameters.

    A place has the range of its area code where there is one. Elsewhere, and for `mobile` of the people, its country's
    mobile ranges are used. `own` gives a country other ranges, for all of its places: national patterns in which each
    `#` stands for a digit.
    """

    def __init__(self, places: Gazetteer, *, mobile: float, own: Mapping[str, Sequence[str]]) -> None:
        require(0 <= mobile <= 1, f"mobile is {mobile}: it is a share, from 0 to 1")
        for code, patterns in own.items():
            _check(country(code), patterns)
        listed = {code: own.get(code) or kept_free(code) for code in countries()}
        areas = list(dict.fromkeys((district.country, district.phone_prefix) for district in places.districts))
        fixed = {area: _fixed(area[1], {} if area[0] in own else reserved()[area[0]]) for area in areas}
        ranges = [Range(countries()[code], pattern) for (code, _), pattern in fixed.items() if pattern]
        numbers = {area: place for place, area in enumerate(area for area in areas if fixed[area])}
        self._mobile = mobile
        self._country = places.country
        self._fixed = np.array([numbers.get((d.country, d.phone_prefix), -1) for d in places.districts], dtype=np.int32)
        self._anywhere, self._first = uniform(map(len, listed.values())), len(ranges)
        self._has_mobile = np.array([len(entry) > 0 for entry in listed.values()])
        self.ranges = [
            *ranges,
            *(Range(countries()[code], numbers) for code, found in listed.items() for numbers in found),
        ]
        self._widths = np.array(list(zip_longest(*([w for _, w in r.national] for r in self.ranges), fillvalue=0)))
        self._texts = pa.array(map(str, self.ranges))
        parts = (pa.field(f"part {place}", pa.int32()) for place in range(len(self._widths)))
        self.type = pa.struct([pa.field("range", RANGE), *parts])

    def draw(self, rng: np.random.Generator, places: Rows) -> Numbers:
        """Draw telephone numbers of people in these places."""
        chosen = self._fixed[places]
        where = self._country[places]
        roaming = (chosen < 0) | ((rng.random(len(places)) < self._mobile) & self._has_mobile[where])
        rows = np.flatnonzero(roaming)
        chosen[rows] = self._anywhere.draw(rng, where[rows]) + self._first
        present = np.flatnonzero(np.bincount(chosen, minlength=len(self.ranges)))
        many = (10.0**widths for widths in self._widths if widths[present].any())
        return Numbers(chosen, tuple((rng.random(len(places)) * counts[chosen]).astype(np.int32) for counts in many))

    def packed(self, numbers: Numbers) -> pa.StructArray:
        """Return numbers and their ranges as an array of `type`: all that writing them needs."""
        missing = len(self._widths) - len(numbers.parts)
        parts = [*map(pa.array, numbers.parts), *[pa.nulls(len(numbers.range), pa.int32())] * missing]
        ranges = pa.DictionaryArray.from_arrays(pa.array(numbers.range, pa.int32()), self._texts)
        return pa.StructArray.from_arrays([ranges, *parts], fields=list(self.type))


def national(line: pa.StructArray) -> pa.StringArray:
    """Return packed numbers in national form."""
    ranges, numbers = _unpacked(line)
    return _forms(ranges).national.write(numbers)


def international(line: pa.StructArray) -> pa.StringArray:
    """Return packed numbers in E.164 form."""
    ranges, numbers = _unpacked(line)
    return _forms(ranges).international.write(numbers)


def _unpacked(line: pa.StructArray) -> tuple[tuple[str, ...], Numbers]:
    ranges, *parts = line.flatten()
    there = tuple(part.to_numpy() for part in parts if not part.null_count)
    return tuple(ranges.dictionary.to_pylist()), Numbers(ranges.indices.to_numpy(), there)


@lru_cache(maxsize=16)
def _forms(ranges: tuple[str, ...]) -> _Forms:
    return _Forms([Range.parse(reserved_range) for reserved_range in ranges])


class _Forms:
    """The ways to write numbers of some ranges, each made ready when it is first asked for."""

    def __init__(self, ranges: Sequence[Range]) -> None:
        self._ranges = ranges

    @cached_property
    def national(self) -> _Form:
        return _Form([reserved_range.national for reserved_range in self._ranges])

    @cached_property
    def international(self) -> _Form:
        return _Form([reserved_range.international for reserved_range in self._ranges])


class _Form:
    """One way to write the numbers of many ranges: the text before the first digits, then parts of text and digits."""

    def __init__(self, ranges: Sequence[Parts]) -> None:
        self._heads = Pool(parts[0][0] for parts in ranges)
        tails = zip_longest(*((("", parts[0][1]), *parts[1:]) for parts in ranges), fillvalue=NOTHING)
        placed = list(tails)
        kinds = list(dict.fromkeys(part for parts in placed for part in parts))
        starts = dict(zip(kinds, np.cumsum([0, *(10**width for _, width in kinds)]).tolist(), strict=False))
        self._digits = Pool(
            f"{text}{value:0{width}}" if width else text for text, width in kinds for value in range(10**width)
        )
        self._starts = [np.array([starts[part] for part in parts], dtype=np.int32) for parts in placed]

    def write(self, numbers: Numbers) -> pa.StringArray:
        parts = zip(self._starts, numbers.parts, strict=False)  # the last parts may be empty in all rows
        return written(
            (self._heads, numbers.range),
            *((self._digits, starts[numbers.range] + values) for starts, values in parts),
        )


@cache
def reserved() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Return the ranges that ship, by country and area code; `*` is any area code, `mobile` no area."""
    found: dict[str, dict[str, list[str]]] = {code: {} for code in countries()}
    for line in read(DATA / "phones.tsv"):
        found[line["country"]].setdefault(line["area"], []).append(line["number"])
    return found


def kept_free(code: str) -> Sequence[str]:
    """Return the ranges of a country that belong to no area."""
    return reserved()[code].get(MOBILE, ())


@cache
def phones() -> Phones:
    """Return the numbers of the shipped places and ranges."""
    return Phones(gazetteer(), mobile=0.6, own={})


def _fixed(area: str, listed: Mapping[str, Sequence[str]]) -> str:
    """Return the range of an area code; an empty one where there is none."""
    found = listed.get(area) or listed.get("*") or [""]
    return found[0].format(area=area)


def _split(found: Sequence[tuple[str, str]]) -> Iterator[tuple[str, int]]:
    """Split a range into texts and widths; digits beyond one pool look-up become two parts."""
    for text, marks in found:
        left = len(marks)
        yield text, min(left, WIDEST)
        while (left := left - WIDEST) > 0:
            yield "", min(left, WIDEST)


def _check(of: Country, patterns: Sequence[str]) -> None:
    require(len(patterns) > 0, f"the ranges of {of.code} are empty: name at least one")
    for pattern in patterns:
        known = PATTERN.fullmatch(pattern) and 4 <= sum(mark.isalnum() or mark == "#" for mark in pattern) <= 15
        require(
            bool(known), f"{pattern!r} is no range: write it as at home, with # for each digit that is open, at the end"
        )
        require(pattern.count("#") <= 9, f"{pattern!r} leaves more than 9 digits open")
        require(pattern.startswith(of.trunk), f"{pattern!r} does not begin with {of.trunk}, as numbers do in {of.code}")
