"""Identifiers pass their checks, and nobody has them."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from app.synthetic import DataSet, Field, Schema
from app.synthetic.countries import countries
from app.synthetic.digits import digits, filled
from app.synthetic.errors import ImpossibleParameters
from app.synthetic.identifiers import UNISSUED, Cards, banks, iban_holds, luhn_holds, routing_holds
from app.synthetic.identifiers.checks import french_key, spanish_digits
from app.synthetic.registry import column_of

IBANS = ["GB82WEST12345698765432", "DE89370400440532013000", "FR1420041010050500013M02606", "ES9121000418450200051332"]
"""Examples of the registry of ISO 13616."""
FORMS = {
    "US": (r"57\d{7}", r"\d{10}"),
    "GB": (r"00-\d\d-\d\d", r"\d{8}"),
    "DE": (r"99\d{6}", r"\d{10}"),
    "FR": (r"09\d{3} \d{5}", r"\d{11}"),
    "ES": (r"99\d\d \d{4}", r"\d{10}"),
    "IN": (r"XVBK0\d{6}", r"\d{11}"),
    "JP": (r"98\d\d-\d{3}", r"\d{7}"),
}
"""Codes under beginnings that no bank has, and account numbers."""


def of(country: str, rows: int = 2000, seed: int = 3) -> pa.Table:
    place = Field("place", column_of({"kind": "place", "countries": country}), hidden=True)
    fields = (Field(name, column_of(f"identifier.{name}")) for name in ("bank_code", "account_number", "iban"))
    return DataSet(Schema("accounts", (place, *fields)), rows, seed=seed, workers=1).table()


def cards(rows: int, **parameters: object) -> pa.StringArray:
    return Cards(**parameters).draw(np.random.default_rng(4), rows)  # type: ignore[arg-type]


@pytest.mark.parametrize("country", FORMS)
def test_accounts_are_at_banks_that_do_not_exist(country: str) -> None:
    found = of(country)
    code, number = FORMS[country]
    assert [text for text in found.column("bank_code").to_pylist() if not re.fullmatch(code, text)] == []
    assert [text for text in found.column("account_number").to_pylist() if not re.fullmatch(number, text)] == []
    assert len(set(found.column("account_number").to_pylist())) > 1990


@pytest.mark.parametrize("country", ["GB", "DE", "FR", "ES"])
def test_ibans_pass_their_check_and_hold_their_account(country: str) -> None:
    found = of(country)
    ibans = found.column("iban").combine_chunks()
    assert iban_holds(ibans).all()
    for row in found.to_pylist():
        assert row["iban"].startswith(country)
        assert re.sub("[ -]", "", row["bank_code"]) in row["iban"]
        assert row["account_number"] in row["iban"]
        assert _by_hand(row["iban"]) == 1


@pytest.mark.parametrize("country", ["US", "IN", "JP"])
def test_countries_without_ibans_have_none(country: str) -> None:
    assert of(country, 10).column("iban").null_count == 10


def test_routing_numbers_pass_their_check() -> None:
    assert routing_holds(of("US").column("bank_code").combine_chunks()).all()


def test_countries_together_keep_their_rows() -> None:
    country = np.array([3, 0, 1, 1, 6, 4, 2, 0, 5], dtype=np.int32)
    drawn = banks().draw(np.random.default_rng(5), country)
    together = [banks().codes(drawn), banks().numbers(drawn), banks().ibans(drawn)]
    for row in range(len(country)):
        alone = type(drawn)(country[row : row + 1], drawn.bank[row : row + 1], drawn.account[row : row + 1])
        assert [each[row].as_py() for each in together] == [
            banks().codes(alone)[0].as_py(),
            banks().numbers(alone)[0].as_py(),
            banks().ibans(alone)[0].as_py(),
        ]
        assert re.fullmatch(FORMS[list(countries())[country[row]]][0], together[0][row].as_py())


def test_national_digits_are_those_of_published_examples() -> None:
    assert french_key(np.array([30006_00001]), np.array([12345678901])).tolist() == [89]
    assert spanish_digits(np.array([2100_0418]), np.array([200051332])).tolist() == [45]
    assert spanish_digits(np.array([2077_0024]), np.array([3102575766])).tolist() == [0]


@given(st.integers(0, 99_999_999), st.integers(0, 9_999_999_999))
def test_spanish_digits_are_those_of_the_rule(bank: int, account: int) -> None:
    def digit(number: int) -> int:
        weights = (1, 2, 4, 8, 5, 10, 9, 7, 3, 6)
        left = 11 - sum(weight * int(mark) for weight, mark in zip(weights, f"{number:010}", strict=True)) % 11
        return {10: 1, 11: 0}.get(left, left)

    assert spanish_digits(np.array([bank]), np.array([account])).tolist() == [10 * digit(bank) + digit(account)]


def test_the_check_of_ibans_knows_good_from_bad() -> None:
    bad = [
        "DE88370400440532013000",
        "DE8937040044053201300",
        "de89370400440532013000",
        "XX89370400440532013000",
        "",
        "DEÄ9",
    ]
    texts = pa.array([*IBANS, "GB82 WEST 1234 5698 7654 32", *bad, None])
    assert iban_holds(texts).tolist() == [True] * 5 + [False] * 7


def test_the_check_of_cards_knows_good_from_bad() -> None:
    good = ["4111111111111111", "4111 1111 1111 1111", "378282246310005", "6011000990139424"]
    bad = ["4111111111111112", "0000000000000000", "", "411111111111111x", "41111111111111111111111", None]
    assert luhn_holds(pa.array([*good, *bad])).tolist() == [True] * 4 + [False] * 6


def test_the_check_of_routing_numbers_knows_good_from_bad() -> None:
    texts = pa.array(["021000021", "011401533", "021000022", "21000021", "02100002x", "", None])
    assert routing_holds(texts).tolist() == [True, True, False, False, False, False, False]


@pytest.mark.parametrize(
    ("texts", "holds"),
    [
        (pa.array(["9953270293168420"]), luhn_holds),
        (pa.array(IBANS[1:2]), iban_holds),
        (pa.array(["021000021"]), routing_holds),
    ],
)
def test_every_single_wrong_digit_is_noticed(
    texts: pa.StringArray, holds: Callable[[pa.StringArray], np.ndarray]
) -> None:
    right = texts[0].as_py()
    wrong = [
        right[:place] + digit + right[place + 1 :]
        for place, old in enumerate(right)
        if old.isdigit()
        for digit in "0123456789"
        if digit != old
    ]
    assert not holds(pa.array(wrong)).any()


def test_card_numbers_pass_their_check_under_first_digits_that_no_issuer_has() -> None:
    numbers = cards(20_000)
    assert luhn_holds(numbers).all()
    assert {text[:2] for text in numbers.to_pylist()} == {"99"}
    assert {len(text) for text in numbers.to_pylist()} == {16}
    assert len(set(numbers.to_pylist())) == len(numbers)


def test_first_digits_of_cards_are_of_no_country() -> None:
    """ISO 3166-1 keeps 900 to 999 free for its users, and 9 stands before the country's digits."""
    assert {int(prefix[1:4]) for prefix in UNISSUED} == set(range(900, 1000))
    assert {prefix[0] for prefix in UNISSUED} == {"9"}


def test_last_digits_of_cards_are_all_as_frequent() -> None:
    last = np.array([int(text[-1]) for text in cards(50_000).to_pylist()])
    assert chisquare(np.bincount(last, minlength=10)).pvalue > 0.001


def test_an_operator_may_name_own_first_digits() -> None:
    numbers = cards(100, prefixes=["42", "541234"], length=15, spaced=True)
    assert all(re.fullmatch(r"(42\d\d|5412) \d{4} \d{4} \d{3}", text) for text in numbers.to_pylist())
    assert luhn_holds(numbers).all()


@pytest.mark.parametrize("length", [12, 13, 16, 18])
def test_cards_of_every_length_pass(length: int) -> None:
    numbers = cards(1000, length=length)
    assert luhn_holds(numbers).all()
    assert {len(text) for text in numbers.to_pylist()} == {length}


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"prefixes": []}, "name at least one"),
        ({"prefixes": ["12x"]}, "'12x' is no beginning"),
        ({"prefixes": [""]}, "is no beginning"),
        ({"prefixes": ["12345678901"], "length": 12}, "no beginning of a number of 12 digits"),
        ({"length": 11}, "length is 11"),
        ({"length": 19}, "length is 19"),
    ],
)
def test_impossible_cards_are_refused(parameters: dict[str, object], reason: str) -> None:
    with pytest.raises(ImpossibleParameters, match=reason):
        column_of({"kind": "identifier.card", **parameters})


@given(st.lists(st.integers(0, 10**18), min_size=1, max_size=20), st.integers(1, 18))
def test_digits_are_those_of_python(numbers: list[int], width: int) -> None:
    written = digits(np.array(numbers, dtype=np.int64), width)
    assert [bytes(row).decode() for row in written] == [f"{number:0{width}}"[-width:] for number in numbers]


def test_templates_are_filled_from_left_to_right() -> None:
    assert filled("XX bb-b/aa", {"a": np.array([7, 42]), "b": np.array([123, 4])}, 2).to_pylist() == [
        "XX 12-3/07",
        "XX 00-4/42",
    ]


def _by_hand(iban: str) -> int:
    return int("".join(str(int(mark, 36)) for mark in iban[4:] + iban[:4])) % 97
