"""`fortress env`: environments up, down, previewed and compared with what is really there."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.shared.options import LOCAL, AsJson, Environment, Yes, check_local

Policies = Annotated[bool, typer.Option(help="Enforce the policies; --no-policies checks nothing.")]
Strict = Annotated[bool, typer.Option("--strict", help="Fail also where a policy cannot be decided before the update.")]
Real = Annotated[bool, typer.Option("--real", help="Ask the real clouds, with your own credentials and backend.")]

app = typer.Typer(no_args_is_help=True, help="Bring environments up and down, preview changes, and find drift.")


@app.command()
def up(env: Environment = None, yes: Yes = False, as_json: AsJson = False, policies: Policies = True) -> None:
    """Bring an environment up: `local` on this machine, any other in its clouds."""
    from cli.compliance.gate import Gate
    from cli.env import deploy

    deploy.bring_up(env or LOCAL, Gate(policies), yes=yes, as_json=as_json)


@app.command()
def down(env: Environment = None, yes: Yes = False) -> None:
    """Take an environment down; the local one leaves no process, port or file behind."""
    from cli.env import deploy

    deploy.take_down(env or LOCAL, yes=yes)


@app.command()
def status(env: Environment = None, as_json: AsJson = False) -> None:
    """Show the databases, pods and gateways of the local environment."""
    from cli.env import overview

    check_local(env, "status", f"`fortress env preview --env {env} --real` compares {env} with its settings")
    overview.show_status(as_json=as_json)


@app.command()
def preview(env: Environment = None, real: Real = False, policies: Policies = True, strict: Strict = False) -> None:
    """Show what `up` would change; without credentials, against the environment's rehearsal if there is one."""
    from cli.compliance.gate import Gate
    from cli.env import deploy

    deploy.preview(env or LOCAL, Gate(policies, strict), real=real)


@app.command()
def rehearse(env: Environment = None, policies: Policies = True) -> None:
    """Bring an environment up on emulators that only record, as the base for previews."""
    from cli.compliance.gate import Gate
    from cli.env import deploy

    deploy.rehearse(env or LOCAL, Gate(policies))


@app.command()
def refresh(env: Environment = None) -> None:
    """Compare an environment's state with what is really there, and record what changed."""
    from cli.env import deploy

    deploy.refresh(env or LOCAL)


@app.command()
def preview_comment(env: Environment = None, policies: Policies = True, strict: Strict = False) -> None:
    """Print a preview as Markdown for a pull request: lost data stores first, then new violations.

    Always print the comment; then fail on blocking violations as `preview` does.
    """
    from cli.compliance import preview_comment
    from cli.compliance import report as compliance_report
    from cli.env import deploy

    name = env or LOCAL
    document = deploy.preview_as_json(name)
    judged = compliance_report.JudgedPreview.of(document, strict=strict)
    print(preview_comment.render(name, document, judged.section), flush=True)
    if policies:
        judged.stop()
