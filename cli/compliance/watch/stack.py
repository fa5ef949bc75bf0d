"""The stack of a watch: its history, its state, and a refresh that leaves no trace without drift."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cli.compliance.input import ForeignState, Input, state_input
from cli.engine.session import Session, name_stack, open_session
from localcloud.sandbox import CHECKOUT
from policies.watch import Update
from stacks.environment import PROJECT

MESSAGE = "fortress compliance watch took over what had drifted"
UNKNOWN_AUTHOR = "unknown"
AUTHORS = ("git.author", "git.committer", "github.login", "ci.build.actor")
LONGEST_MESSAGE = 200
STOPPING_SECONDS = 10.0
UNCHANGED = "same"


class EngineSilent(Exception):
    """The engine failed or timed out; the message has the command and the engine's error."""


class NothingDeployed(Exception):
    """The stack does not exist."""


@dataclass(frozen=True)
class WatchedStack:
    """A stack, and the longest time for one command of the engine."""

    session: Session
    patience: float
    """Seconds."""

    @classmethod
    def of(cls, env: str, *, real: bool, patience: float) -> WatchedStack:
        """Open the stack; without `real`, the one on emulators, as `fortress preview` does."""
        return cls(open_session(name_stack(env, real=real)), patience)

    @property
    def name(self) -> str:
        return self.session.stack

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Lock the stack against other commands on this machine; wait for a running update."""
        with self.session.hold():
            yield

    def updates(self, most: int | None = None) -> tuple[Update, ...]:
        """Return the engine's history, newest first; raises EngineSilent and NothingDeployed."""
        if self.session.simulated and not self.session.exists():
            raise NothingDeployed(f"there is no stack {self.name}: bring it up first")
        page = ("--page-size", str(most), "--page", "1") if most else ()
        entries = json.loads(self._ask("stack", "history", "--json", *page) or "[]")
        return tuple(_parse_update(entry) for entry in entries or () if entry.get("kind") != "preview")

    def state(self) -> Input:
        """Read the state from the backend; raises EngineSilent, Unreadable, and ForeignState."""
        text = self._ask("stack", "export")
        found = state_input(json.loads(text), text, f"the state of {self.name}", simulated=self.session.simulated)
        if found.source.stack and (found.source.project, found.source.stack) != (PROJECT, self.name):
            raise ForeignState(f"the state of {self.name} holds {found.source.project}/{found.source.stack}")
        return found

    def refresh(self) -> tuple[str, ...]:
        """Take drift over into the state, and return its URNs; raises EngineSilent.

        Do a dry run first: each refresh adds a copy of the whole state to the history of a file backend.
        """
        preview = json.loads(self._ask("refresh", "--preview-only", "--json"))
        drifted = list_drifted(preview)
        if drifted or set(preview.get("changeSummary") or ()) - {UNCHANGED}:
            self._ask(
                "refresh", "--yes", "--skip-preview", "--suppress-outputs", "--suppress-progress", "--message", MESSAGE
            )
        return drifted

    def _ask(self, *command: str) -> str:
        """Run a command of the engine and return its output; raises EngineSilent."""
        process = subprocess.Popen(
            [str(self.session.engine.pulumi), *command, "--stack", self.name, "--non-interactive", "--color=never"],
            cwd=CHECKOUT,
            env={**os.environ, **self.session.variables()},
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, error = process.communicate(timeout=self.patience)
        except subprocess.TimeoutExpired:
            _stop(process)
            raise EngineSilent(f"pulumi {_name_command(command)} did not end within {self.patience:g} s") from None
        except BaseException:
            _stop(process)
            raise
        if process.returncode:
            word = find_last_word(error) or find_last_word(out)
            raise EngineSilent(f"pulumi {_name_command(command)} ended with status {process.returncode}: {word}")
        return out


def list_drifted(preview: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the URNs that a refresh would change or drop, from `pulumi refresh --preview-only --json`."""
    steps = preview.get("steps") or ()
    changed = (step for step in steps if step.get("op") not in (UNCHANGED, "refresh"))
    return tuple(sorted({str(step.get("urn")) for step in changed}))


def find_last_word(output: str) -> str:
    """Return the line that says what was wrong: the last that the engine calls an error, else the last at all."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error:")]
    return (errors or lines or [""])[-1][:LONGEST_MESSAGE]


def _stop(process: subprocess.Popen[str]) -> None:
    """Stop the engine so that it releases its lock and its plugins end too."""
    for sign in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.communicate(timeout=STOPPING_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _name_command(command: Sequence[str]) -> str:
    return " ".join(part for part in command if not part.startswith("-"))[:LONGEST_MESSAGE]


def _parse_update(entry: Mapping[str, Any]) -> Update:
    metadata = entry.get("environment") or {}
    return Update(
        version=int(entry.get("version") or 0),
        kind=str(entry.get("kind") or "update"),
        started=datetime.datetime.fromisoformat(str(entry["startTime"])).astimezone(datetime.UTC),
        author=next((str(metadata[name]) for name in AUTHORS if metadata.get(name)), UNKNOWN_AUTHOR),
        message=str(entry.get("message") or "").partition("\n")[0][:LONGEST_MESSAGE],
        commit=str(metadata.get("git.head") or ""),
    )
