"""What stands after all lines of a log: the findings that are open, and what nobody has been told of yet."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from policies.watch.finding import Finding
from policies.watch.records import AlertDelivered, Opened, Passed, Record, Resolved, Started, StillOpen


class Contradiction(Exception):
    """A record that cannot follow on those before it: a finding opened twice, resolved before it was opened ..."""


@dataclass(frozen=True)
class WatchState:
    """Folded from records, one after the other; the same after a restart as in the watch that wrote them."""

    project: str = ""
    stack: str = ""
    open: Mapping[str, Opened] = field(default_factory=dict)
    """By key, as opened, with the finding as it was last told."""
    untold: frozenset[str] = frozenset()
    """The keys of open findings that no webhook has taken."""
    seen: str = ""
    """The newest update that a pass has looked at."""
    digest: str = ""
    """Of the state that was judged last."""
    last_pass: datetime.datetime | None = None
    """When the last pass ended in which nothing failed."""
    judged: bool = False
    """Whether any pass has judged a state."""

    @classmethod
    def after_all(cls, records: Iterable[Record]) -> WatchState:
        """Raises Contradiction."""
        state = cls()
        for record in records:
            state = state.after(record)
        return state

    @property
    def findings(self) -> dict[str, Finding]:
        """Return the open findings, by key."""
        return {key: one.finding for key, one in self.open.items()}

    def after(self, record: Record) -> WatchState:
        """Return the state after one more record; raises Contradiction."""
        match record:
            case Started():
                return self._start(record)
            case Opened():
                return self._open(record)
            case StillOpen():
                return self._update(record)
            case Resolved():
                return self._resolve(record)
            case Passed():
                return self._pass(record)
            case AlertDelivered():
                return replace(self, untold=self.untold - set(record.keys))
            case _:
                return self

    def _start(self, record: Started) -> WatchState:
        if self.stack and (self.project, self.stack) != (record.project, record.stack):
            raise Contradiction(f"it is of {self.project}/{self.stack}, not of {record.project}/{record.stack}")
        return replace(self, project=record.project, stack=record.stack)

    def _open(self, record: Opened) -> WatchState:
        key = record.finding.key
        if key in self.open:
            raise Contradiction(f"{record.finding.check} on {record.finding.urn} is opened a second time")
        return replace(self, open={**self.open, key: record}, untold=self.untold | {key})

    def _update(self, record: StillOpen) -> WatchState:
        opened = self._require_open(record.finding)
        updated = opened.model_copy(update={"finding": record.finding})
        return replace(self, open={**self.open, record.finding.key: updated})

    def _resolve(self, record: Resolved) -> WatchState:
        self._require_open(record.finding)
        key = record.finding.key
        return replace(
            self, open={other: one for other, one in self.open.items() if other != key}, untold=self.untold - {key}
        )

    def _pass(self, record: Passed) -> WatchState:
        return replace(
            self,
            seen=record.seen or self.seen,
            digest=record.digest or self.digest,
            judged=self.judged or bool(record.digest),
            last_pass=self.last_pass if record.failed else record.at,
        )

    def _require_open(self, finding: Finding) -> Opened:
        if finding.key not in self.open:
            raise Contradiction(f"{finding.check} on {finding.urn} is not open")
        return self.open[finding.key]
