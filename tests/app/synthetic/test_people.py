"""People: names as frequent as in their country and generation, ages of its people, mailboxes that agree with names."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import chisquare

from app.synthetic import DataSet, Field, Schema
from app.synthetic.countries import Shares, countries
from app.synthetic.errors import ImpossibleParameters
from app.synthetic.people import GENDERS, RESERVED, Accounts, Ages, names
from app.synthetic.people.kinds import Person
from app.synthetic.people.names import DATA, EXPONENT, GIVEN_SHIFT
from app.synthetic.pools import read
from app.synthetic.registry import column_of

COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IN", "JP")
TODAY = date(2026, 1, 1)
FIELDS = {
    "country": "place.country",
    "given": "person.given",
    "family": "person.family",
    "name": "person.name",
    "latin": "person.name_latin",
    "gender": "person.gender",
    "born": "person.birth_date",
    "user": "person.user_name",
    "email": "person.email",
}


def people(
    count: int, *fields: str, of: Shares = COUNTRIES, seed: int = 6, workers: int = 1, **kinds: dict[str, Any]
) -> pa.Table:
    hidden = [Field("place", column_of({"kind": "place", "countries": of}), hidden=True)]
    hidden += (
        [Field("person", column_of({"kind": "person", **kinds.pop("person")}), hidden=True)]
        if "person" in kinds
        else []
    )
    shown = [Field(name, column_of(kinds.get(name, FIELDS[name]))) for name in fields or FIELDS]  # type: ignore[arg-type]
    table = DataSet(Schema("people", (*hidden, *shown)), count, seed=seed, workers=workers).table()
    assert table.num_rows == count
    return table


@cache
def listed(country: str, gender: str, born: str) -> list[str]:
    found = next(
        line["names"]
        for line in read(DATA / "given.tsv")
        if (line["country"], line["gender"], line["born"]) == (country, gender, born)
    )
    return [entry.split("/")[0] for entry in found.split(",")]


def plain(name: str) -> str:
    spelt = name.lower().replace("ß", "ss").replace("\N{LATIN SMALL LETTER DOTLESS I}", "i")
    return "".join(mark for mark in unicodedata.normalize("NFKD", spelt) if "a" <= mark <= "z")


def test_names_fit_the_gender_and_the_generation() -> None:
    for row in people(20_000, "country", "given", "gender", "born").to_pylist():
        year = row["born"].year
        born = "-1969" if year < 1970 else "1970-1994" if year < 1995 else "1995-"
        assert row["given"] in listed(row["country"], row["gender"], born)


def test_given_names_are_drawn_by_their_frequency() -> None:
    person = {"youngest": 60, "oldest": 95, "women": 1}
    drawn = Counter(people(100_000, "given", of="US", person=person).column("given").to_pylist())
    known = listed("US", "female", "-1969")
    weights = np.array([(rank + GIVEN_SHIFT) ** -EXPONENT for rank in range(1, len(known) + 1)])
    assert set(drawn) == set(known)
    assert chisquare([drawn[name] for name in known], weights / weights.sum() * 100_000).pvalue > 0.001
    assert drawn.most_common(1)[0][0] == "Mary"


def test_family_names_are_drawn_by_their_frequency() -> None:
    drawn = Counter(people(200_000, "family", of="DE").column("family").to_pylist())
    line = next(line for line in read(DATA / "family.tsv") if line["country"] == "DE")
    known = line["names"].split(",")
    weights = np.array([(rank + float(line["shift"])) ** -EXPONENT for rank in range(1, len(known) + 1)])
    assert chisquare([drawn[name] for name in known], weights / weights.sum() * 200_000).pvalue > 0.001


@pytest.mark.parametrize("country", COUNTRIES)
def test_names_of_a_country_are_many(country: str) -> None:
    drawn = people(50_000, "name", of=country).column("name").to_pylist()
    assert len(set(drawn)) / len(drawn) > 0.15


def test_japanese_names_are_written_family_first_with_a_latin_form() -> None:
    for row in people(2000, of="JP").to_pylist():
        assert row["name"] == f"{row['family']} {row['given']}"
        assert re.fullmatch(r"[A-Z][a-z]+ [A-Z][a-z]+", row["latin"])
        assert re.fullmatch(r"[\u3005\u4e00-\u9fff々]+ [\u3005-\u9fff]+", row["name"])


def test_spaniards_have_two_family_names() -> None:
    for row in people(2000, of="ES").to_pylist():
        assert row["name"] == f"{row['given']} {row['family']}"
        assert len(row["family"].split(" ")) == 2


def test_countries_together_keep_their_order_of_names() -> None:
    for row in people(2000).to_pylist():
        whole = (row["family"], row["given"]) if row["country"] == "JP" else (row["given"], row["family"])
        assert row["name"] == " ".join(whole)


def test_nobody_is_too_young_or_too_old() -> None:
    for seed, (youngest, oldest) in enumerate([(18, 18), (0, 0), (20, 23), (41, 41), (99, 99), (18, 95)]):
        table = people(5000, "born", seed=seed, person={"youngest": youngest, "oldest": oldest})
        ages = [
            TODAY.year - born.year - ((TODAY.month, TODAY.day) < (born.month, born.day))
            for born in table.column("born").to_pylist()
        ]
        assert youngest <= min(ages) <= max(ages) <= oldest


@pytest.mark.parametrize("country", ["DE", "IN"])
def test_ages_follow_the_pyramid_of_the_country(country: str) -> None:
    line = next(line for line in read(DATA / "ages.tsv") if line["country"] == country)
    shares = np.repeat(np.array([float(share) for share in line["shares"].split()]) / 5, 5)[18:96]
    index = list(countries()).index(country)
    born = Ages(18, 95).births(np.random.default_rng(8), np.full(100_000, index, dtype=np.int32), TODAY)
    ages = ((TODAY - date(1970, 1, 1)).days - born) / 365.25
    counted = np.bincount(ages.astype(int), minlength=96)[18:96]
    # A year of age has its share to within the day that leap years take.
    bands = [slice(start, start + 13) for start in range(0, 78, 13)]
    expected = [shares[band].sum() / shares.sum() * 100_000 for band in bands]
    assert chisquare([counted[band].sum() for band in bands], expected).pvalue > 0.001


def test_birthdays_are_spread_over_the_year() -> None:
    months = Counter(born.month for born in people(60_000, "born").column("born").to_pylist())
    assert min(months.values()) / max(months.values()) > 0.8


def test_as_many_women_as_wanted() -> None:
    drawn = Counter(people(50_000, "gender", person={"women": 0.3}).column("gender").to_pylist())
    assert set(drawn) == set(GENDERS)
    assert chisquare([drawn["female"], drawn["male"]], [15_000, 35_000]).pvalue > 0.001


@pytest.mark.slow
def test_user_names_and_mailboxes_agree_with_the_name() -> None:
    umlauts = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
    for row in people(10_000).to_pylist():
        if row["country"] == "JP":
            first, last = row["latin"].lower().split(" ")
        elif row["country"] == "ES":
            first, last = plain(row["given"].split(" ")[0]), plain(row["family"].split(" ")[0])
        else:
            turn = umlauts if row["country"] == "DE" else {}
            first, last = (plain(part.lower().translate(turn)) for part in (row["given"], row["family"]))
        assert re.fullmatch(rf"({first}|{first[0]})[._-]?{last}\d{{0,4}}", row["user"]), row
        assert row["email"].rpartition("@")[0] == row["user"]


def test_numbers_in_user_names_are_often_of_the_year_of_birth() -> None:
    rows = people(20_000, "user", "born").to_pylist()
    numbers = [(re.sub(r"\D", "", row["user"]), str(row["born"].year)) for row in rows]
    assert all(number == year for number, year in numbers if len(number) == 4)
    assert 0.08 < sum(number == year for number, year in numbers) / len(rows) < 0.12
    assert 0.23 < sum(number == year[2:] for number, year in numbers) / len(rows) < 0.28


def test_mailboxes_are_at_reserved_domains_by_their_share() -> None:
    domains = Counter(email.partition("@")[2] for email in people(50_000, "email").column("email").to_pylist())
    assert all(re.search(r"(^|\.)example(\.(com|org|net))?$", domain) for domain in domains)
    share = np.array(list(RESERVED.values())) / sum(RESERVED.values())
    assert chisquare([domains[domain] for domain in RESERVED], share * 50_000).pvalue > 0.001


def test_an_operator_may_name_own_domains() -> None:
    own = {"kind": "person.email", "domains": ["mail.fortress-bank.com", "fortress.co.uk"]}
    found = people(500, "email", email=own).column("email").to_pylist()
    assert {email.partition("@")[2] for email in found} == {"mail.fortress-bank.com", "fortress.co.uk"}


def test_mailboxes_can_be_told_apart_where_wanted() -> None:
    unique = {"email": {"kind": "person.email", "unique": True}, "user": {"kind": "person.user_name", "unique": True}}
    found = people(150_000, "email", "user", workers=2, **unique)
    assert len(set(found.column("email").to_pylist())) == 150_000
    assert len(set(found.column("user").to_pylist())) == 150_000


def test_most_mailboxes_differ_without_being_told() -> None:
    found = people(10_000, "email").column("email").to_pylist()
    assert len(set(found)) / len(found) > 0.97


def test_more_unique_mailboxes_than_numbers_are_refused() -> None:
    schema = Schema("many", (Field("email", column_of({"kind": "person.email", "unique": True})),))
    with pytest.raises(ImpossibleParameters, match="10000000"):
        DataSet(schema, 10_000_001, seed=1)


@pytest.mark.parametrize(
    "domain", ["", "localhost", "-a.com", "a..com", "A.com", "a.com/", "a b.com", "x" * 64 + ".com"]
)
def test_what_is_no_domain_is_refused(domain: str) -> None:
    with pytest.raises(ImpossibleParameters, match="is no domain"):
        column_of({"kind": "person.email", "domains": [domain]})


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"women": 1.5}, "women is 1.5"),
        ({"youngest": 40, "oldest": 30}, "ages go from 40 to 30"),
        ({"youngest": -1}, "ages go from -1"),
        ({"oldest": 100}, "to 100"),
    ],
)
def test_impossible_people_are_refused(parameters: dict[str, Any], reason: str) -> None:
    with pytest.raises(ImpossibleParameters, match=reason):
        Person(**parameters)


def test_no_domains_are_refused() -> None:
    with pytest.raises(ImpossibleParameters, match="domains is empty"):
        column_of({"kind": "person.email", "domains": []})


def test_people_are_the_same_for_any_number_of_workers() -> None:
    assert people(200_000, workers=1).equals(people(200_000, workers=3))


def test_names_in_mailboxes_have_letters_only() -> None:
    known = names()
    assert all(re.fullmatch(r"[a-z]{1,20}", name) for name in (*known.given.plain, *known.family.plain))
    assert isinstance(Accounts(known), Accounts)
