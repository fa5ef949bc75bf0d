"""The JSON report: the model itself, from which every other format can be made again."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from policies.report.model import VERSION, Report

SCHEMA_ID = f"urn:living-fortress:compliance-report:{VERSION}"


class NoReport(Exception):
    """The document is no JSON report of a version that is known here."""


def write(report: Report) -> str:
    """Keys in the model's order: the same report gives the same bytes."""
    return report.model_dump_json(by_alias=True, indent=1) + "\n"


def read(text: str) -> Report:
    """The report back; raises NoReport."""
    try:
        return Report.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the document"
        raise NoReport(f"this is no compliance report of version {VERSION}: {where}: {problem['msg']}") from None


def schema() -> dict[str, Any]:
    """The JSON schema of the report."""
    described = Report.model_json_schema(by_alias=True, mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **described,
        "title": "Compliance report",
    }


def schema_text() -> str:
    """The schema as its file holds it."""
    return json.dumps(schema(), indent=1) + "\n"
