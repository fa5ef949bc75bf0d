"""URNs, and physical names for resources that a program leaves unnamed, as the real providers make them.

A generated name is kept from the old inputs as long as the resource lives; a replacement gets a new one, because the
engine checks its inputs without old ones. `__defaults` in the inputs says which names were generated.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from localcloud.contract.contracts import Contract

GENERATED = "__defaults"
HEX_DIGITS = 7
OWN_NAMES = ("name", "bucket", "identifier")
"""Inputs that name a resource, in the order of preference; a resource that has neither is known by its id alone."""

LONGEST = 63
NOT_IN_DNS_NAMES = re.compile(r"[^a-z0-9-]+")
NOT_LETTERS_OR_DIGITS = re.compile(r"[^a-z0-9]+")
GLOBAL_AZURE_NAMES: Mapping[str, int] = {"accountName": 24, "registryName": 50, "vaultName": 24}
"""Azure names that are host names of the whole service: letters and digits only, and at most so many of them."""

AZURE_UUIDS = ("roleAssignmentName", "roleDefinitionId")

Inputs = dict[str, Any]


def name_input(package: str, contract: Contract) -> str | None:
    """The optional input that names resources of this type, None where there is none or it must be given."""
    inputs = contract.root.properties
    if package == "azure-native":
        own = [name for name in contract.path_parameters if name in inputs and not inputs[name].required]
        return own[0] if len(own) == 1 else None
    return next((name for name in OWN_NAMES if name in inputs and not inputs[name].required), None)


def named(package: str, contract: Contract, logical: str, inputs: Inputs, old: Inputs, seed: bytes) -> Inputs:
    """`inputs` with a name, generated where the program gives none."""
    wanted = name_input(package, contract)
    if wanted is None or wanted in inputs or f"{wanted}Prefix" in inputs:
        return inputs
    kept = wanted in old.get(GENERATED, ())
    name = old[wanted] if kept else generated(package, wanted, logical, seed)
    return {**inputs, wanted: name, GENERATED: [wanted]}


def generated(package: str, wanted: str, logical: str, seed: bytes) -> str:
    """A name from the logical name and a few digits of `seed`, in the alphabet that names of `package` allow."""
    digest = hashlib.sha256(seed + logical.encode()).hexdigest()
    digits = digest[:HEX_DIGITS]
    if package == "azure-native":
        return _azure_name(wanted, logical, digits, digest)
    stem = logical if package == "aws" else NOT_IN_DNS_NAMES.sub("-", logical.lower())
    return f"{stem[: LONGEST - HEX_DIGITS - 1]}-{digits}"


def _azure_name(wanted: str, logical: str, digits: str, digest: str) -> str:
    if wanted in AZURE_UUIDS:
        return str(UUID(digest[:32]))
    if wanted in GLOBAL_AZURE_NAMES:
        stem = NOT_LETTERS_OR_DIGITS.sub("", logical.lower())
        return stem[: GLOBAL_AZURE_NAMES[wanted] - HEX_DIGITS] + digits
    return logical[: LONGEST - HEX_DIGITS] + digits


def is_fixed(package: str, contract: Contract, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether old and new carry one name that the program chose, so that they cannot exist side by side."""
    wanted = name_input(package, contract)
    if wanted is None:
        return False
    return wanted in new and wanted not in new.get(GENERATED, ()) and new[wanted] == old.get(wanted)


PARTS = 4


@dataclass(frozen=True)
class Urn:
    """`urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>`, taken apart."""

    text: str
    stack: str
    project: str
    type: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Urn:
        """The parts of `text`; a ValueError says what is missing."""
        parts = text.split("::", PARTS - 1)
        if len(parts) != PARTS:
            raise ValueError(f"{text!r} is not a URN: expected urn:pulumi:<stack>::<project>::<type>::<name>")
        stack, project, types, name = parts
        return cls(text, stack.rpartition(":")[2], project, types.rpartition("$")[2], name)
