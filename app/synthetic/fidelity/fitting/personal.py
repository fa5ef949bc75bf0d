"""Columns that identify somebody or something: whatever they hold, the schema gets a kind that makes its own.

What a column holds is seen from its values where these have a form (an e-mail address, an IBAN), else from its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.synthetic.fidelity.columns import Role, Series
from app.synthetic.identifiers.checks import LONGEST_CARD, iban_holds, luhn_holds

MOST_OF_THEM = 0.9
"""Share of values that must have a form for the column to be taken for what has it; a tenth may be typed wrongly."""
LOOKED_AT = 5_000
"""Values that are looked at."""
SHORTEST_CARD = 13
LONGEST_WIDTH = 15
"""Digits of a number in a text."""
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True)
class Personal:
    """The kind of personal data that a column seems to hold, and why."""

    kind: str
    reason: str


Holds = Callable[[pa.StringArray], NDArray[np.bool_]]


def _matches(pattern: str) -> Holds:
    return lambda texts: np.asarray(pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False))


def _iban(texts: pa.StringArray) -> NDArray[np.bool_]:
    """Recognize IBANs by their check digits where the country's length is known, else by their form."""
    return iban_holds(texts) | _matches(r"^[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4}[A-Z0-9 ]{7,28}$")(texts)


def _card(texts: pa.StringArray) -> NDArray[np.bool_]:
    plain = pc.replace_substring_regex(texts, "[ -]", "")
    digits = _matches(rf"^[0-9]{{{SHORTEST_CARD},{LONGEST_CARD}}}$")(plain)
    found = np.zeros(len(texts), dtype=bool)
    if digits.any():
        found[digits] = luhn_holds(plain.filter(pa.array(digits)))
    return found


FORMS: tuple[tuple[str, str, Holds], ...] = (
    (
        "uuid",
        "identifiers of version 4 or another",
        _matches(r"^\{?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?$"),
    ),
    ("person.email", "e-mail addresses", _matches(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")),
    ("identifier.iban", "account numbers", _iban),
    ("identifier.card", "card numbers", _card),
    ("person.phone", "telephone numbers", _matches(r"^(\+[0-9]|\(0?[0-9]+\)|00?[1-9][0-9]*[ /-])[0-9 ()./-]{5,18}$")),
)
NAMES: tuple[tuple[str, str], ...] = (
    (r"e?_?mail(_address)?", "person.email"),
    (r"(tele)?phone(_number|_no)?|mobile(_number|_phone)?|tel|fax", "person.phone"),
    (r"(first|given|middle)_?name|forename", "person.given"),
    (r"(last|family|maiden)_?name|surname", "person.family"),
    (
        r"((full|customer|client|contact|person|patient|employee|owner|holder|account)_?)?name|(card|account)_holder",
        "person.name",
    ),
    (r"(user|login|nick)_?(name|id)?|handle|screen_name", "person.user_name"),
    (r"iban", "identifier.iban"),
    (r"(credit_?|debit_?)?card(_?number|_no)?|pan", "identifier.card"),
    (r"(date_of_birth|birth_?(date|day)|dob|born(_on)?)", "person.birth_date"),
    (r"(street|address)(_?(line)?_?1|_address)?|address_line", "place.street"),
    (r"(post(al)?_?code|zip(_?code)?|plz)", "place.postcode"),
    (r"city|town|locality", "place.city"),
    (r"state|region|province|county", "place.region"),
    (r"country(_code)?", "place.country"),
    (r"(time_?zone|tz)", "place.time_zone"),
    (r"lat(itude)?", "place.latitude"),
    (r"(lon|lng|long)(itude)?", "place.longitude"),
    (
        r"(ssn|national_id|tax_?(id|number)|passport(_?(no|number))?|social_security(_number)?|licen[cs]e(_?(no|number))?)",
        "number",
    ),
)
"""Names of columns, in small letters with underscores, and what they hold; `number` is somebody's own number."""
ROLES: Mapping[str, tuple[Role, ...]] = {
    "person.birth_date": (Role.MOMENT,),
    "place.latitude": (Role.NUMBER,),
    "place.longitude": (Role.NUMBER,),
    "person.phone": (Role.TEXT, Role.NUMBER),
    "identifier.card": (Role.TEXT, Role.NUMBER),
    "place.postcode": (Role.TEXT, Role.CATEGORY, Role.NUMBER),
    "number": (Role.TEXT, Role.CATEGORY, Role.NUMBER),
}
"""In which roles a name is believed; else where it stands for texts."""
TEXTS = (Role.TEXT, Role.CATEGORY)
IDENTIFIER = re.compile(r"(.*_)?(id|key|number|no|nr|num|code|ref|reference|uuid|guid|token|hash)")


def personal(series: Series) -> Personal | None:
    """Recognize personal data; return None where a column seems to identify nobody."""
    return _by_form(series) or _by_name(series)


def plain_name(name: str) -> str:
    """Return a column's name in snake case."""
    return re.sub(r"[^a-z0-9]+", "_", CAMEL.sub("_", name).lower()).strip("_")


def names_identifier(name: str) -> bool:
    """Return whether a column's name is one that identifiers have."""
    return bool(IDENTIFIER.fullmatch(plain_name(name)))


def numbered(texts: pa.StringArray) -> tuple[str, int] | None:
    """Return prefix and number of digits where all texts share them, such as `ORD-` and 6."""
    found = re.fullmatch(r"([^0-9{}]{0,12})([0-9]{3,%d})" % LONGEST_WIDTH, texts[0].as_py())  # noqa: UP031 (braces)
    if not found:
        return None
    same = _matches(rf"^{re.escape(found[1])}[0-9]{{{len(found[2])}}}$")(texts)
    return (found[1], len(found[2])) if same.all() else None


def is_single_word(texts: pa.StringArray) -> bool:
    """Return whether nearly all texts lack spaces: codes, not prose."""
    return bool(_matches(r"^\S+$")(texts).mean() >= MOST_OF_THEM)


def _by_form(series: Series) -> Personal | None:
    texts = _texts(series)
    if texts is None:
        return None
    for kind, what, holds in FORMS:
        if holds(texts).mean() >= MOST_OF_THEM:
            return Personal(kind, f"its values are {what}")
    return None


def _by_name(series: Series) -> Personal | None:
    name = plain_name(series.name)
    for pattern, kind in NAMES:
        if re.fullmatch(pattern, name) and series.role in ROLES.get(kind, TEXTS):
            return Personal(kind, "its name says so")
    return None


def _texts(series: Series) -> pa.StringArray | None:
    values: Any = series.values.drop_null()
    if series.role is Role.NUMBER and pa.types.is_integer(values.type):
        values = values.cast(pa.string())
    return values[:LOOKED_AT] if pa.types.is_string(values.type) and len(values) else None
