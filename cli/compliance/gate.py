"""The policies before every change: the pack that the engine runs, and the error lines of a run that it stops."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.engine.session import EngineFailed, Session
from localcloud.sandbox import CHECKOUT
from policies.gate import render_violation

PACK = CHECKOUT / "policies" / "fortress"
CONFIGURATION = CHECKOUT / "policies" / "configuration.json"
DEBUG_COMMANDS = {"PULUMI_DEBUG_COMMANDS": "true"}
"""The engine needs it for `--event-log`, as in Pulumi's Automation API."""


class PolicyViolations(Exception):
    """The policies stopped a run of the engine; the message has a line for each violation."""

    def __init__(self, lines: Sequence[str], status: int) -> None:
        super().__init__("\n".join(lines))
        self.status = status


@dataclass(frozen=True)
class Gate:
    """The policies for runs of the engine on this project's stacks."""

    enforced: bool = True
    strict: bool = False
    """Whether a verdict that cannot be determined stops a preview too."""

    def run(self, session: Session, *command: str) -> None:
        """Run `Session.run` with the policies; raises PolicyViolations and EngineFailed."""
        with self._policies() as options:
            session.run(*command, *options, variables=DEBUG_COMMANDS)

    def capture(self, session: Session, *command: str) -> str:
        """Run `Session.capture` with the policies; raises PolicyViolations and EngineFailed."""
        with self._policies() as options:
            return session.capture(*command, *options, variables=DEBUG_COMMANDS)

    @contextmanager
    def _policies(self) -> Iterator[tuple[str, ...]]:
        """Yield options for the engine; turn its failure into PolicyViolations where there are violations."""
        if not self.enforced:
            print("Policies are off: nothing is judged.", file=sys.stderr, flush=True)
            yield ()
            return
        with tempfile.TemporaryDirectory(prefix="fortress-") as folder:
            events, configuration = Path(folder) / "events", Path(folder) / "configuration.json"
            configuration.write_text(json.dumps(make_configuration(strict=self.strict)))
            try:
                yield (
                    *("--policy-pack", str(PACK), "--policy-pack-config", str(configuration)),
                    *("--event-log", str(events)),
                )
            except EngineFailed as failure:
                lines = violations(_read(events))
                if lines:
                    raise PolicyViolations(lines, failure.status) from None
                raise
            print(summarize(_read(events)), file=sys.stderr, flush=True)


def make_configuration(*, strict: bool) -> dict[str, Any]:
    """Return the configuration of this project's environments."""
    document: dict[str, Any] = json.loads(CONFIGURATION.read_text(encoding="utf-8"))
    return {**document, "all": {**document["all"], "strict": strict}}


def _read(events: Path) -> str:
    return events.read_text(encoding="utf-8") if events.exists() else ""


def summarize(events: str) -> str:
    """Return the summary line of a run that the policies did not stop."""
    found = policy_events(events)
    warned = {(event["policyName"], event["resourceUrn"]) for event in found if event.get("resourceUrn")}
    notes = {event["message"] for event in found if not event.get("resourceUrn")}
    parts = [
        f"{len(warned)} warnings on resources" if warned else "",
        f"{len(notes)} notes on the stack" if notes else "",
    ]
    return f"Policies: no violation blocks{''.join(f', {part}' for part in parts if part)}."


def violations(events: str) -> list[str]:
    """Return a line for each distinct blocking violation in the engine's events (a JSON document per line)."""
    blocking = [event for event in policy_events(events) if event["enforcementLevel"] == "mandatory"]
    return list(dict.fromkeys(_format_event(event) for event in blocking))


def policy_events(events: str) -> list[dict[str, Any]]:
    """Return the events of the policy pack from the engine's events."""
    found = (json.loads(line).get("policyEvent") for line in events.splitlines() if '"policyEvent"' in line)
    return [event for event in found if event]


def _format_event(event: dict[str, Any]) -> str:
    return render_violation(event["policyName"], event.get("resourceUrn", ""), event["message"])
