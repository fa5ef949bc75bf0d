"""Commands that bring environments up, look at them, and take them down."""

from __future__ import annotations

from typing import Annotated

import typer

EnvironmentName = Annotated[
    str, typer.Option("--env", help="local, preview-<number>, dev, staging or production", metavar="ENV")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before real clouds change.")]
Policies = Annotated[
    bool, typer.Option(help="Hold the run to the policies; without them nothing is judged, so say why to somebody.")
]
Strict = Annotated[bool, typer.Option("--strict", help="What cannot be determined yet stops the preview too.")]
Real = Annotated[bool, typer.Option("--real", help="Ask the real clouds, with your own credentials and backend.")]


def mount(app: typer.Typer) -> None:
    """Add these commands to the `fortress` command."""
    for command in (up, down, status, preview, rehearse, refresh, preview_comment, shell):
        app.command(command.__name__.replace("_", "-"))(command)


def up(env: EnvironmentName = "local", yes: Yes = False, as_json: AsJson = False, policies: Policies = True) -> None:
    """Bring an environment up: `local` on this machine, any other in its clouds."""
    from cli.env import deploy
    from cli.gate import Gate

    deploy.bring_up(env, Gate(policies), yes=yes, as_json=as_json)


def down(env: EnvironmentName = "local", yes: Yes = False) -> None:
    """Take an environment down; a local one leaves no process, port or file behind."""
    from cli.env import deploy

    deploy.take_down(env, yes=yes)


def status(as_json: AsJson = False) -> None:
    """Show the databases, pods and gateways of the local environment."""
    from cli.env import overview

    overview.show(as_json=as_json)


def preview(
    env: EnvironmentName = "production", real: Real = False, policies: Policies = True, strict: Strict = False
) -> None:
    """Show what `up` would change; without credentials, against the rehearsal of the environment if there is one."""
    from cli.env import deploy
    from cli.gate import Gate

    deploy.preview(env, Gate(policies, strict), real=real)


def rehearse(env: EnvironmentName = "production", policies: Policies = True) -> None:
    """Bring an environment up on emulators that only record, as the base for previews."""
    from cli.env import deploy
    from cli.gate import Gate

    deploy.rehearse(env, Gate(policies))


def refresh(env: EnvironmentName = "local") -> None:
    """Compare an environment's state with what is really there, and take over what changed."""
    from cli.env import deploy

    deploy.refresh(env)


def preview_comment(env: EnvironmentName = "production", policies: Policies = True, strict: Strict = False) -> None:
    """Print a preview as Markdown for a pull request: lost data stores first, then violations that are new.

    It is printed whatever it says; then violations that block end the command as they end `preview`.
    """
    from cli import preview_comment
    from cli.compliance import report as compliance_report
    from cli.env import deploy

    document = deploy.preview_as_json(env)
    judged = compliance_report.JudgedPreview.of(document, strict=strict)
    print(preview_comment.render(env, document, judged.section), flush=True)
    if policies:
        judged.stop()


def shell(
    lines: Annotated[bool, typer.Option("--print", help="Print lines to source instead of starting a shell.")] = False,
    env: EnvironmentName = "local",
) -> None:
    """Start a shell in which `pulumi` by hand uses this project's engine, emulators and backend."""
    from cli.env import deploy

    deploy.open_shell(env, print_lines=lines)
