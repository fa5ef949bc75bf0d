"""Identifiers that pass their checks and belong to nobody: IBANs, other bank accounts, card numbers."""

from app.synthetic.identifiers.banks import Accounts, Banks, banks
from app.synthetic.identifiers.cards import UNISSUED, Cards
from app.synthetic.identifiers.checks import IBAN_LENGTHS, iban_holds, luhn_holds, routing_holds

__all__ = [
    "IBAN_LENGTHS",
    "UNISSUED",
    "Accounts",
    "Banks",
    "Cards",
    "banks",
    "iban_holds",
    "luhn_holds",
    "routing_holds",
]
