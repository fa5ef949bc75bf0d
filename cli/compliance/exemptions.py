"""The work of `fortress compliance exemptions` and `baseline`."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from pydantic import ValidationError

from cli.compliance.report import BadTerms, CannotWrite
from cli.compliance.rules import RuleFiles, read_rules
from cli.shared.output import align_columns
from policies.documents import first_problem
from policies.exemptions import Baseline, Exemption, sorted_findings
from policies.report import Report
from policies.report.writers.markdown import count
from policies.verdicts import Status


@dataclass(frozen=True)
class Terms:
    """The terms of a baseline."""

    expires: datetime.date
    owner: str
    ticket: str
    reason: str


def show(files: RuleFiles, *, today: datetime.date, as_json: bool) -> None:
    """Print the exemptions, the earliest to expire first."""
    entries = sorted(read_rules(files, own=True).exemptions.entries, key=attrgetter("expires", "check", "urn"))
    if as_json:
        documents = [entry.model_dump(mode="json") | {"daysLeft": _count_days_left(entry, today)} for entry in entries]
        print(json.dumps(documents, indent=1))
        return
    rows = [
        (entry.check, entry.urn, _format_days_left(entry, today), entry.owner, entry.ticket, entry.reason)
        for entry in entries
    ]
    if not rows:
        print("There are no exemptions.")
        return
    print("\n".join(align_columns(("control", "resources", "days left", "owner", "ticket", "reason"), rows)))


def record(report: Report, out: Path, terms: Terms, *, today: datetime.date) -> str:
    """Write the baseline of what fails; raises BadTerms and CannotWrite."""
    findings = sorted_findings((verdict.control, verdict.urn) for verdict in report.of_status(Status.FAIL))
    try:
        baseline = Baseline(
            recorded=today,
            expires=terms.expires,
            owner=terms.owner,
            ticket=terms.ticket,
            reason=terms.reason,
            findings=findings,
        )
    except ValidationError as error:
        raise BadTerms(first_problem(error)) from None
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(baseline.text())
    except OSError as error:
        raise CannotWrite(f"{out}: {error.strerror}") from None
    held = f"{count(sum(map(len, findings.values())), 'finding')} of {count(len(findings), 'control')}"
    return f"{out} holds {held}, exempt until {terms.expires}"


def _count_days_left(exemption: Exemption, today: datetime.date) -> int:
    """Return the number of days for which it holds after today; negative once it has ended."""
    return (exemption.expires - today).days


def _format_days_left(exemption: Exemption, today: datetime.date) -> str:
    return str(_count_days_left(exemption, today)) if exemption.is_active(today) else f"expired on {exemption.expires}"
