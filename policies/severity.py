"""How bad a violation is, worst last."""

from __future__ import annotations

import enum


class Severity(enum.Enum):
    """The four levels that Pulumi knows too."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


LOW, MEDIUM, HIGH, CRITICAL = Severity
