"""The commands that `fortress` lists. The module of a command is imported when the command is called."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer.main
from typer.core import TyperCommand, TyperGroup

EVERY_DAY = "Every day"
ENVIRONMENTS = "Environments"
SERVICE = "The app and its data"
DATA = "Data for tests and decoys"


@dataclass(frozen=True)
class Entry:
    """One line of the help of `fortress`."""

    words: str
    """Full name of the command; the first word is its group, a package of `cli`."""
    summary: str
    """First line of its help; a copy, so that the list needs no import."""
    panel: str | None
    """Heading of the list; None hides the command."""

    def make_listed(self, name: str) -> TyperCommand:
        """Return a command that can be listed, not run."""
        return TyperCommand(name, help=self.summary, hidden=self.panel is None, rich_help_panel=self.panel)


ENTRIES = {
    "up": Entry("env up", "Bring an environment up: `local` on this machine, any other in its clouds.", EVERY_DAY),
    "down": Entry(
        "env down", "Take an environment down; the local one leaves no process, port or file behind.", EVERY_DAY
    ),
    "status": Entry("env status", "Show the databases, pods and gateways of the local environment.", EVERY_DAY),
    "preview": Entry(
        "env preview",
        "Show what `up` would change; without credentials, against the environment's rehearsal if there is one.",
        EVERY_DAY,
    ),
    "psql": Entry(
        "dev psql",
        "Open psql on a local server by service or by account; all further arguments go to psql.",
        EVERY_DAY,
    ),
    "token": Entry(
        "dev token", "Print a bearer token for the app of the local environment, and nothing else.", EVERY_DAY
    ),
    # Containers run these two. An image and the manifest that starts it may be of different releases: the names stay.
    "serve": Entry(
        "app serve", "Serve the app over HTTP until SIGTERM. Variables named FORTRESS_… configure it.", panel=None
    ),
    "migrate": Entry("app migrate", "Move the database schema of a home cloud's shards up or down.", panel=None),
    "env": Entry("env", "Bring environments up and down, preview changes, and find drift.", ENVIRONMENTS),
    "compliance": Entry(
        "compliance",
        "Report on the controls. Exit status: 0 clean, 1 blocking violations, 2 bad input, 3 nothing could be judged.",
        ENVIRONMENTS,
    ),
    "dev": Entry("dev", "Tools for work on this machine.", ENVIRONMENTS),
    "app": Entry("app", "Run the app, and migrate its databases.", SERVICE),
    "ledger": Entry("ledger", "Look at accounts and change them. Logs in as the app does.", SERVICE),
    "shards": Entry("shards", "Look at the shards and their slots, and move slots between them.", SERVICE),
    "events": Entry("events", "Manage stored events.", SERVICE),
    "privacy": Entry("privacy", "Erase and export personal data, and manage the keys that seal it.", SERVICE),
    "data": Entry("data", "Make synthetic data, fit it to real data, and compare the two.", DATA),
    "decoy": Entry("decoy", "Show intruders a ledger of decoys, and notice who uses what they took.", DATA),
}


class LazyGroup(TyperGroup):
    """A group that lists ENTRIES, and imports a command's module when it is resolved.

    Every command takes the group's option `--verbose` too.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = {name: entry.make_listed(name) for name, entry in ENTRIES.items()}
        self._groups: dict[str, TyperGroup] = {}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command by its name, and load it."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, listed if name is None else self._load(ENTRIES[name].words), rest

    def _load(self, words: str) -> Any:
        group, *names = words.split()
        if group not in self._groups:
            self._groups[group] = typer.main.get_group(import_module(f"cli.{group}.commands").app)
            [verbose] = [option for option in self.params if option.name == "verbose"]
            _add_option(self._groups[group], verbose)
        command: Any = self._groups[group]
        for name in names:
            command = command.commands[name]
        return command


def _add_option(command: Any, option: Any) -> None:
    """Add an option to a command, or to every command of a group."""
    if not isinstance(command, TyperGroup):
        command.params.append(option)
        return
    for child in command.commands.values():
        _add_option(child, option)
