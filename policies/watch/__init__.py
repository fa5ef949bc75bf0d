"""Watching a stack after it is deployed: from what was open and a new report to events in a log. All pure."""

from policies.watch.cause import Cause, Origin, Update, cause_of, unseen
from policies.watch.changes import Observation, changes
from policies.watch.finding import Finding, Kind, blind, findings_of
from policies.watch.records import Event, Opened, Passed, Record, Resolved, Started, StillOpen, Told, Torn
from policies.watch.standing import Contradiction, Standing
from policies.watch.text import BrokenLog, line_of, mended, records_of, unfinished

__all__ = [
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
    "Standing",
    "Started",
    "StillOpen",
    "Told",
    "Torn",
    "Update",
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
