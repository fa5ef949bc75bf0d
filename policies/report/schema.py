"""The JSON schema of the report. `python -m policies.report.schema` writes its file anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from policies.report.model import VERSION, Report

FILE = Path(__file__).with_name("compliance-report.schema.json")
ID = f"urn:living-fortress:compliance-report:{VERSION}"


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12."""
    described = Report.model_json_schema(by_alias=True, mode="serialization")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ID}
    return head | described | {"title": "Compliance report"}


def text() -> str:
    """The schema as its file holds it."""
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
