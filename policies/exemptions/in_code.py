"""Exemptions that stand in the program, on the resource itself.

They ride on the resource option `additionalSecretOutputs`. It is the one free text that every custom resource of
every provider can carry, that a policy pack is shown, and that previews and the state keep. It changes nothing in the
cloud: the engine marks outputs of that name as secret, and there is none. (Tags would be seen by the cloud, are missing
on half of all types, and hold too few letters in GCP; a parent would change the URN.)

    pulumi.ResourceOptions(additional_secret_outputs=[
        "exempt NET-003; expires 2027-03-31; owner platform; ticket LF-42; reason migration runs over the open port"])
"""

from __future__ import annotations

import datetime
from typing import Any

from policies.exemptions.exemption import Exemption, Exemptions, Problem, literal
from policies.exemptions.files import parse_entries
from policies.resource import Resource

_MARK = "exempt"


def exempt(check: str, *, expires: datetime.date, owner: str, ticket: str, reason: str) -> str:
    """Return the note that exempts its resource from a check; raises ValueError where a part cannot be written so."""
    parts = {"expires": expires.isoformat(), "owner": owner, "ticket": ticket, "reason": reason}
    broken = [name for name, text in parts.items() if ";" in text or "\n" in text]
    if broken:
        raise ValueError(f"{broken[0]} of an exemption cannot hold a semicolon or a line break")
    note = f"{_MARK} {check}; " + "; ".join(f"{name} {text.strip()}" for name, text in parts.items())
    Exemption.model_validate(_fields(note) | {"urn": "this resource", "origin": "code"})
    return note


def read_notes(resource: Resource) -> Exemptions:
    """Return the exemptions on a resource; a note that begins like one and is none is a problem."""
    notes = [note for note in resource.notes if note.split(maxsplit=1)[:1] == [_MARK]]
    if not notes:
        return Exemptions()
    fields = [_fields(note) | {"urn": literal(resource.urn)} for note in notes]
    found = parse_entries(fields, resource.urn, "code")
    return Exemptions(found.entries, tuple(Problem(problem.where, f"exemption in code: {problem.message}")
                                           for problem in found.problems))  # fmt: skip


def _fields(note: str) -> dict[str, Any]:
    first, *rest = (part.strip() for part in note.split(";"))
    fields = {"check": first.removeprefix(_MARK).strip()}
    for part in rest:
        name, _, text = part.partition(" ")
        fields[name] = text
    return fields
