"""Exemptions in YAML: a list of entries, or a baseline: what failed on one day, exempt as a whole until another.

recorded: 2026-01-15
expires: 2026-07-15
owner: platform
ticket: LF-7
reason: taken over with the old estate
findings:
  NET-003: ["urn:pulumi:old::shop::aws:rds/instance:Instance::orders"]
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from policies.documents import first_problem, load_yaml, on_one_line
from policies.exemptions.exemption import Day, Exemption, Exemptions, Origin, Problem, Said, literal


def read_exemptions(path: Path) -> Exemptions:
    """Read a file of exemptions; a file or entry that cannot be understood is a problem and exempts nothing."""
    try:
        document = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return Exemptions(problems=(Problem(str(path), f"cannot be read: {on_one_line(error)}"),))
    if document is None:
        return Exemptions()
    if not isinstance(document, list):
        return Exemptions(problems=(Problem(str(path), "must be a list of exemptions"),))
    return parse_entries(document, str(path), "file")


def parse_entries(document: list[Any], where: str, origin: Origin) -> Exemptions:
    """Entries that were read from somewhere; `where` is for messages."""
    entries, problems = [], []
    for number, entry in enumerate(document, start=1):
        try:
            given = {**entry, "origin": origin} if isinstance(entry, dict) else entry
            entries.append(Exemption.model_validate(given))
        except ValidationError as error:
            problems.append(Problem(f"{where}, entry {number}", first_problem(error)))
    return Exemptions(tuple(entries), tuple(problems))


class Baseline(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recorded: Day
    expires: Day
    owner: Said
    ticket: Said
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=10)]
    findings: dict[Said, tuple[Said, ...]]
    """URNs by control id."""

    def exemptions(self, where: str) -> Exemptions:
        """One exemption per finding."""
        common = {"owner": self.owner, "ticket": self.ticket, "reason": self.reason, "expires": self.expires}
        entries = [
            {"check": check, "urn": literal(urn), **common} for check, urns in self.findings.items() for urn in urns
        ]
        return parse_entries(entries, where, "baseline")

    def text(self) -> str:
        """Return the file's text."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, width=1000)


def read_baseline(path: Path) -> Exemptions:
    """Read a baseline file; one that cannot be understood is a problem and exempts nothing."""
    try:
        baseline = Baseline.model_validate(load_yaml(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return Exemptions(problems=(Problem(str(path), f"cannot be read: {on_one_line(error)}"),))
    except ValidationError as error:
        return Exemptions(problems=(Problem(str(path), first_problem(error)),))
    return baseline.exemptions(str(path))


def sorted_findings(findings: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """(control id, URN) pairs as a baseline keeps them."""
    gathered: dict[str, set[str]] = {}
    for check, urn in findings:
        gathered.setdefault(check, set()).add(urn)
    return {check: tuple(sorted(gathered[check])) for check in sorted(gathered)}
