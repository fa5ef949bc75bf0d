"""Places: all that is said of one agrees, cities are drawn by population, addresses are written as posts want them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import chisquare

from app.synthetic import Chunk, DataSet, Field, Schema
from app.synthetic.countries import Shares, countries, shares
from app.synthetic.errors import ImpossibleParameters, UnknownLocale
from app.synthetic.places import addresses, gazetteer
from app.synthetic.places.gazetteer import VARIANTS
from app.synthetic.places.kinds import Place
from app.synthetic.pools import Groups, Pool, written
from app.synthetic.registry import column_of
from tests.app.synthetic import place_reader

pytestmark = [pytest.mark.xdist_group("places"), pytest.mark.slow]  # what the reader reads by takes seconds to load
SAID = (
    "country",
    "city",
    "city_latin",
    "region",
    "region_code",
    "postcode",
    "locality",
    "time_zone",
    "phone_prefix",
    "population",
    "latitude",
    "longitude",
)
COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IN", "JP")
ADDRESSES = {
    "US": r"\d+ [\w .]+(, (Apt|Unit) \w+)?\n[\w .]+, [A-Z]{2} \d{5}",
    "GB": r"(Flat \d+, )?\d+[A-C]? [\w' ]+\n[A-Z -]+\n[A-Z]{1,2}\d{1,2} \d[A-Z]{2}",
    "DE": r"[\w .]+ \d+[a-d]?\n\d{5} [\w ()]+",
    "FR": r"\d+( bis| ter)? (rue|avenue|boulevard|place|impasse|chemin) [\w' -]+\n\d{5} [\w -]+",
    "ES": r"(Calle|Avenida|Plaza|Paseo) [\w ]+, \d+(, \d\.º ([A-D]|\d\.ª))?\n\d{5} [\w' -]+",
    "IN": r"(\d+/\d+|Flat \d+, \d+|\d+), [\w ]+\n[\w ]+\n[A-Z ]+ \d{6}\n[\w ]+",
    "JP": r"〒\d{3}-\d{4}\n\w+[都道府県]\w+[市区]\w+\d+-\d+-\d+(-\d+)?",
}


def schema(*kinds: str, countries: Shares = COUNTRIES) -> Schema:
    place = Field("place", Place(countries=countries), hidden=True)
    return Schema("places", (place, *(Field(kind.split(".")[1], column_of(kind)) for kind in kinds)))


def rows(count: int, *kinds: str, countries: Shares = COUNTRIES, seed: int = 5) -> pa.Table:
    return DataSet(schema(*kinds, countries=countries), count, seed=seed, workers=1).table()


@pytest.fixture(scope="module")
def places() -> Sequence[Mapping[str, Any]]:
    found: list[dict[str, Any]] = rows(6000, *(f"place.{said}" for said in SAID), "person.phone").to_pylist()
    assert len(found) == 6000
    return found


def test_an_independent_reader_agrees_with_every_row(places: Sequence[Mapping[str, Any]]) -> None:
    wrong = {(row["city"], each) for row in places for each in place_reader.disagreements(row)}
    assert wrong == set()


def test_an_independent_reader_agrees_with_every_place_that_ships() -> None:
    shown = schema(*(f"place.{said}" for said in SAID))
    # Of British postcodes each has many endings, and nothing else about them differs.
    which = [place for place, each in enumerate(gazetteer().districts) if each.country != "GB" or place % VARIANTS == 0]
    chunk, needed = Chunk(0, 0, len(which), 1), {"place": pa.array(which, pa.int32())}
    made = {f.name: f.column.make(chunk.of(f.name), needed) for f in shown.visible}
    every = pa.RecordBatch.from_arrays(list(made.values()), names=list(made)).to_pylist()
    near = place_reader.read_coordinates(every)
    assert len({(row["country"], row["city"], row["region"]) for row in every}) > 400
    for row, found in zip(every, near, strict=True):
        assert [*place_reader.disagreements(row), *place_reader.nearest(row, found)] == [], row


def test_coordinates_are_in_the_region(places: Sequence[Mapping[str, Any]]) -> None:
    found = place_reader.read_coordinates(places)
    wrong = {(row["city"], *place_reader.nearest(row, near)) for row, near in zip(places, found, strict=True)}
    assert {each for each in wrong if len(each) > 1} == set()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"postcode": "10001"}, "10001 is in New York"),
        ({"postcode": "00000"}, "no ZIP code"),
        ({"latitude": 41.9, "longitude": -87.7}, "America/Chicago"),
        ({"latitude": 34.5, "longitude": -118.5}, "km away"),
        ({"time_zone": "America/Denver"}, "not in America/Denver"),
        ({"phone_prefix": "212"}, "area code 212"),
        ({"region_code": "NY"}, "not in Los Angeles"),
        ({"phone": "+442079460123"}, "is not of US"),
    ],
)
def test_the_reader_notices_whatever_does_not_agree(change: Mapping[str, Any], complaint: str) -> None:
    good = {
        "country": "US",
        "city": "Los Angeles",
        "city_latin": "Los Angeles",
        "region": "California",
        "region_code": "CA",
        "postcode": "90012",
        "time_zone": "America/Los_Angeles",
        "phone_prefix": "213",
        "latitude": 34.05,
        "longitude": -118.24,
        "phone": "+12135550123",
    }
    assert place_reader.disagreements(good) == []
    assert complaint in " ".join(place_reader.disagreements(good | change))


def test_every_point_lies_nearest_to_its_own_city(places: Sequence[Mapping[str, Any]]) -> None:
    found = gazetteer()
    cities = {
        (each.country, each.city["city"], each.city["region"]): place for place, each in enumerate(found.districts)
    }
    middles = np.array([[found.latitude[place], found.longitude[place]] for place in cities.values()])
    for row in places[:3000]:
        north = middles[:, 0] - row["latitude"]
        east = (middles[:, 1] - row["longitude"]) * np.cos(np.radians(row["latitude"]))
        closest = list(cities)[int(np.argmin(np.hypot(north, east)))]
        assert closest == (row["country"], row["city"], row["region"])


def test_points_of_a_city_are_spread() -> None:
    latitudes = rows(200, "place.latitude", countries="DE").column("latitude").to_pylist()
    assert len(set(latitudes)) > 190


def test_every_country_has_many_cities_and_postcodes() -> None:
    cities = Counter(
        country for country, _, _ in {(d.country, d.city["city"], d.city["region"]) for d in gazetteer().districts}
    )
    assert {code for code in COUNTRIES if cities[code] < (60 if code == "US" else 40)} == set()
    assert set(cities) == set(COUNTRIES)


def test_cities_are_drawn_by_their_population() -> None:
    drawn = rows(200_000, "place.city", "place.region", countries="FR")
    counted = Counter(zip(*(drawn.column(name).to_pylist() for name in ("city", "region")), strict=True))
    people = {
        (d.city["city"], d.city["region"]): int(d.city["population"])
        for d in gazetteer().districts
        if d.country == "FR"
    }
    expected = np.array(list(people.values())) / sum(people.values()) * drawn.num_rows
    assert chisquare([counted[city] for city in people], expected).pvalue > 0.001


def test_countries_are_drawn_by_their_shares() -> None:
    drawn = Counter(rows(100_000, "place.country", countries={"US": 6, "JP": 3, "GB": 1}).column("country").to_pylist())
    assert set(drawn) == {"US", "JP", "GB"}
    assert chisquare([drawn["US"], drawn["JP"], drawn["GB"]], [60_000, 30_000, 10_000]).pvalue > 0.001


def test_postcodes_of_a_city_are_all_used() -> None:
    drawn = Counter(
        row["postcode"]
        for row in rows(50_000, "place.city", "place.postcode", countries="DE").to_pylist()
        if row["city"] == "Kiel"
    )
    assert len(drawn) == 7
    assert chisquare(list(drawn.values())).pvalue > 0.001


def test_british_postcodes_have_many_endings() -> None:
    postcodes = set(rows(20_000, "place.postcode", countries="GB").column("postcode").to_pylist())
    assert len(postcodes) > 5000
    assert all(re.fullmatch(r"[A-Z]{1,2}\d{1,2} \d[ABD-HJLNP-UW-Z]{2}", postcode) for postcode in postcodes)


@pytest.mark.parametrize("country", COUNTRIES)
def test_addresses_are_written_as_in_their_country(country: str) -> None:
    lines = Field("address", column_of({"kind": "place.address", "lines": True}))
    hidden = Field("place", Place(countries=country), hidden=True)
    found = DataSet(Schema("lines", (hidden, lines)), 2000, seed=3, workers=1).table()
    wrong = [text for text in found.column("address").to_pylist() if not re.fullmatch(ADDRESSES[country], text)]
    assert wrong == []


def test_an_address_in_one_line_has_the_street_postcode_and_city_of_its_row() -> None:
    kinds = {"street": "place.street", "postcode": "place.postcode", "city": "place.city", "whole": "place.address"}
    one = Schema("addresses", tuple(Field(name, column_of(kind)) for name, kind in kinds.items()))
    made = DataSet(one, 2000, seed=4, workers=1).table().to_pylist()
    assert len(made) == 2000
    for row in made:
        assert row["street"] in row["whole"]
        assert row["postcode"] in row["whole"]
        assert row["city"].casefold() in row["whole"].casefold()
        assert "\n" not in row["whole"]


def test_countries_together_are_written_like_each_alone() -> None:
    """Parts that are empty in a country are left out where only such countries are."""
    draws = np.random.default_rng(1)
    places = np.flatnonzero(gazetteer().country == list(countries()).index("JP")).astype(np.int32)[:50]
    others = np.arange(50, dtype=np.int32)
    both = np.concatenate([places, others])
    doors = addresses().draw(draws, both)
    alone = type(doors)(doors.street[:50], doors.house[:50], doors.unit[:50])
    together = addresses().addresses(both, doors, lines=False)
    assert together[:50].equals(addresses().addresses(places, alone, lines=False))


def test_low_house_numbers_are_the_most() -> None:
    numbers = [
        int(re.match(r"\d+", text)[0])
        for text in rows(20_000, "place.street", countries="FR").column("street").to_pylist()
    ]  # type: ignore[index]
    assert max(numbers) <= 210
    assert np.median(numbers) < 70
    assert len(set(numbers)) > 180


def test_streets_and_flats_are_many() -> None:
    streets = rows(10_000, "place.street", countries="US").column("street").to_pylist()
    assert len(set(streets)) > 9800
    assert 0.2 < sum(", " in street for street in streets) / len(streets) < 0.32


@pytest.mark.parametrize(
    ("given", "error", "reason"),
    [
        ("XX", UnknownLocale, "known are DE, ES, FR, GB, IN, JP, US"),
        (["US", "UK"], UnknownLocale, "country 'UK' is not known"),
        ([], ImpossibleParameters, "name at least one"),
        ({}, ImpossibleParameters, "name at least one"),
        ({"US": 0}, ImpossibleParameters, "shares of all countries are 0"),
        ({"US": 1, "DE": -1}, ImpossibleParameters, "negative"),
        ({"US": float("nan")}, ImpossibleParameters, "no number"),
    ],
)
def test_impossible_countries_are_refused(given: Shares, error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        Place(countries=given)


def test_an_unknown_country_is_refused_with_its_place_in_a_schema_file() -> None:
    with pytest.raises(UnknownLocale, match="'FX'"):
        column_of({"kind": "place", "countries": ["FX"]})


def test_shares_add_up_to_one() -> None:
    assert shares({"US": 3, "JP": 1}).sum() == pytest.approx(1)


def test_groups_draw_within_themselves_by_weight() -> None:
    groups = Groups([[1, 3], [5], [2, 2, 4]])
    which = np.repeat(np.arange(3, dtype=np.int32), 40_000)
    drawn = groups.draw(np.random.default_rng(2), which)
    counts = np.array([np.bincount(drawn[which == group], minlength=6) for group in range(3)])
    assert counts[0].tolist() == [*counts[0, :2].tolist(), 0, 0, 0, 0]
    assert chisquare(counts[0, :2], [10_000, 30_000]).pvalue > 0.001
    assert counts[1].tolist() == [0, 0, 40_000, 0, 0, 0]
    assert chisquare(counts[2, 3:], [10_000, 10_000, 20_000]).pvalue > 0.001


def test_a_pool_keeps_each_text_once() -> None:
    column = Pool(["a", "b", "a"]).column(np.array([2, 1, 0, 2], dtype=np.int32))
    assert column.to_pylist() == ["a", "b", "a", "a"]
    assert column.dictionary.to_pylist() == ["a", "b"]


def test_pieces_of_several_pools_are_written_behind_each_other() -> None:
    given, end = Pool(["Ada", "Max", "", "美"]), Pool(["!", "", " the 2nd"])
    first, last = np.array([3, 0, 2, 2, 1], dtype=np.int32), np.array([0, 2, 1, 0, 1], dtype=np.int32)
    assert written((given, first), (end, last)).to_pylist() == ["美!", "Ada the 2nd", "", "!", "Max"]
    assert written((end, last), (end, last), (given, first)).to_pylist()[1] == " the 2nd the 2ndAda"
    nobody = np.empty(0, dtype=np.int32)
    assert written((given, nobody), (end, nobody)).to_pylist() == []
