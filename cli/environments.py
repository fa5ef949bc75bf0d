"""Commands that bring environments up, look at them, and take them down."""

from __future__ import annotations

from typing import Annotated

import typer

EnvironmentName = Annotated[
    str, typer.Option("--env", help="local, preview-<number>, dev, staging or production", metavar="ENV")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before real clouds change.")]
Real = Annotated[bool, typer.Option("--real", help="Ask the real clouds, with your own credentials and backend.")]


def mount(app: typer.Typer) -> None:
    """Add these commands to the `fortress` command."""
    for command in (up, down, status, preview, rehearse, refresh, preview_comment, shell):
        app.command(command.__name__.replace("_", "-"))(command)


def up(env: EnvironmentName = "local", yes: Yes = False, as_json: AsJson = False) -> None:
    """Bring an environment up: `local` on this machine, any other in its clouds."""
    from cli import deploy

    deploy.bring_up(env, yes=yes, as_json=as_json)


def down(env: EnvironmentName = "local", yes: Yes = False) -> None:
    """Take an environment down; a local one leaves no process, port or file behind."""
    from cli import deploy

    deploy.take_down(env, yes=yes)


def status(as_json: AsJson = False) -> None:
    """Show the databases, pods and gateways of the local environment."""
    from cli import overview

    overview.show(as_json=as_json)


def preview(env: EnvironmentName = "production", real: Real = False) -> None:
    """Show what `up` would change; without credentials, against the rehearsal of the environment if there is one."""
    from cli import deploy

    deploy.preview(env, real=real)


def rehearse(env: EnvironmentName = "production") -> None:
    """Bring an environment up on stand-ins that only record, as the base for previews."""
    from cli import deploy

    deploy.rehearse(env)


def refresh(env: EnvironmentName = "local") -> None:
    """Compare an environment's state with what is really there, and take over what changed."""
    from cli import deploy

    deploy.refresh(env)


def preview_comment(env: EnvironmentName = "production") -> None:
    """Print a preview as Markdown for a pull request: lost data stores first, then violations that are new."""
    from cli import compliance_report, deploy, preview_comment

    document = deploy.preview_as_json(env)
    print(preview_comment.render(env, document, compliance_report.section(document)))


def shell(
    lines: Annotated[bool, typer.Option("--print", help="Print lines to source instead of starting a shell.")] = False,
    env: EnvironmentName = "local",
) -> None:
    """Start a shell in which `pulumi` by hand uses this project's engine, stand-ins and backend."""
    from cli import deploy

    deploy.open_shell(env, print_lines=lines)
