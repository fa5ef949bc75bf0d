"""Options that mean the same for every command that has them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

LOCAL = "local"
"""The environment that a command works on when none is named."""
PREFIX, SUFFIX = "Pulumi.", ".yaml"


class LocalOnly(Exception):
    """A command serves only the local environment, and another one was named."""

    def __init__(self, command: str, env: str, instead: str) -> None:
        super().__init__(f"{command} works on the local environment, not on {env}: {instead}")


def check_local(env: str | None, command: str, instead: str) -> None:
    """Raise LocalOnly where another environment than the local one is named."""
    if env not in (None, LOCAL):
        raise LocalOnly(command, str(env), instead)


def complete_environment(incomplete: str) -> list[str]:
    """Return the environments that have a settings file, for completion in a shell."""
    folder = Path(__file__).resolve().parents[2] / "stacks" / "config"
    names = [path.name.removeprefix(PREFIX).removesuffix(SUFFIX) for path in sorted(folder.glob(f"{PREFIX}*{SUFFIX}"))]
    return [name for name in names if name.startswith(incomplete) and not name.startswith("rehearsal-")]


def environment_option(*aliases: str) -> Any:
    """Return the option that names an environment; the parameter is None where the user names none."""
    return typer.Option(
        "--env",
        *aliases,
        metavar="ENV",
        help="Environment: local, preview-<number>, dev, staging or production.",
        show_default=LOCAL,
        autocompletion=complete_environment,
    )


Environment = Annotated[str | None, environment_option()]
DirectoryFile = Annotated[
    Path | None,
    typer.Option(
        "--directory",
        metavar="FILE",
        help="File that lists the shards, in place of --env.",
        show_default="FORTRESS_DIRECTORY",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
