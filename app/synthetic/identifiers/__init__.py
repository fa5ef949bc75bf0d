"""Identifiers that pass their checks and belong to nobody: IBANs, other bank accounts, card numbers."""

from app.synthetic.identifiers.banks import banks
from app.synthetic.identifiers.cards import UNISSUED, Cards
from app.synthetic.identifiers.checks import iban_holds, luhn_holds, routing_holds

__all__ = [
    "UNISSUED",
    "Cards",
    "banks",
    "iban_holds",
    "luhn_holds",
    "routing_holds",
]
