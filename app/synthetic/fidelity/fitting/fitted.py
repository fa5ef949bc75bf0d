"""The result of fitting: a schema, and the reason for each field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made_by
from typing import Any

import yaml

from app.synthetic.fidelity.fitting.families import Candidate

WIDTH = 120


@dataclass(frozen=True)
class FittedColumn:
    """A column of the sample as a field of a schema."""

    name: str
    field: dict[str, Any]
    reason: str
    """Why this kind, and what of the column is lost."""
    nulls: float = 0.0
    hidden: Mapping[str, Any] = made_by(default_factory=dict)
    """Columns that only this one needs."""
    candidates: tuple[Candidate, ...] = ()
    """Distributions of numbers, the best one first."""

    @property
    def kind(self) -> str:
        """Kind of the field."""
        return str(self.field["kind"])

    def entry(self) -> Any:
        """Return the field as a schema file has it."""
        entry = dict(self.field) | ({"nulls": self.nulls} if self.nulls else {})
        return self.kind if len(entry) == 1 else entry


@dataclass(frozen=True)
class Fitted:
    """A schema whose records resemble a sample."""

    name: str
    rows: int
    """Of the sample, as far as it was looked at."""
    columns: tuple[FittedColumn, ...]
    hidden: Mapping[str, Any]
    correlations: Mapping[str, Mapping[str, float]]
    left_out: Mapping[str, str]
    """Columns of the sample that no kind can make, and why."""
    corpora: Mapping[str, str]
    """Texts to write into files before the schema is used, by name of the file."""

    def yaml(self) -> str:
        """Return the schema as a file, with the reason for each field as a comment."""
        notes = [
            f"Fitted to {self.rows:,} records.",
            *(f"{column.name}: {column.reason}." for column in self.columns),
            *(f"{name}: left out, {reason}." for name, reason in self.left_out.items()),
        ]
        document = {
            "name": self.name,
            "hidden": {**self.hidden, **{name: of for column in self.columns for name, of in column.hidden.items()}},
            "fields": {column.name: column.entry() for column in self.columns},
            "correlations": self.correlations,
        }
        filled = {key: value for key, value in document.items() if value}
        dumped = yaml.safe_dump(filled, sort_keys=False, allow_unicode=True, width=WIDTH, default_flow_style=None)
        return "".join(f"# {' '.join(note.split())}\n" for note in notes) + str(dumped)

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "schema": self.name,
            "rows": self.rows,
            "columns": [
                {
                    "name": column.name,
                    "kind": column.kind,
                    "reason": column.reason,
                    "nulls": column.nulls,
                    "distance": column.candidates[0].distance if column.candidates else None,
                    "candidates": [_candidate(candidate) for candidate in column.candidates],
                }
                for column in self.columns
            ],
            "correlations": self.correlations,
            "left_out": self.left_out,
            "corpora": sorted(self.corpora),
        }


def _candidate(one: Candidate) -> dict[str, Any]:
    return {
        "name": one.name,
        "log_likelihood": one.log_likelihood,
        "parameters": one.free,
        "aic": one.aic,
        "bic": one.bic,
        "distance": one.distance,
    }
