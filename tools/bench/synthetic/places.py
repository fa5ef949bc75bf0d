"""Agreement of all fields of a place, judged by the tests' reader, which does not use our data."""

from __future__ import annotations

from importlib import import_module

from app.synthetic import DataSet, parse_schema
from tools.bench.measurement import Floor, Recorder

READER = "tests.app.synthetic.place_reader"
RECORDS = 100_000
SCHEMA = """
name: places
fields:
  country: place.country
  city: place.city
  city_latin: place.city_latin
  region: place.region
  region_code: place.region_code
  postcode: place.postcode
  locality: place.locality
  time_zone: place.time_zone
  phone_prefix: place.phone_prefix
  latitude: place.latitude
  longitude: place.longitude
  phone: person.phone
"""


def agree(recorder: Recorder) -> None:
    """Joint fields of places that agree."""
    disagreements = import_module(READER).disagreements
    agreeing = sum(not disagreements(row) for row in DataSet(parse_schema(SCHEMA), RECORDS, seed=7).dicts())
    recorder.take(
        "joint fields of places that agree",
        Floor(100, "%"),
        [100 * agreeing / RECORDS],
        note=f"{RECORDS:,} records of seven countries: coordinates, time zone, region, postcode, area code, telephone",
    )


ROWS = (agree,)
