"""What a line of the log can be. A log is one stack's, and starts with the start of a watch."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from policies.documents import Part
from policies.watch.cause import Cause, Update
from policies.watch.finding import Finding

VERSION: Literal[1] = 1


class Started(Part):
    """A watch began to write here."""

    event: Literal["started"] = "started"
    version: Literal[1] = VERSION
    at: datetime.datetime
    project: str
    stack: str


class Opened(Part):
    """A finding that was not there before."""

    event: Literal["opened"] = "opened"
    at: datetime.datetime
    by: Cause
    finding: Finding


class StillOpen(Part):
    """A finding that is open already, of which something is told in another way now: its reason, its severity."""

    event: Literal["still open"] = "still open"
    at: datetime.datetime
    by: Cause
    finding: Finding


class Resolved(Part):
    """A finding that is no more."""

    event: Literal["resolved"] = "resolved"
    at: datetime.datetime
    by: Cause
    now: str
    """What is there instead: pass, exempt, not applicable, resource gone ..."""
    finding: Finding


class Passed(Part):
    """The end of a pass; what stands before it since the last such line is what it found."""

    event: Literal["pass"] = "pass"
    at: datetime.datetime
    began: datetime.datetime
    updates: tuple[Update, ...] = ()
    """Those that were new to it, newest first."""
    seen: str
    """The id of the newest update that was looked at."""
    digest: str
    """The hash of the state that was judged; nothing where none was."""
    drifted: tuple[str, ...] = ()
    """The URNs of what a refresh found changed."""
    still_open: tuple[str, ...] = ()
    """The keys of the findings that were open before and are open still."""
    failed: tuple[str, ...] = ()
    """The stages that failed."""


class AlertDelivered(Part):
    """The webhook took the alert on these findings."""

    event: Literal["told"] = "told"
    at: datetime.datetime
    keys: tuple[str, ...]


class TruncatedRecord(Part):
    """What stands before this line is the rest of one that was not written to its end; nobody has acted on it."""

    event: Literal["torn"] = "torn"
    at: datetime.datetime


Event: TypeAlias = Opened | StillOpen | Resolved
Record: TypeAlias = Annotated[
    Started | Opened | StillOpen | Resolved | Passed | AlertDelivered | TruncatedRecord, Field(discriminator="event")
]
