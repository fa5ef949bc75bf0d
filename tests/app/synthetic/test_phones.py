"""Telephone numbers ring nowhere, fit the place, and are written as at home and as from abroad."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import phonenumbers
import pyarrow as pa
import pytest
from scipy.stats import chisquare

from app.synthetic import DataSet, Field, Schema
from app.synthetic.errors import ImpossibleParameters, UnknownLocale
from app.synthetic.people import Numbers, reserved
from app.synthetic.people.phones import _Form
from app.synthetic.places import gazetteer
from app.synthetic.registry import column_of

COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IN", "JP")
KEPT_FREE = {
    "US": r"\+1\d{3}55501\d{2}",
    "GB": r"\+44(207946|11[3-8]496|1[2-6]1496|191498)0\d{3}|\+442896496\d{3}|\+442920180\d{3}|\+447700900\d{3}",
    "DE": r"\+49(3023125|4066969|6990009|8999998|2214710)\d{3}|\+4917139200\d{2}|\+49176040690\d{2}",
    "FR": r"\+33(19900|26191|35301|46571|53649|63998)\d{4}",
    "ES": r"\+34799\d{6}",
    "IN": r"\+91([1-5]\d{1,2}0\d{6,7}|50\d{8})",
    "JP": r"\+81[79]00\d{7}",
}
"""What the plans of the countries keep for fiction, or leave to nobody."""
FOR_FICTION = ("US", "DE", "FR")
NOT_IN_THE_PLAN = ("ES", "IN", "JP")
"""British ones are for fiction, and a validator takes some of them only."""


def lines(count: int, *, of: Any = COUNTRIES, seed: int = 9, **line: Any) -> pa.Table:
    hidden = [Field("place", column_of({"kind": "place", "countries": of}), hidden=True)]
    hidden += [Field("person.line", column_of({"kind": "person.line", **line}), hidden=True)] if line else []
    kinds = {"country": "place.country", "area": "place.phone_prefix", "phone": "person.phone"}
    shown = (Field(name, column_of(kind)) for name, kind in (kinds | {"home": "person.phone_national"}).items())
    table = DataSet(Schema("lines", (*hidden, *shown)), count, seed=seed, workers=1).table()
    assert table.num_rows == count
    return table


def test_every_number_is_in_a_range_that_is_kept_free() -> None:
    outside = [row for row in lines(50_000).to_pylist() if not re.fullmatch(KEPT_FREE[row["country"]], row["phone"])]
    assert outside == []


def test_both_forms_are_of_the_same_number() -> None:
    for row in lines(5000).to_pylist():
        abroad, at_home = phonenumbers.parse(row["phone"]), phonenumbers.parse(row["home"], row["country"])
        assert abroad == at_home, row


@pytest.mark.parametrize(
    ("shown", "forms"), [(["phone"], 1), (["phone_national"], 1), (["phone", "phone_national"], 2)]
)
def test_only_the_forms_that_a_record_shows_are_written(
    monkeypatch: pytest.MonkeyPatch, shown: list[str], forms: int
) -> None:
    written: list[Numbers] = []
    write = _Form.write

    def noted(form: _Form, numbers: Numbers) -> pa.StringArray:
        written.append(numbers)
        return write(form, numbers)

    monkeypatch.setattr(_Form, "write", noted)
    fields = tuple(Field(name, column_of(f"person.{name}")) for name in shown)
    DataSet(Schema("lines", fields), 10, seed=1, workers=1).table()
    assert len(written) == forms


def test_numbers_are_as_long_as_the_plan_wants() -> None:
    assert all(
        phonenumbers.is_possible_number(phonenumbers.parse(text)) for text in lines(5000).column("phone").to_pylist()
    )


@pytest.mark.slow
def test_numbers_for_fiction_are_valid_and_others_are_not() -> None:
    """A validator takes what a country keeps free for fiction, and nothing that is nobody's by the plan alone."""
    for row in lines(20_000, of=sorted({*FOR_FICTION, *NOT_IN_THE_PLAN}), mobile=0).to_pylist():
        valid = phonenumbers.is_valid_number(phonenumbers.parse(row["phone"]))
        assert valid == (row["country"] in FOR_FICTION), row


@pytest.mark.parametrize("country", ["US", "DE", "FR", "ES", "JP"])
def test_numbers_at_home_are_written_as_usual(country: str) -> None:
    """As phonenumbers writes them, but for how it groups where the country does not."""
    for row in lines(500, of=country).to_pylist():
        number = phonenumbers.parse(row["phone"])
        usual = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
        assert re.sub(r"\D", "", usual) == re.sub(r"\D", "", row["home"])
        if country in ("US", "FR", "DE"):
            assert usual == row["home"]


def test_numbers_of_an_area_begin_with_its_code() -> None:
    for row in lines(5000, of=["US", "IN"], mobile=0).to_pylist():
        if row["phone"].startswith("+9150"):
            continue
        assert re.sub(r"^\+(1|91)", "", row["phone"]).startswith(row["area"])


def test_mobile_numbers_have_their_share() -> None:
    found = Counter(
        phone.startswith("+336") for phone in lines(20_000, of="FR", mobile=0.25).column("phone").to_pylist()
    )
    assert chisquare([found[True], found[False]], [5000, 15_000]).pvalue > 0.001


def test_numbers_of_a_range_are_all_as_frequent() -> None:
    found = Counter(phone[-2:] for phone in lines(50_000, of="US").column("phone").to_pylist())
    assert len(found) == 100
    assert chisquare(list(found.values())).pvalue > 0.001


def test_cities_whose_area_has_no_free_numbers_get_mobile_ones() -> None:
    free = set(reserved()["GB"])
    for row in lines(3000, of="GB", mobile=0).to_pylist():
        assert row["phone"].startswith("+447700900") == (row["area"] not in free)


def test_ranges_are_of_areas_that_there_are() -> None:
    assert {"GB", "US"} <= set(reserved())
    areas = {(each.country, each.phone_prefix) for each in gazetteer().districts}
    for code, ranges in reserved().items():
        assert all(area == "mobile" or area.startswith("*") or (code, area) in areas for area in ranges)


def test_an_operator_may_name_own_ranges() -> None:
    own = {"US": ["(646) 200-1###", "(646) 201-####"], "GB": ["020 7000 0###"]}
    found = lines(5000, of=["US", "GB", "FR"], own=own).to_pylist()
    for row in found:
        expected = {"US": r"\+1646(2001\d{3}|201\d{4})", "GB": r"\+442070000\d{3}", "FR": KEPT_FREE["FR"]}
        assert re.fullmatch(expected[row["country"]], row["phone"]), row
    assert {row["home"][:10] for row in found if row["country"] == "US"} == {"(646) 200-", "(646) 201-"}


@pytest.mark.parametrize(
    ("line", "error", "reason"),
    [
        ({"own": {"XX": ["1 ###"]}}, UnknownLocale, "'XX'"),
        ({"own": {"US": []}}, ImpossibleParameters, "name at least one"),
        ({"own": {"US": ["(646) 200-1234"]}}, ImpossibleParameters, "is no range"),
        ({"own": {"US": ["call 646###"]}}, ImpossibleParameters, "is no range"),
        ({"own": {"US": ["646 200 #### ext"]}}, ImpossibleParameters, "is no range"),
        ({"own": {"US": ["##########"]}}, ImpossibleParameters, "more than 9"),
        ({"own": {"GB": ["20 7000 0###"]}}, ImpossibleParameters, "does not begin with 0"),
        ({"mobile": 1.2}, ImpossibleParameters, "mobile is 1.2"),
    ],
)
def test_impossible_lines_are_refused(line: Mapping[str, Any], error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        column_of({"kind": "person.line", **line})


@pytest.mark.parametrize("digits", [1, 4, 5, 8, 9])
def test_ranges_may_leave_few_or_many_digits_open(digits: int) -> None:
    pattern = "6462001234"[: 10 - digits] + "#" * digits
    found: Sequence[str] = lines(3000, of="US", own={"US": [pattern]}).column("home").to_pylist()
    assert all(re.fullmatch(rf"{pattern.rstrip('#')}\d{{{digits}}}", text) for text in found)
    assert len(set(found)) == (10 if digits == 1 else pytest.approx(min(10**digits, 3000), rel=0.2))
