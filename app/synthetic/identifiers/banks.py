"""Bank accounts at banks that do not exist, as each country writes them, and their IBANs where the country has those.

Which bank codes they use, and why no bank has them, stands in `data/banks.tsv`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from app.synthetic.countries import countries
from app.synthetic.digits import filled
from app.synthetic.identifiers.checks import Integers, french_key, iban_digits, routing_digit, spanish_digits
from app.synthetic.pools import Rows, read

FILE = Path(__file__).parent / "data" / "banks.tsv"
Check: TypeAlias = Callable[[Integers, Integers], Integers]
CHECKS: Mapping[str, Check] = {
    "": lambda bank, _account: np.zeros(len(bank), dtype=np.int64),
    "aba": lambda bank, _account: routing_digit(bank),
    "rib": french_key,
    "ccc": spanish_digits,
}
RUN = re.compile(r"b+|a+|k+|[A-Z0-9]+")


@dataclass(frozen=True)
class Bank:
    """How a country writes its accounts.

    In the forms, `b` stands for a digit of the bank's number, `a` for one of the account's, `k` for one of the national
    check and `i` for one of the IBAN's.
    """

    code: str
    number: str
    iban: str
    """Empty where the country has none."""
    check: Check
    first_bank: int
    open_banks: int
    open_accounts: int


@dataclass(frozen=True)
class Accounts:
    """The country, bank and account of each row."""

    country: Rows
    bank: Integers
    account: Integers


class Banks:
    """Accounts of all countries."""

    def __init__(self) -> None:
        lines = {line["country"]: line for line in read(FILE)}
        self._banks = [_bank(code, lines[code]) for code in countries()]
        self._first = np.array([bank.first_bank for bank in self._banks])
        self._open = np.array([bank.open_banks for bank in self._banks], dtype=np.float64)
        self._accounts = np.array([bank.open_accounts for bank in self._banks], dtype=np.float64)

    def draw(self, rng: np.random.Generator, country: Rows) -> Accounts:
        """Draw an account in each of these countries."""
        bank = (rng.random(len(country)) * self._open[country]).astype(np.int64) + self._first[country]
        return Accounts(country, bank, (rng.random(len(country)) * self._accounts[country]).astype(np.int64))

    def codes(self, accounts: Accounts) -> pa.StringArray:
        """Return routing numbers, sort codes and other bank codes."""
        return self._written(accounts, lambda bank: bank.code)

    def numbers(self, accounts: Accounts) -> pa.StringArray:
        """Return the account numbers."""
        return self._written(accounts, lambda bank: bank.number)

    def ibans(self, accounts: Accounts) -> pa.StringArray:
        """Return the IBANs; null where the country has none."""
        return self._written(accounts, lambda bank: bank.iban)

    def _written(self, accounts: Accounts, form: Callable[[Bank], str]) -> pa.StringArray:
        """Write the numbers country by country, because widths differ; then restore the order."""
        order = np.argsort(accounts.country, kind="stable")
        sizes = np.bincount(accounts.country, minlength=len(self._banks))
        pieces, start = [], 0
        for bank, size in zip(self._banks, sizes.tolist(), strict=True):
            rows = order[start : start + size]
            pieces.append(_write(bank, form(bank), accounts.bank[rows], accounts.account[rows]))
            start += size
        if len(order) in sizes:
            return next(piece for piece in pieces if len(piece) == len(order))
        back = np.empty(len(order), dtype=np.int32)
        back[order] = np.arange(len(order), dtype=np.int32)
        return pa.concat_arrays(pieces).take(pa.array(back))


@cache
def banks() -> Banks:
    """Return the shipped banks."""
    return Banks()


def _write(bank: Bank, form: str, number: Integers, account: Integers) -> pa.StringArray:
    if not form:
        return pa.nulls(len(number), pa.string())
    marks = {"b": number, "a": account, "k": bank.check(number, account)}
    if "i" in form:
        marks["i"] = iban_digits(_remainder(form[4:] + form[:2] + "00", marks))
    return filled(form, marks, len(number))


def _remainder(form: str, marks: Mapping[str, Integers]) -> Integers:
    """Return the number modulo 97, where letters count from 10 for A to 35 for Z."""
    left = np.zeros(len(marks["b"]), dtype=np.int64)
    for run in RUN.findall(form):
        if run[0] in marks:
            left = (left * 10 ** len(run) + marks[run[0]]) % 97
        else:
            spelt = "".join(str(int(mark, 36)) for mark in run)
            left = (left * 10 ** len(spelt) + int(spelt)) % 97
    return left


def _bank(code: str, line: Mapping[str, str]) -> Bank:
    known, banks_left = line["bank"].rstrip("#"), line["bank"].count("#")
    return Bank(
        code=line["code"],
        number=line["number"],
        iban=f"{code}ii{line['bban']}" if line["bban"] else "",
        check=CHECKS[line["check"]],
        first_bank=int(known or 0) * 10**banks_left,
        open_banks=10**banks_left,
        open_accounts=10 ** line["account"].count("#"),
    )
