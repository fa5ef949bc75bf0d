"""One pass over a stack: find changes and their causes, log them, then send alerts."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from cli.compliance.input import Input
from cli.compliance.rules import RuleFiles, read_rules
from cli.compliance.watch.log import WatchLog
from cli.compliance.watch.metrics import Watching
from cli.compliance.watch.webhook import Refused, Unreached, Webhook
from cli.shared.progress import progress
from policies.report import Report, judge
from policies.resource import STACK
from policies.verdicts import Severity
from policies.watch import (
    AlertDelivered,
    Cause,
    Event,
    Finding,
    Kind,
    Observation,
    Opened,
    Origin,
    Passed,
    Record,
    Resolved,
    Update,
    compare,
    infer_cause,
    list_unseen,
    make_blind_finding,
)
from policies.watch.finding import WATCH
from stacks.environment import PROJECT

DESTROY = "destroy"
WORST_LAST = tuple(Severity)
LONGEST_REASON = 300
BLIND_PATIENCE = datetime.timedelta(minutes=5)
"""A pass also fails where an update holds the stack; only a watch that stays blind is worth an alert."""
UNSEEN = Cause(origin=Origin.WATCH)
T = TypeVar("T")


class Empty(Exception):
    """The state is empty although nobody has destroyed the stack."""


class Watched(Protocol):
    """A stack: that of the engine, or a fake."""

    @property
    def name(self) -> str: ...

    def hold(self) -> AbstractContextManager[None]: ...

    def updates(self, most: int | None = None) -> tuple[Update, ...]: ...

    def state(self) -> Input: ...

    def refresh(self) -> tuple[str, ...]: ...


@dataclass
class Outcome:
    """The outcome of a pass."""

    alerting: bool = False
    """Whether a new violation is severe enough for an alert."""
    failed: bool = False


@dataclass
class Stages:
    """The stages of a pass that ran, and the finding of each that failed."""

    stack: str
    tried: dict[str, Finding | None] = field(default_factory=dict)

    def attempt(self, stage: str, work: Callable[[], T]) -> T | None:
        """Run a stage; a failure becomes a finding and never ends the watch."""
        try:
            result = work()
        except Exception as fault:
            reason = " ".join((str(fault) or type(fault).__name__).split())[:LONGEST_REASON]
            self.tried[stage] = make_blind_finding(PROJECT, self.stack, stage, reason)
            return None
        self.tried.setdefault(stage, None)
        return result

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(stage for stage, finding in self.tried.items() if finding)

    def blind(self, open_: dict[str, Finding]) -> tuple[Finding, ...]:
        """Return the failures, and the open ones of stages that were not tried now."""
        untried = (
            finding for finding in open_.values() if finding.kind is Kind.BLIND and _stage(finding) not in self.tried
        )
        return (*(finding for finding in self.tried.values() if finding), *untried)


@dataclass(frozen=True)
class Look:
    """The stack at one moment of a pass."""

    found: Input | None = None
    """None where the state could not be read."""
    by: Cause = UNSEEN
    seen: str = ""
    drifted: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        return self.found.source.digest if self.found else ""


@dataclass
class Watch:
    """A watch over one stack."""

    stack: Watched
    files: RuleFiles
    log: WatchLog
    watching: Watching
    alert_at: Severity
    webhook: Webhook | None
    tell: Callable[[Record], None]
    clock: Callable[[], datetime.datetime]
    strict: bool = False
    """Whether the rules of the last pass count an open verdict as a violation."""

    def has_update(self) -> bool:
        """Tell whether the history has an update that no run has looked at; a failure is counted."""
        try:
            newest = self.stack.updates(1)
        except Exception:
            self.watching.failed["look"] += 1
            return False
        return bool(newest) and newest[0].id != self.log.state.seen

    def look(self, *, refresh: bool) -> Outcome:
        """Run once; with `refresh` look for drift too. Raises LogLost, and what `tell` raises."""
        began, outcome, stages = self.clock(), Outcome(), Stages(self.stack.name)
        looks: list[Look] = []
        with progress(f"looking at {self.stack.name}"):
            stages.attempt("lock", lambda: self._look(stages, looks, refresh=refresh))
        for look in looks or [Look()]:
            self._note(look, stages, outcome, began)
        self.watching.passes += 1
        self.watching.failed.update(stages.failed)
        self._alert()
        return outcome

    def _look(self, stages: Stages, looks: list[Look], *, refresh: bool) -> None:
        """Judge updates before a refresh and drift after it, so that each finding gets its own cause."""
        state = self.log.state
        seen, digest = state.seen, state.digest
        with self.stack.hold():
            updates = self._list_unseen(stages, seen)
            if not refresh or (updates and state.judged):
                looks.append(self._see(stages, updates, digest))
                seen, digest = looks[-1].seen or seen, looks[-1].digest or digest
            if refresh:
                drifted = stages.attempt("refresh", self.stack.refresh) or ()
                looks.append(self._see(stages, self._list_unseen(stages, seen), digest, drifted))

    def _list_unseen(self, stages: Stages, seen: str) -> tuple[Update, ...]:
        return stages.attempt("history", lambda: list_unseen(self.stack.updates(), seen)) or ()

    def _see(self, stages: Stages, updates: tuple[Update, ...], digest: str, drifted: tuple[str, ...] = ()) -> Look:
        found = stages.attempt("state", lambda: self._state(updates))
        same = found is None or found.source.digest == digest
        otherwise = Origin.DRIFT if drifted else Origin.RULES if same else Origin.EDIT
        by = infer_cause(updates, otherwise) if self.log.state.judged else Cause(origin=Origin.START)
        return Look(found, by, updates[0].id if updates else "", drifted)

    def _state(self, updates: tuple[Update, ...]) -> Input:
        """Read the state; believe an empty one only after a destroy. Raises Empty and what reading raises."""
        found = self.stack.state()
        if not any(resource.type != STACK for resource in found.resources) and not self._is_destroyed(updates):
            raise Empty(f"the state of {self.stack.name} holds no resource, and its history tells of no destroy")
        return found

    def _is_destroyed(self, updates: tuple[Update, ...]) -> bool:
        return next((update.kind for update in updates or self.stack.updates(1)), "") == DESTROY

    def _note(self, look: Look, stages: Stages, outcome: Outcome, began: datetime.datetime) -> None:
        """Judge, write down, then tell. What could not be written down is found again by the next pass."""
        found = look.found
        report = stages.attempt("rules", lambda: self._judge(found)) if found else None
        open_, at = self.log.state.findings, self.clock()
        events = compare(open_, Observation(report, stages.blind(open_)), look.by, at)
        passed = self._make_pass(look, report, events, stages, began, at)
        outcome.failed = outcome.failed or bool(stages.failed)
        try:
            self.log.append([*events, passed], at)
        except OSError as fault:
            outcome.failed = True
            self.watching.failed["log"] += 1
            print(f"error: {self.log.path}: {fault.strerror}; tried again", file=sys.stderr, flush=True)
            return
        self._show(report, passed)
        for record in (*events, passed):
            self.tell(record)
        new = (event.finding for event in events if isinstance(event, Opened))
        outcome.alerting = outcome.alerting or any(map(self._alerts, new))

    def _judge(self, found: Input) -> Report:
        """Judge by the current rule files: exemptions begin and end while the watch runs."""
        rules = read_rules(self.files, own=found.ours)
        self.watching.exemptions, self.strict = rules.exemptions.entries, rules.strict
        return judge(found.resources, rules, found.source, self.clock())

    def _make_pass(
        self,
        look: Look,
        report: Report | None,
        events: tuple[Event, ...],
        stages: Stages,
        began: datetime.datetime,
        at: datetime.datetime,
    ) -> Passed:
        ended = {event.finding.key for event in events if isinstance(event, Resolved)}
        return Passed(
            at=at,
            began=began,
            updates=look.by.updates,
            seen=look.seen if report else "",
            digest=look.digest if report else "",
            drifted=look.drifted,
            still_open=tuple(sorted(self.log.state.open.keys() - ended)),
            failed=stages.failed,
        )

    def _show(self, report: Report | None, passed: Passed) -> None:
        """Update what Prometheus scrapes."""
        state, watching = self.log.state, self.watching
        watching.findings = tuple(state.findings.values())
        watching.report = report or watching.report
        watching.today = passed.at.date()
        watching.last_pass = state.last_pass
        watching.seconds = (passed.at - passed.began).total_seconds()

    def _is_due(self, opened: Opened) -> bool:
        if opened.finding.kind is Kind.BLIND:
            return self.clock() - opened.at >= BLIND_PATIENCE
        return self._alerts(opened.finding)

    def _alerts(self, finding: Finding) -> bool:
        """Tell whether a finding is severe enough for an alert; strict rules count open verdicts too."""
        counts = finding.kind is Kind.VIOLATION or (self.strict and finding.kind is Kind.NOT_DETERMINABLE)
        return counts and WORST_LAST.index(finding.severity) >= WORST_LAST.index(self.alert_at)

    def _alert(self) -> None:
        """Send every open finding that the webhook has not taken yet, also those from before a restart."""
        state = self.log.state
        due = [record for record in (state.open[key] for key in sorted(state.untold)) if self._is_due(record)]
        if not due or self.webhook is None:
            return
        try:
            self.webhook.send(self.stack.name, due, self.clock)
        except (Refused, Unreached) as fault:
            self.watching.alerts_failed += 1
            print(f"error: {fault}; the alert is tried again after the next pass", file=sys.stderr, flush=True)
            return
        self.watching.alerts += 1
        delivered = AlertDelivered(at=self.clock(), keys=tuple(record.finding.key for record in due))
        try:
            self.log.append([delivered], delivered.at)
        except OSError as fault:
            print(f"error: {self.log.path}: {fault.strerror}; the alert may come again", file=sys.stderr, flush=True)
            return
        self.tell(delivered)


def _stage(finding: Finding) -> str:
    return finding.check.removeprefix(f"{WATCH}/")
