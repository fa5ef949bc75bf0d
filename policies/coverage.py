"""Which resource types no check means, and why that is right."""

from __future__ import annotations

from pathlib import Path

import yaml

FILE = Path(__file__).with_name("uncovered.yaml")
COMPONENTS = "livingfortress:"
"""Components hold no properties; their children do."""


class BadCoverage(Exception):
    """The file names a type twice, or is no map from reason to types."""


def reasons() -> dict[str, str]:
    """The reason for each type that needs no check; raises BadCoverage."""
    document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    if not isinstance(document, dict) or not all(isinstance(types, list) for types in document.values()):
        raise BadCoverage(f"{FILE}: must be a map from reason to a list of types")
    found: dict[str, str] = {}
    for reason, types in document.items():
        for token in types:
            if token in found:
                raise BadCoverage(f"{FILE}: {token} stands there twice")
            found[token] = reason
    return found
