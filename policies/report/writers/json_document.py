"""The JSON report: the model itself, from which every other format can be made again."""

from __future__ import annotations

from pydantic import ValidationError

from policies.report.model import VERSION, Report


class NoReport(Exception):
    """The document is no JSON report of the version that is known here."""


def write(report: Report) -> str:
    """Write the report with keys in the model's order: the same report gives the same bytes."""
    return report.model_dump_json(by_alias=True, indent=1) + "\n"


def read(text: str) -> Report:
    """Read a report back; raises NoReport."""
    try:
        return Report.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the document"
        raise NoReport(f"this is no compliance report of version {VERSION}: {where}: {problem['msg']}") from None
