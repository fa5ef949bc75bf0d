"""CSV: one row a verdict, for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from policies.report.model import Report

HEAD = (
    "control",
    "title",
    "severity",
    "level",
    "cloud",
    "resource",
    "type",
    "urn",
    "status",
    "without exemptions",
    "found",
    "exemption",
    "fixable",
    "requirements",
    "remedy",
    "fingerprint",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""By what a formula begins; the last four are the same signs as wide as East Asian ones."""


def write(report: Report) -> str:
    """Write one row a verdict; rows end as RFC 4180 wants it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEAD)
    writer.writerows([_plain(cell) for cell in row] for row in _rows(report))
    return out.getvalue()


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    controls = {control.id: control for control in report.controls}
    resources = {resource.urn: resource for resource in report.resources}
    for verdict in report.verdicts:
        control, resource, exemption = controls[verdict.control], resources[verdict.urn], verdict.exemption
        yield (
            control.id,
            control.title,
            control.severity.value,
            control.level.value,
            verdict.cloud,
            resource.name,
            resource.type,
            verdict.urn,
            verdict.status.value,
            verdict.found.value,
            verdict.reason,
            f"until {exemption.expires} by {exemption.owner} ({exemption.ticket})" if exemption else "",
            "yes" if verdict.fixable else "",
            "; ".join(f"{framework} {id_}" for framework, ids in control.requirements.items() for id_ in ids),
            control.remedy,
            verdict.fingerprint,
        )


def _plain(cell: str) -> str:
    """Quote a cell that begins like a formula: a spreadsheet would run it."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
