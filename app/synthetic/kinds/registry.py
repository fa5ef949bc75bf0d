"""Where kinds are looked up. A module offers its kinds as `KINDS`, from name to class, and is listed here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from app.synthetic.columns import Column
from app.synthetic.errors import UnknownKind

MODULES = (
    "app.synthetic.kinds.values",
    "app.synthetic.kinds.times",
    "app.synthetic.kinds.template",
    "app.synthetic.numbers.kinds",
    "app.synthetic.text.kinds",
    "app.synthetic.places.kinds",
    "app.synthetic.people.kinds",
    "app.synthetic.identifiers.kinds",
    "app.synthetic.behaviour.kinds",
)


@cache
def kinds() -> Mapping[str, type[Column]]:
    """All kinds by name."""
    found: dict[str, type[Column]] = {}
    for module in MODULES:
        found |= import_module(module).KINDS
    return found


def kind(name: str) -> type[Column]:
    """The kind of that name; raises UnknownKind."""
    try:
        return kinds()[name]
    except KeyError:
        raise UnknownKind("kind", name, kinds()) from None
