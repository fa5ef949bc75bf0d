"""Watching a stack after it is deployed: from what was open and a new report to events in a log. All pure."""

from policies.watch.cause import Cause, Origin, Update, infer_cause, list_unseen
from policies.watch.changes import Observation, compare
from policies.watch.finding import Finding, Kind, list_findings, make_blind_finding
from policies.watch.records import (
    AlertDelivered,
    Event,
    Opened,
    Passed,
    Record,
    Resolved,
    Started,
    StillOpen,
)
from policies.watch.state import Contradiction, WatchState
from policies.watch.text import BrokenLog, is_truncated, mark_truncated, parse_records, render_record

__all__ = [
    "AlertDelivered",
    "BrokenLog",
    "Cause",
    "Contradiction",
    "Event",
    "Finding",
    "Kind",
    "Observation",
    "Opened",
    "Origin",
    "Passed",
    "Record",
    "Resolved",
    "Started",
    "StillOpen",
    "Update",
    "WatchState",
    "compare",
    "infer_cause",
    "is_truncated",
    "list_findings",
    "list_unseen",
    "make_blind_finding",
    "mark_truncated",
    "parse_records",
    "render_record",
]
