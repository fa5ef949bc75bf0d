"""Check digits, and whether they hold: each rule once to make numbers, once to judge texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.synthetic.digits import GROUP, ZERO, characters, parted

Integers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
LONGEST_CARD = 19
"""Digits of a card number at most (ISO/IEC 7812-1)."""
IBAN_LENGTHS: Mapping[str, int] = {"DE": 22, "ES": 24, "FR": 27, "GB": 22}
"""As the registry of ISO 13616 has them, for the countries known here."""
ROUTING_WEIGHTS = (3, 7, 1, 3, 7, 1, 3, 7, 1)
SPANISH_WEIGHTS = (1, 2, 4, 8, 5, 10, 9, 7, 3, 6)


def luhn_digit(payload: Integers) -> Integers:
    """Return the check digit of each number (ISO/IEC 7812-1, annex B)."""
    total = np.zeros(len(payload), dtype=np.int64)
    left = payload * 10
    while left.any():
        left, group = parted(left, 10**GROUP)
        total += _LUHN_OF_GROUP[group]
    return -total % 10


def luhn_holds(texts: pa.StringArray) -> Flags:
    """Return which card numbers have the right check digit; ignore spaces."""
    values = characters(texts, LONGEST_CARD).astype(np.int16) - ZERO
    doubled = values[:, LONGEST_CARD - 2 :: -2] * 2
    total = values[:, LONGEST_CARD - 1 :: -2].sum(axis=1) + (doubled - 9 * (doubled > 9)).sum(axis=1)
    found: Flags = _are_digits(values) & (total % 10 == 0) & (values.sum(axis=1) > 0)
    return found


def iban_digits(remainder: Integers) -> Integers:
    """Return the check digits of an IBAN from its remainder modulo 97 with check digits 00 (ISO 13616)."""
    return 98 - remainder


def iban_holds(texts: pa.StringArray) -> Flags:
    """Return which IBANs have their country's length and are 1 modulo 97; ignore spaces, refuse small letters."""
    plain = pc.replace_substring(texts, " ", "")
    turned = pc.binary_join_element_wise(pc.utf8_slice_codeunits(plain, 4), pc.utf8_slice_codeunits(plain, 0, 4), "")
    longest = max(IBAN_LENGTHS.values())
    marks = characters(turned, longest).astype(np.int64)
    number, letter = (marks >= ZERO) & (marks <= ord("9")), (marks >= ord("A")) & (marks <= ord("Z"))
    left = np.zeros(len(texts), dtype=np.int64)
    for place in range(longest):
        left = np.where(letter[:, place], left * 100 + marks[:, place] - 55, left * 10 + marks[:, place] - ZERO) % 97
    countries, lengths = pa.array(IBAN_LENGTHS), pa.array(IBAN_LENGTHS.values())
    wanted = lengths.take(pc.index_in(pc.utf8_slice_codeunits(plain, 0, 2), countries))
    long_enough = pc.fill_null(pc.equal(pc.utf8_length(plain).cast(pa.int64()), wanted), False)
    found: Flags = (number | letter).all(axis=1) & (left == 1) & long_enough.to_numpy(zero_copy_only=False)
    return found


def routing_digit(payload: Integers) -> Integers:
    """Return the check digit after the first eight digits of a routing number (American Bankers Association)."""
    return -_weighted(payload, ROUTING_WEIGHTS[:-1]) % 10


def routing_holds(texts: pa.StringArray) -> Flags:
    """Return which routing numbers have nine digits and the right check digit."""
    values = characters(texts, len(ROUTING_WEIGHTS)).astype(np.int64) - ZERO
    whole = pc.fill_null(pc.equal(pc.utf8_length(texts), len(ROUTING_WEIGHTS)), False)
    agree = values @ np.array(ROUTING_WEIGHTS) % 10 == 0
    found: Flags = _are_digits(values) & agree & whole.to_numpy(zero_copy_only=False)
    return found


def french_key(bank: Integers, account: Integers) -> Integers:
    """Return the two check digits of a French RIB, for bank and branch of ten digits (Arrêté of 1978)."""
    code, branch = parted(bank, 100_000)
    key: Integers = 97 - (89 * code + 15 * branch + 3 * account) % 97
    return key


def spanish_digits(bank: Integers, account: Integers) -> Integers:
    """Return the two digits between a Spanish entity with its office and the account."""
    return 10 * _spanish(bank) + _spanish(account)


def _spanish(number: Integers) -> Integers:
    """Return 11 minus the weighted sum modulo 11; 10 becomes 1 and 11 becomes 0."""
    digit = 11 - _weighted(number, SPANISH_WEIGHTS) % 11
    return np.where(digit < 10, digit, 11 - digit)


def _weighted(numbers: Integers, weights: tuple[int, ...]) -> Integers:
    """Return the sum of the digits times their weights; the last weight is for the last digit."""
    total = np.zeros(len(numbers), dtype=np.int64)
    left = numbers
    for weight in reversed(weights):
        left, digit = parted(left, 10)
        total += weight * digit
    return total


def _are_digits(values: NDArray[np.signedinteger]) -> Flags:
    found: Flags = np.all((values >= 0) & (values <= 9), axis=1)
    return found


def _luhn_of_group(number: int) -> int:
    """Return a group's Luhn sum; its last digit is not doubled."""
    return sum(sum(divmod(int(digit) * (1 + place % 2), 10)) for place, digit in enumerate(reversed(f"{number:04}")))


_LUHN_OF_GROUP = np.array([_luhn_of_group(number) for number in range(10**GROUP)], dtype=np.int64)
