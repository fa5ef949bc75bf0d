"""Kinds of columns that identify cards and bank accounts: right by their check digits, and nobody's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from app.synthetic.chunks import Chunk
from app.synthetic.columns import Column, Joint, Needed
from app.synthetic.identifiers.banks import Accounts, banks
from app.synthetic.identifiers.cards import UNISSUED, Cards
from app.synthetic.places.gazetteer import gazetteer


@dataclass(frozen=True, kw_only=True)
class BankAccount(Joint):
    """Which account it is, in the country of the place."""

    type = pa.struct([("country", pa.int32()), ("bank", pa.int64()), ("account", pa.int64())])
    needs = ("place",)

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        drawn = banks().draw(chunk.rng(), gazetteer().country[needed["place"].to_numpy()])
        return pa.StructArray.from_arrays([pa.array(array) for array in vars(drawn).values()], fields=list(self.type))


@dataclass(frozen=True, kw_only=True)
class OfAccount(Column):
    """Something that is said of a bank account."""

    type = pa.string()
    needs = ("identifier.account",)


class BankCode(OfAccount):
    """Routing number (US), sort code (GB), IFSC (IN), or what else names a bank and its branch."""

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return banks().codes(accounts(needed))


class AccountNumber(OfAccount):
    """Number of the account within its bank."""

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return banks().numbers(accounts(needed))


class Iban(OfAccount):
    """IBAN (ISO 13616); missing where the country has none."""

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return banks().ibans(accounts(needed))


@dataclass(frozen=True, kw_only=True)
class Card(Column):
    """A number like those of payment cards, under first digits that no issuer has; raises ImpossibleParameters."""

    prefixes: Sequence[str] = UNISSUED
    """First digits. Those that ship cannot be issued; others must be the operator's own."""
    length: int = 16
    spaced: bool = False
    """In groups of four."""

    type = pa.string()

    def __post_init__(self) -> None:
        _ = self._cards

    def make(self, chunk: Chunk, needed: Needed) -> pa.Array:
        return self._cards.draw(chunk.rng(), chunk.rows)

    @cached_property
    def _cards(self) -> Cards:
        return Cards(self.prefixes, self.length, spaced=self.spaced)


def accounts(needed: Needed) -> Accounts:
    """Draw the accounts of the chunk's rows."""
    return Accounts(*(array.to_numpy() for array in needed["identifier.account"].flatten()))


KINDS: Mapping[str, type[Column]] = {
    "identifier.account": BankAccount,
    "identifier.bank_code": BankCode,
    "identifier.account_number": AccountNumber,
    "identifier.iban": Iban,
    "identifier.card": Card,
}
