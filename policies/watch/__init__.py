"""Watching a stack after it is deployed: from what was open and a new report to events in a log. All pure."""

from policies.watch.cause import Cause, Origin, Update, cause_of, unseen
from policies.watch.changes import Observation, changes
from policies.watch.finding import Finding, Kind, blind, findings_of
from policies.watch.records import (
    AlertDelivered,
    Event,
    Opened,
    Passed,
    Record,
    Resolved,
    Started,
    StillOpen,
    TruncatedRecord,
)
from policies.watch.state import Contradiction, WatchState
from policies.watch.text import BrokenLog, line_of, mended, records_of, unfinished

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
    "TruncatedRecord",
    "Update",
    "WatchState",
    "blind",
    "cause_of",
    "changes",
    "findings_of",
    "line_of",
    "mended",
    "records_of",
    "unfinished",
    "unseen",
]
